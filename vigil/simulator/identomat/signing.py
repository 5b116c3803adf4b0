"""The HMAC mode of a company key: calls are signed, and successful answers too."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vigil.simulator.identomat.recordings import Sending

HEADER: Final = "Authorization"


async def is_signed(request: Request, key: str) -> bool:
    """Whether a call carries the signature of its body."""
    wanted = _signature(key, [await request.body()])
    return hmac.compare_digest(request.headers.get(HEADER, ""), wanted)


def signed(response: Response, key: str) -> Response:
    """Sign what is sent if nothing is wrong; an answer that failed carries no signature."""
    if response.status_code < 300:  # noqa: PLR2004 -- where success ends
        pieces = response.pieces() if isinstance(response, Sending) else [bytes(response.body)]
        response.headers[HEADER] = _signature(key, pieces)
    return response


def _signature(key: str, pieces: Iterable[bytes]) -> str:
    digest = hmac.new(key.encode(), digestmod=hashlib.sha256)
    for piece in pieces:
        digest.update(piece)
    return f'signature="{base64.b64encode(digest.digest()).decode()}"'
