"""A small Smile ID on a real socket: it checks keys and tokens, and holds jobs and files."""

import asyncio
from urllib.parse import urlsplit

from tests.providers.raw_server import Answer, RawServer, Told, told
from tests.providers.smile_id.v3.samples import KEY, PARTNER

LOGIN = "/v3/token"
FILES = "/files/"
NOT_FOUND = told(
    {
        "status": "not_found",
        "job_id": "job_01kj0000000000000000000001",
        "user_id": "unknown",
        "message": "Job not found",
        "created_at": "2026-10-01T09:00:00.000Z",
    },
    404,
)


class FakeSmileId(RawServer):
    """What it holds is held by path; a job that is replayed is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {KEY}
        self.partner = PARTNER
        self.held: dict[str, Answer] = {}
        self.logins = 0
        self.login_takes = 0.0
        self.bodies: list[tuple[str, bytes]] = []
        self.headers_of_files: list[dict[str, str]] = []
        self._live_tokens: set[str] = set()

    def expire_all_tokens(self) -> None:
        self._live_tokens.clear()

    async def before(self, path: str) -> None:
        if path == LOGIN:
            self.logins += 1
            await asyncio.sleep(self.login_takes)

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = urlsplit(target).path
        if path == LOGIN:
            return self._log_in(headers)
        if path.startswith(FILES):
            self.headers_of_files.append(headers)
            return self.held.get(path, Told(404))
        if headers.get("smileid-token") not in self._live_tokens:
            return told({"status": "Unauthorized", "message": "Invalid authentication credentials."}, 401)
        if path.startswith("/v3/replay/"):
            self.bodies.append((headers.get("content-type", ""), body))
        return self.held.get(path, NOT_FOUND)

    def _log_in(self, headers: dict[str, str]) -> Answer:
        if headers.get("smileid-partner-id") != self.partner:
            return told({"status": "Bad Request", "message": "smileid-partner-id header is required."}, 400)
        if headers.get("smileid-api-key") not in self.keys:
            return told({"status": "Unauthorized", "message": "Invalid authentication credentials."}, 401)
        token = f"token-{self.logins}"
        self._live_tokens.add(token)
        return told({"token": token})
