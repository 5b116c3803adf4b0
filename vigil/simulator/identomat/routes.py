"""Identomat's API for servers, simulated, for every company key but one."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from vigil.simulator.base import SimulatedProvider
from vigil.simulator.files import photograph, video
from vigil.simulator.identomat import payloads, stories
from vigil.simulator.identomat.recordings import RecordingResponse, footage
from vigil.simulator.identomat.scenario import IdentomatScenario
from vigil.simulator.identomat.session import Session, script

API: Final = "/external-api"
REFUSED_KEY: Final = "refused"
"""Any other company key is accepted; with this one a tester sees a refusal."""
CARDS: Final = frozenset({"card-front", "card-back"})
FACES: Final = frozenset({"face", "face-video"})
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

Parameters = Mapping[str, Any]


class WrongArgument(Exception):
    """An argument is missing or invalid, which Identomat answers with 200."""


class Identomat(SimulatedProvider[IdentomatScenario, Session]):
    """The simulated Identomat. Sessions that its own API creates have no callbacks: no request names an address."""

    name = "identomat"
    accounts = stories.ACCOUNTS
    stories = stories.STORIES
    markers = payloads.MARKERS
    scenario_type = IdentomatScenario

    def routes(self) -> Sequence[BaseRoute]:
        """Return Identomat's own API; parameters may come as JSON, as a form or in the query."""
        answers = {
            "begin/": self._begin,
            "result/": self._of_session(self._result),
            "get-video-call-videos/": self._of_session(self._recording),
            **{f"result/{name}/": self._of_session(self._picture) for name in (*CARDS, *FACES)},
        }
        return [Route(f"{API}/{path}", _checked(answer), methods=["GET", "POST"]) for path, answer in answers.items()]

    def create(self, scenario: IdentomatScenario) -> Session:
        """Create a session. Raises `ReferenceInUse`."""
        reference = scenario.reference or "".join(secrets.choice(_LETTERS) for _ in range(40))
        return self.add(Session(reference, scenario, self.engine, script(scenario)))

    async def _begin(self, _: Request, given: Parameters) -> Response:
        if "config_id" not in given and not {"flags", "steps"} <= given.keys():
            raise WrongArgument("config_id")
        return JSONResponse(self.create(IdentomatScenario(company_key=given["company_key"])).reference)

    def _of_session(self, answer: "OfSession") -> "Answer":
        async def answered(request: Request, given: Parameters) -> Response:
            session = self.verifications.get(_text(given, "session_token"))
            if session is None or session.scenario.company_key not in {None, given["company_key"]}:
                return JSONResponse(payloads.SESSION_NOT_FOUND)
            return await answer(request, given, session)

        return answered

    async def _result(self, _: Request, __: Parameters, session: Session) -> Response:
        session.count_read()
        return JSONResponse(session.result())

    async def _picture(self, request: Request, _: Parameters, session: Session) -> Response:
        name = request.url.path.rstrip("/").rpartition("/")[2]
        is_captured = session.scenario.face if name in FACES else session.scenario.document == "id"
        if not (session.is_submitted and is_captured):
            raise HTTPException(404)
        own = f"{session.reference}/{name}/{session.rounds}"
        return session.send_file(name, video(own) if name == "face-video" else photograph(own))

    async def _recording(self, request: Request, given: Parameters, session: Session) -> Response:
        room = session.find_recording(_text(given, "fileId"))
        if room is None:
            raise WrongArgument("fileId")
        if session.age < room.complete_at + room.recording.lags:
            raise HTTPException(404)
        earlier, scenario = session.count_download(room.file), session.scenario
        file, limit = footage(session.reference, room), None
        if earlier < scenario.cut_downloads:
            limit = file.size // 2
        elif earlier < scenario.cut_downloads + room.recording.cut_connections:
            limit = room.recording.cut_after
        return RecordingResponse(request, file, limit=limit)


Answer = Callable[[Request, Parameters], Awaitable[Response]]
OfSession = Callable[[Request, Parameters, Session], Awaitable[Response]]


def _checked(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def checked(request: Request) -> Response:
        try:
            given = await _parameters(request)
            if _text(given, "company_key") == REFUSED_KEY:
                raise WrongArgument("company_key")
            return await answer(request, given)
        except WrongArgument as wrong:
            return JSONResponse(payloads.argument_error(str(wrong)))

    return checked


async def _parameters(request: Request) -> Parameters:
    body, in_query = await request.body(), dict(request.query_params)
    if "form" in request.headers.get("content-type", ""):
        return {**in_query, **dict(parse_qsl(body.decode()))}
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise WrongArgument("body") from None
    if not isinstance(given, dict):
        raise WrongArgument("body")
    return {**in_query, **given}


def _text(given: Parameters, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise WrongArgument(name)
    return value
