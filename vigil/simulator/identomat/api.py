"""Identomat's API for servers, played: sessions, results and files, for whoever sends a company key."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.simulator.answers import download
from vigil.simulator.files import archive, photograph, video
from vigil.simulator.identomat import payloads
from vigil.simulator.identomat.recordings import Sending, footage
from vigil.simulator.identomat.scenario import IdentomatScenario, Room
from vigil.simulator.identomat.session import Session
from vigil.simulator.identomat.signing import is_signed, signed

API: Final = "/external-api"
REFUSED_KEY: Final = "refused"
"""Any other company key opens; this one lets a tester see a refused one."""

Asked = Mapping[str, Any]
Begin = Callable[[IdentomatScenario], Session]
Find = Callable[[str], Session | None]
_PICTURES: Final[Mapping[str, Callable[[IdentomatScenario], bool]]] = {
    "card-front": lambda scenario: scenario.document == "id",
    "card-back": lambda scenario: scenario.document == "id",
    "passport": lambda scenario: scenario.document == "passport",
    "face": lambda scenario: scenario.face,
    "face-video": lambda scenario: scenario.face,
}
"""By their address, whether a session has them."""


class WrongArgument(Exception):
    """An argument is missing or invalid, which is answered 200."""


class Api:
    """The routes of the API; parameters may come as JSON, as a form or in the query."""

    def __init__(self, begin: Begin, find: Find) -> None:
        """Take what creates a session, and what finds one by its token."""
        self._begin_session = begin
        self._find = find

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        answers = {
            "begin/": self._begin,
            "result/": self._of_session(self._result),
            "delete/": self._of_session(self._delete),
            "get-video-call-videos/": self._of_session(self._recording),
            **{f"result/{name}/": self._of_session(self._picture) for name in _PICTURES},
        }
        return [Route(f"{API}/{path}", _checked(answer), methods=["GET", "POST"]) for path, answer in answers.items()]

    async def _begin(self, _: Request, asked: Asked) -> Response:
        if "config_id" not in asked and not {"flags", "steps"} <= asked.keys():
            raise WrongArgument("config_id")
        session = self._begin_session(IdentomatScenario(company_key=asked["company_key"]))
        return JSONResponse(session.reference)

    def _of_session(self, answer: "OfSession") -> "Answer":
        async def answered(request: Request, asked: Asked) -> Response:
            session = self._find(_text(asked, "session_token"))
            if session is None or session.scenario.company_key not in {None, asked["company_key"]}:
                return JSONResponse(payloads.SESSION_NOT_FOUND)
            if session.is_gone:
                return JSONResponse(payloads.SESSION_NOT_FOUND, status_code=session.scenario.not_found_code)
            key = session.scenario.secret_key
            if key is not None and not await is_signed(request, key):
                return Response(status_code=401)
            response = await answer(request, asked, session)
            return response if key is None or not session.scenario.signs_answers else signed(response, key)

        return answered

    async def _result(self, _: Request, __: Asked, session: Session) -> Response:
        session.reads += 1
        if session.is_down():
            return Response(status_code=503)
        return JSONResponse(session.result())

    async def _delete(self, _: Request, __: Asked, session: Session) -> Response:
        session.erase()
        return JSONResponse({})

    async def _picture(self, request: Request, _: Asked, session: Session) -> Response:
        name = request.url.path.rstrip("/").rpartition("/")[2]
        if not (session.is_submitted() and _PICTURES[name](session.scenario)):
            return Response(status_code=404)
        own = f"{session.reference}/{name}"
        file = video(own) if name == "face-video" else photograph(own)
        knobs = session.scenario
        return download(file, earlier=_earlier(session, name), cut=knobs.cut_downloads, corrupt=knobs.corrupt_downloads)

    async def _recording(self, request: Request, asked: Asked, session: Session) -> Response:
        if "fileId" not in asked:
            return _all(session)
        room = next((each for each in session.recorded() if each.file == asked["fileId"]), None)
        if room is None:
            raise WrongArgument("fileId")
        if session.age < room.told_at + room.recording.lags:
            return _not_yet(room)
        earlier, knobs = _earlier(session, room.file), session.scenario
        file, most = footage(session.reference, room), None
        if earlier < knobs.cut_downloads:
            most = file.size // 2
        elif earlier < knobs.cut_downloads + room.recording.cut_connections:
            most = room.recording.cut_after
        return Sending(request, file, room.recording, most=most)


Answer = Callable[[Request, Asked], Awaitable[Response]]
OfSession = Callable[[Request, Asked, Session], Awaitable[Response]]


def _checked(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def checked(request: Request) -> Response:
        try:
            asked = await _asked(request)
            if _text(asked, "company_key") == REFUSED_KEY:
                raise WrongArgument("company_key")
            return await answer(request, asked)
        except WrongArgument as wrong:
            return JSONResponse(payloads.argument_error(str(wrong)))

    return checked


async def _asked(request: Request) -> Asked:
    body, in_query = await request.body(), dict(request.query_params)
    if "form" in request.headers.get("content-type", ""):
        return {**in_query, **dict(parse_qsl(body.decode()))}
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        raise WrongArgument("body") from None
    if not isinstance(told, dict):
        raise WrongArgument("body")
    return {**in_query, **told}


def _text(asked: Asked, name: str) -> str:
    held = asked.get(name)
    if not isinstance(held, str) or not held:
        raise WrongArgument(name)
    return held


def _earlier(session: Session, name: str) -> int:
    earlier = session.downloads[name]
    session.downloads[name] += 1
    return earlier


def _all(session: Session) -> Response:
    """Return every recording at once, which is discouraged and still works."""
    held = {}
    for room in session.recorded():
        file = footage(session.reference, room)
        held[f"{room.file}.mp4"] = b"".join(file.pieces(0, file.size))
    zipped = archive(held)
    return Response(zipped.content, media_type=zipped.media_type)


def _not_yet(room: Room) -> Response:
    match room.recording.until_then:
        case "argument_error":
            raise WrongArgument("fileId")
        case "word":
            return JSONResponse("VIDEO_NOT_READY")
        case code:
            return Response(status_code=int(code))
