"""Bytes near those that providers send: genuine ones, changed at random."""

import gzip
import json
from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from tests.providers.id360 import samples as id360
from tests.providers.identomat import samples as identomat
from tests.providers.signicat import samples as signicat
from tests.providers.smile_id.v1 import samples as smile_v1
from tests.providers.smile_id.v3 import samples as smile_v3

_TOKENS: Final = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"null", b"true", b"NaN", b"Infinity"),
    *(
        b"-0",
        b"1e999",
        b"9" * 5000,
        b"0.1",
        b"[" * 60,
        b'{"a":' * 60,
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b" " * 999,
    ),
    *(
        b"2026-13-45T99:99:99Z",
        b"../../etc/passwd",
        b"https://",
        b"data:image/png;base64,",
        b"%00",
        b"\r\n",
        b"A" * 9999,
    ),
)
CALLBACKS: Final[Sequence[bytes]] = [
    json.dumps(sample).encode()
    for sample in (
        *({"id": 700102, "status": "OK"}, id360.step_callback()),
        *(identomat.change(), identomat.video(), identomat.message("sms")),
        *(signicat.process(), signicat.event()),
        *(smile_v1.sign(smile_v1.IDENTITY), smile_v1.sign(smile_v1.BIOMETRIC)),
        *(smile_v3.status(), smile_v3.clear(), smile_v3.attention(), smile_v3.block(), smile_v3.error()),
    )
]
RESULTS: Final[Sequence[bytes]] = [
    json.dumps(sample).encode()
    for sample in (
        *(id360.report(), identomat.result(), signicat.process(), signicat.triple()),
        *(smile_v1.frame(smile_v1.IDENTITY), smile_v1.frame(smile_v1.BIOMETRIC)),
        *(smile_v3.status(), smile_v3.clear(), smile_v3.attention(), smile_v3.block(), smile_v3.error()),
    )
]


@st.composite
def near(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """Return a sample that is cut, doubled, mixed with another, or has something else in it, up to six times."""
    content = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 6))):
        at, end = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        match draw(st.integers(0, 5)):
            case 0:
                content = content[:at] + draw(st.sampled_from(_TOKENS)) + content[at:]
            case 1:
                content = content[:at] + draw(st.sampled_from(_TOKENS)) + content[end:]
            case 2:
                content = content[:at] + content[end:]
            case 3:
                content = content[:end] + content[at:]
            case 4:
                content = content[:at] + draw(st.sampled_from(samples))[at:]
            case _:
                content = content[:at] + draw(st.binary(max_size=8)) + content[at:]
    content = content[:100_000]
    return gzip.compress(content) if draw(st.integers(0, 3)) == 0 else content
