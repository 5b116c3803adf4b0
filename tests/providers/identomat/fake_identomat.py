"""A small Identomat on a real socket: it checks the company key and holds results, pictures and recordings."""

import json

from tests.providers.raw_server import Answer, RawServer, json_response

COMPANY_KEY = "0123456789abcdef01234567_fedcba"
NOT_FOUND = json_response("SESSION_NOT_FOUND")


class FakeIdentomat(RawServer):
    """Holds results and pictures by session, recordings by file; asked only by POST with JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, Answer] = {}
        self.pictures: dict[str, Answer] = {}
        self.recordings: dict[str, Answer] = {}
        self.headers: list[dict[str, str]] = []
        self.fields: list[dict[str, str]] = []

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        given = json.loads(body)
        self.headers.append(headers)
        self.fields.append(given)
        if given.get("company_key") != COMPANY_KEY or headers.get("content-type") != "application/json":
            return json_response({"argumentError": "company_key"})
        session = given["session_token"]
        match target:
            case "/result/":
                return self.results.get(session, NOT_FOUND)
            case "/get-video-call-videos/":
                return self.recordings.get(given["fileId"], json_response({}, 404))
            case _:
                return self.pictures.get(target, json_response({}, 404))
