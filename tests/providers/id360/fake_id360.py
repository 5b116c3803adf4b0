"""A small ID360 on a real socket: it checks passwords and tokens."""

import json

from tests.providers.raw_server import Answer, TokenServer, json_response

USERNAME = "tracker"
PASSWORD = "correct horse battery staple"
LOGIN = "/api/1.0.0/user/login/"


class FakeId360(TokenServer):
    """Holds reports by id and files by number."""

    logins_at = frozenset({LOGIN})
    unauthorized = json_response({"detail": "Invalid token."}, 401)

    def __init__(self) -> None:
        super().__init__()
        self.reports: dict[str, Answer] = {}
        self.files: dict[str, Answer] = {}

    def link(self, number: str) -> str:
        return f"{self.base_url}/api/1.0.0/document/{number}/file_contents/?page_number=0"

    def token_in(self, headers: dict[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Token ")

    async def answer_with_token(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = target.partition("?")[0]
        place, _, rest = path.removeprefix("/api/1.0.0/").partition("/")
        held = self.reports if place == "enrollment" else self.files
        return held.get(rest.partition("/")[0], json_response({"detail": "Not found."}, 404))

    def log_in(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if json.loads(body) != {"username": USERNAME, "password": PASSWORD}:
            return json_response({"detail": "No."}, 401)
        return json_response({"token": self.new_token()})
