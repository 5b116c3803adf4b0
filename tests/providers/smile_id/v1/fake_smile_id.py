"""A small Smile ID on a real socket: it checks what it is asked, signs what it says, and holds files."""

import base64
import hashlib
import hmac
import json
from typing import Any

from tests.providers.raw_server import Answer, RawServer, Response, json_response

NOT_ALLOWED = json_response({"code": "2205", "error": "You are not authorized to do that."}, 400)


def mark(stamp: str, partner: str, key: str) -> str:
    digest = hmac.new(key.encode(), (stamp + partner + "sid_request").encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class FakeSmileId(RawServer):
    """`jobs` holds an answer to `job_status` by user and job; `links` are sent only if requested."""

    def __init__(self, partner: str, key: str) -> None:
        super().__init__()
        self.partner = partner
        self.key = key
        self.jobs: dict[tuple[str, str], dict[str, Any]] = {}
        self.links: dict[str, str] = {}
        self.files: dict[str, Answer] = {}
        self.questions: list[dict[str, Any]] = []
        self.file_headers: list[dict[str, str]] = []
        self.answers_with: dict[str, Any] = {}
        """What stands in an answer instead of what belongs there."""

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if target != "/v1/job_status":
            self.file_headers.append(headers)
            return self.files.get(target, Response(404))
        asked = json.loads(body)
        self.questions.append(asked)
        if asked["signature"] != mark(asked["timestamp"], self.partner, self.key):
            return NOT_ALLOWED
        frame = self.jobs.get((asked["user_id"], asked["job_id"]))
        if frame is None:
            return self.sign_response(
                {"job_complete": False, "job_success": False, "code": "2304", "result": "No such job"}
            )
        links = {"image_links": self.links} if asked["image_links"] else {}
        known = {name: found for name, found in frame.items() if name != "history" or asked["history"]}
        return self.sign_response({**known, **links})

    def sign_response(self, frame: dict[str, Any], status: int = 200) -> Response:
        stamp = "2026-02-03T10:41:30.000Z"
        signed = {**frame, "timestamp": stamp, "signature": mark(stamp, self.partner, self.key)}
        return json_response({**signed, **self.answers_with}, status)
