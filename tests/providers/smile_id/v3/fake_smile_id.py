"""A small Smile ID on a real socket: it checks keys and tokens, and holds jobs and files."""

from tests.providers.raw_server import Answer, Response, TokenServer, json_response
from tests.providers.smile_id.v3.samples import KEY, PARTNER

LOGIN = "/v3/token"
FILES = "/storage/"
NOT_FOUND = json_response(
    {
        "status": "not_found",
        "job_id": "job_01kj0000000000000000000001",
        "user_id": "unknown",
        "message": "Job not found",
        "created_at": "2026-10-01T09:00:00.000Z",
    },
    404,
)


class FakeSmileId(TokenServer):
    """Holds answers by path, and notes the bodies of replays. Files need no token."""

    logins_at = frozenset({LOGIN})
    unauthorized = json_response({"status": "Unauthorized", "message": "Invalid authentication credentials."}, 401)

    def __init__(self) -> None:
        super().__init__()
        self.keys = {KEY}
        self.partner = PARTNER
        self.held: dict[str, Answer] = {}
        self.bodies: list[tuple[str, bytes]] = []
        self.headers_of_files: list[dict[str, str]] = []

    def token_in(self, headers: dict[str, str]) -> str:
        return headers.get("smileid-token", "")

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = target.partition("?")[0]
        if path.startswith(FILES):
            self.headers_of_files.append(headers)
            return self.held.get(path, Response(404))
        return await super().answer(target, headers, body)

    async def answer_with_token(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = target.partition("?")[0]
        if path.startswith("/v3/replay/"):
            self.bodies.append((headers.get("content-type", ""), body))
        return self.held.get(path, NOT_FOUND)

    def log_in(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if headers.get("smileid-partner-id") != self.partner:
            return json_response({"status": "Bad Request", "message": "smileid-partner-id header is required."}, 400)
        if headers.get("smileid-api-key") not in self.keys:
            return self.unauthorized
        return json_response({"token": self.new_token()})
