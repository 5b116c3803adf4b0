"""Keyed digests."""

import re
from collections.abc import Callable

import pytest

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


@pytest.mark.parametrize("text", ["", "x", "abtq2tm98bv2w74jzo9bzhml9rycmshbzqgpoo8u", "é \ud800 " * 90])
def test_what_is_sealed_is_opened_by_its_purpose_and_key_alone(text: str) -> None:
    sealed = ONE.seal("reference/acme", text)

    assert ONE.unseal("reference/acme", sealed) == text
    assert ONE.unseal("reference/other", sealed) is None
    assert OTHER.unseal("reference/acme", sealed) is None
    assert sealed == ONE.seal("reference/acme", text)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", sealed)


def test_a_seal_shows_nothing_that_two_texts_share() -> None:
    one, other = (ONE.seal("reference/acme", f"{'a' * 60}{last}") for last in "xy")

    assert one[:8] != other[:8]
    assert one[-60:] != other[-60:]
    assert len({one[at] == other[at] for at in range(len(one))}) == 2
    assert sum(one[at] == other[at] for at in range(len(one))) < 20


@pytest.mark.parametrize(
    "change", [lambda text: text[1:], lambda text: text[:-1], lambda text: "A" + text[1:], str.upper]
)
def test_a_seal_that_was_changed_opens_to_nothing(change: Callable[[str], str]) -> None:
    assert ONE.unseal("p", change(ONE.seal("p", "abtq2tm98bv2w74jzo9b"))) is None


@pytest.mark.parametrize("stranger", ["", "A", "é", "not base64!", "AAAAAAAAAAAAAAAAAAAAAA", "A" * 20_000])
def test_what_a_stranger_writes_opens_to_nothing(stranger: str) -> None:
    assert ONE.unseal("p", stranger) is None


def test_after_a_change_names_stay_and_everything_sealed_before_is_opened() -> None:
    changed = Digester(b"a new key", older=(b"one key",))
    before = ONE.seal("reference/acme", "abtq2tm98bv2w74j")

    for purpose in ("reference", "correlation", "identity", "result", "registration/applicant"):
        assert changed.digest(purpose, "a") == ONE.digest(purpose, "a")
    assert changed.running("artifact").text() == ONE.running("artifact").text()
    assert changed.unseal("reference/acme", before) == "abtq2tm98bv2w74j"


def test_after_a_change_who_has_the_old_key_opens_nothing_new_and_makes_no_session() -> None:
    changed = Digester(b"a new key", older=(b"one key",))

    assert ONE.unseal("reference/acme", changed.seal("reference/acme", "abtq2tm98bv2w74j")) is None
    for purpose in ("session", "page", "message", "receiver"):
        assert changed.digest(purpose, "a") != ONE.digest(purpose, "a")


def test_after_two_changes_the_oldest_key_still_makes_names_and_the_middle_one_still_opens() -> None:
    middle = Digester(b"another key", older=(b"one key",))
    changed = Digester(b"a third key", older=(b"another key", b"one key"))

    assert changed.digest("reference", "a") == ONE.digest("reference", "a")
    assert changed.unseal("reference/acme", middle.seal("reference/acme", "b")) == "b"
    assert "key" not in repr(changed).removeprefix("Digester")
