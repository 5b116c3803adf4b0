"""A small Assure on a real socket: it checks clients, scopes and tokens, and holds processes, dossiers and files."""

import asyncio
import base64
from urllib.parse import parse_qs, urlsplit

from tests.providers.raw_server import Answer, RawServer, told

CLIENT = "tracker"
SECRET = "correct horse battery staple"
LEGACY_LOGIN = "/oidc/token"
CURRENT_LOGIN = "/auth/open/connect/token"
SCOPES = {LEGACY_LOGIN: "client.assure.api client.capture.api", CURRENT_LOGIN: "signicat-api"}

NOT_FOUND = told(
    {"status": 404, "type": "base:not-found", "title": "Not found", "detail": "No such process", "traceId": "t-1"}, 404
)


class FakeSignicat(RawServer):
    """What it holds is held by path below `/assure`, its query included."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Answer] = {}
        self.logins = 0
        self.login_takes = 0.0
        self.expires_in: object = 600
        self.accepted_encodings: list[str] = []
        self._live_tokens: set[str] = set()

    def expire_all_tokens(self) -> None:
        self._live_tokens.clear()

    async def before(self, path: str) -> None:
        if path in SCOPES:
            self.logins += 1
            await asyncio.sleep(self.login_takes)

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = urlsplit(target).path
        if path in SCOPES:
            return self._log_in(path, headers, body)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self._live_tokens:
            return told({"status": 401, "type": "base:unauthorized"}, 401)
        self.accepted_encodings.append(headers.get("accept-encoding", ""))
        return self.held.get(target.removeprefix("/assure"), NOT_FOUND)

    def _log_in(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("authorization") != basic:
            return told({"error": "invalid_client"}, 401)
        asked = {"grant_type": ["client_credentials"], "scope": [SCOPES[path]]}
        if headers.get("content-type") != "application/x-www-form-urlencoded" or parse_qs(body.decode()) != asked:
            return told({"error": "invalid_request"}, 400)
        token = f"token-{self.logins}"
        self._live_tokens.add(token)
        granted = {"access_token": token, "token_type": "Bearer", "scope": SCOPES[path]}
        return told(granted if self.expires_in is None else granted | {"expires_in": self.expires_in})
