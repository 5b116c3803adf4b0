"""A small ID360 on a real socket: it checks passwords and tokens."""

import asyncio
import json

from tests.providers.raw_server import Answer, RawServer, told

USERNAME = "tracker"
PASSWORD = "correct horse battery staple"
LOGIN = "/api/1.0.0/user/login/"


class FakeId360(RawServer):
    """Holds reports by id and files by number."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: dict[str, Answer] = {}
        self.files: dict[str, Answer] = {}
        self.logins = 0
        self.login_takes = 0.0
        self.same_token_always = False
        self._live_tokens: set[str] = set()

    def expire_all_tokens(self) -> None:
        self._live_tokens.clear()

    def link(self, number: str) -> str:
        return f"{self.base_url}/api/1.0.0/document/{number}/file_contents/?page_number=0"

    async def before(self, path: str) -> None:
        if path == LOGIN:
            self.logins += 1
            await asyncio.sleep(self.login_takes)

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = target.partition("?")[0]
        if path == LOGIN:
            return self._log_in(json.loads(body))
        if headers.get("authorization", "").removeprefix("Token ") not in self._live_tokens:
            return told({"detail": "Invalid token."}, 401)
        place, _, rest = path.removeprefix("/api/1.0.0/").partition("/")
        held = self.reports if place == "enrollment" else self.files
        return held.get(rest.partition("/")[0], told({"detail": "Not found."}, 404))

    def _log_in(self, given: dict[str, str]) -> Answer:
        if given != {"username": USERNAME, "password": PASSWORD}:
            return told({"detail": "No."}, 401)
        token = "always-the-same" if self.same_token_always else f"token-{self.logins}"
        self._live_tokens.add(token)
        return told({"token": token})
