"""Answers that go wrong on purpose."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vigil.simulator.files import File


class CutDownload(Response):
    """Promises a whole file, sends half of it and ends, so that the server closes the connection early."""

    def __init__(self, file: File) -> None:
        super().__init__(file.content, media_type=file.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head with the full length and half of the body, and no end."""
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


def download(file: File, *, earlier: int, cut: int, corrupt: int) -> Response:
    """Answer a download that was asked for `earlier` times before: first cut ones, then corrupt ones, then whole."""
    if earlier < cut:
        return CutDownload(file)
    if earlier < cut + corrupt:
        return Response(file.corrupted(), media_type=file.media_type)
    return Response(file.content, media_type=file.media_type)
