"""Downloads that fail on purpose."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vigil.simulator.files import File


class CutDownload(Response):
    """Announces the length of a whole file, sends half of it and stops, so that the server closes the connection."""

    def __init__(self, file: File) -> None:
        super().__init__(file.content, media_type=file.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers of the whole file and half of its body, without an end."""
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


def download(file: File, *, earlier: int, cut: int, corrupt: int) -> Response:
    """Return the response to a download that was requested `earlier` times before.

    The first `cut` responses are cut, the next `corrupt` ones have a wrong byte, all others are whole.
    """
    if earlier < cut:
        return CutDownload(file)
    if earlier < cut + corrupt:
        return Response(file.corrupted(), media_type=file.media_type)
    return Response(file.content, media_type=file.media_type)
