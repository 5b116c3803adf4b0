"""A small Assure on a real socket: it checks clients, scopes and tokens, and holds processes, dossiers and files."""

import base64
from urllib.parse import parse_qs

from tests.providers.raw_server import Answer, TokenServer, json_response

CLIENT = "tracker"
SECRET = "correct horse battery staple"
LEGACY_LOGIN = "/oidc/token"
CURRENT_LOGIN = "/auth/open/connect/token"
SCOPES = {LEGACY_LOGIN: "client.assure.api client.capture.api", CURRENT_LOGIN: "signicat-api"}

NOT_FOUND = json_response(
    {"status": 404, "type": "base:not-found", "title": "Not found", "detail": "No such process", "traceId": "t-1"}, 404
)


class FakeSignicat(TokenServer):
    """Holds answers by path below `/assure`, with the query."""

    logins_at = frozenset(SCOPES)
    unauthorized = json_response({"status": 401, "type": "base:unauthorized"}, 401)

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Answer] = {}
        self.expires_in: object = 600
        self.accepted_encodings: list[str] = []

    def token_in(self, headers: dict[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    async def answer_with_token(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        self.accepted_encodings.append(headers.get("accept-encoding", ""))
        return self.held.get(target.removeprefix("/assure"), NOT_FOUND)

    def log_in(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("authorization") != basic:
            return json_response({"error": "invalid_client"}, 401)
        expected = {"grant_type": ["client_credentials"], "scope": [SCOPES[path]]}
        if headers.get("content-type") != "application/x-www-form-urlencoded" or parse_qs(body.decode()) != expected:
            return json_response({"error": "invalid_request"}, 400)
        token = {"access_token": self.new_token(), "token_type": "Bearer", "scope": SCOPES[path]}
        return json_response(token if self.expires_in is None else token | {"expires_in": self.expires_in})
