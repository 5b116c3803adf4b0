"""Codings and charsets of bodies: what is read, what is not, and what is read in spite of a wrong header."""

import gzip
import zlib

import pytest

from api.callbacks.content_coding import BodyTooLarge, decode_body
from vigil.providers.parsing import parse_json, received_bytes, unread_encoding

TEXT = '{"name":"Zoë"}'
PLAIN = TEXT.encode()
LARGEST = 1000
ONE_MIB_OF_BLANKS = gzip.compress(b" " * 2**20)
BARE_DEFLATE = zlib.compressobj(wbits=-15)
BARE = BARE_DEFLATE.compress(PLAIN) + BARE_DEFLATE.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)),
        ("X-GZIP", gzip.compress(PLAIN, mtime=0)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", BARE),
        ("deflate, gzip", gzip.compress(zlib.compress(PLAIN), mtime=0)),
        ("identity", PLAIN),
        ("gzip", PLAIN),  # a proxy has decoded it, and left the header
        ("br", PLAIN),
    ],
)
def test_a_coded_body_is_read(coding: str, body: bytes) -> None:
    read = decode_body(body, {"content-encoding": coding}, largest=LARGEST)

    assert parse_json(read) == {"name": "Zoë"}
    assert unread_encoding(read) is None


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", PLAIN),
        ("UTF-16", TEXT.encode("utf-16")),
        ('"utf-16le"', TEXT.encode("utf-16-le")),
        ("utf-16be", TEXT.encode("utf-16-be")),
        ("iso-8859-1", TEXT.encode("latin-1")),
        ("windows-1252", TEXT.encode("cp1252")),
        ("iso-8859-1", PLAIN),  # many servers declare it by default
        ("utf-8", TEXT.encode("utf-16-le")),
        ("ebcdic-cp-us", PLAIN),
    ],
)
def test_a_text_in_another_charset_is_read(charset: str, body: bytes) -> None:
    read = decode_body(body, {"content-type": f"application/json; charset={charset}"}, largest=LARGEST)

    assert parse_json(read) == {"name": "Zoë"}
    assert received_bytes(read) == body
    assert unread_encoding(read) is None


@pytest.mark.parametrize(
    ("headers", "body", "named"),
    [
        ({"content-encoding": "br"}, b"\x0b\x02\x80", "content-encoding.br"),
        ({"content-encoding": "gzip"}, gzip.compress(PLAIN, mtime=0)[:-4], "content-encoding.gzip"),
        ({"content-encoding": "gzip"}, gzip.compress(PLAIN, mtime=0) + b"more", "content-encoding.gzip"),
        ({"content-encoding": "deflate"}, b"\x78\x9c\xff", "content-encoding.deflate"),
        ({"content-encoding": "gzip, gzip, gzip"}, b"\x1f\x8b", "content-encoding.repeated"),
        ({"content-encoding": "Ada Example"}, b"\xff", "content-encoding"),
        ({"content-type": "application/json; charset=utf-7"}, b"\xff{}", "charset.utf-7"),
        ({"content-type": "application/json; charset=utf-16le"}, b"\xff\x00\xd8", "charset.utf-16le"),
        ({"content-type": "application/json"}, b"\xff{}", None),
        ({"content-type": "application/json; charset=utf-8"}, b"{", None),
    ],
)
def test_what_cannot_be_decoded_stays_as_it_was_and_is_named(
    headers: dict[str, str], body: bytes, named: str | None
) -> None:
    read = decode_body(body, headers, largest=LARGEST)

    assert (bytes(read), unread_encoding(read)) == (body, named)


@pytest.mark.parametrize("coding", ["gzip", "deflate, gzip"])
def test_a_bomb_is_too_large_like_a_plain_body_of_its_size(coding: str) -> None:
    with pytest.raises(BodyTooLarge):
        decode_body(ONE_MIB_OF_BLANKS, {"content-encoding": coding}, largest=LARGEST)
