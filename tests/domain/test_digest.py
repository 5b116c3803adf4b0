"""Keyed digests."""

import re

from vigil.domain.digest import Digester

ONE, OTHER = Digester(b"one key"), Digester(b"another key")


def test_a_digest_is_26_characters_of_base32() -> None:
    assert re.fullmatch(r"[a-z2-7]{26}", ONE.digest("purpose", "123456"))


def test_a_digest_depends_on_the_key() -> None:
    assert ONE.digest("purpose", "123456") != OTHER.digest("purpose", "123456")


def test_a_digest_depends_on_its_purpose_and_nothing_moves_between_purpose_and_content() -> None:
    assert ONE.digest("message", "123456") != ONE.digest("receipt", "123456")
    assert ONE.digest("a", "bc") != ONE.digest("ab", "c")


def test_text_and_its_bytes_have_one_digest() -> None:
    assert ONE.digest("purpose", "é") == ONE.digest("purpose", "é".encode())


def test_a_running_digest_is_that_of_the_whole() -> None:
    running = ONE.running("file")
    running.update(b"first ")
    running.update(b"second")
    assert running.text() == ONE.digest("file", b"first second")


def test_a_digester_does_not_show_its_key() -> None:
    assert "one key" not in repr(ONE)
