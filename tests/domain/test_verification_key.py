"""Names that are computed from a key alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.domain.samples import DIGESTER
from vigil.domain.verification_key import (
    VerificationKey,
    open_key,
    path_of,
    path_of_workflow,
    seal_key,
    shown_key,
    workflow_id,
)


def path(reference: str, *, account: str = "acme", is_capability: bool = False) -> str:
    return path_of(VerificationKey(account=account, reference=reference), DIGESTER, is_capability=is_capability)


@pytest.mark.parametrize("reference", ["700102", "a.b_c:d-e", "x" * 100])
def test_a_plain_reference_stands_in_the_place_as_it_is(reference: str) -> None:
    assert path(reference) == f"acme/{reference}"


@pytest.mark.parametrize("reference", ["x" * 101, "a b", "a/b", "~abc", "é", "a\n", "a%20b"])
def test_an_odd_reference_never_stands_in_the_place(reference: str) -> None:
    odd = path(reference)
    assert reference not in odd
    assert odd.startswith("acme/~")
    assert len(odd) == len("acme/~") + 26


def test_a_reference_that_opens_a_session_never_stands_in_the_place() -> None:
    assert "a1b2c3" not in path("a1b2c3", is_capability=True)


@pytest.mark.parametrize("is_capability", [True, False])
@pytest.mark.parametrize("reference", ["plain", "not plain"])
def test_the_same_reference_at_two_accounts_has_two_places(reference: str, *, is_capability: bool) -> None:
    ours = path(reference, account="acme", is_capability=is_capability)
    theirs = path(reference, account="other", is_capability=is_capability)
    assert ours.partition("/")[2] != theirs.partition("/")[2] or not (is_capability or " " in reference)
    assert ours != theirs


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_two_references_never_share_a_place_and_no_plain_one_looks_like_a_digest(one: str, other: str) -> None:
    places = {path(one), path(other)}
    assert len(places) == len({one, other})
    imitation = path(path(one).partition("/")[2])
    assert (imitation == path(one)) is ("~" not in path(one))


def test_a_place_survives_the_way_through_a_workflow_id() -> None:
    assert workflow_id("acme/v-1") == "verification/acme/v-1"
    assert path_of_workflow("verification/acme/v-1") == "acme/v-1"


@pytest.mark.parametrize("reference", ["", "x" * 201])
def test_a_reference_has_1_to_200_characters(reference: str) -> None:
    with pytest.raises(ValidationError):
        VerificationKey(account="acme", reference=reference)


@pytest.mark.parametrize("reference", ["a1b2c3", "é" * 200, "\U0001f600" * 200, "sealed:a1b2c3", "~" + "a" * 26])
def test_a_sealed_key_is_another_text_with_the_same_path_and_opens_to_itself(reference: str) -> None:
    key = VerificationKey(account="acme", reference=reference)
    sealed = seal_key(key, DIGESTER)

    assert reference not in sealed.reference
    assert sealed.reference.startswith("sealed:")
    assert open_key(sealed, DIGESTER) == key
    assert seal_key(sealed, DIGESTER) == sealed
    assert VerificationKey.model_validate_json(sealed.model_dump_json()) == sealed


def test_what_a_stranger_calls_sealed_is_a_reference_like_any_other() -> None:
    key = VerificationKey(account="acme", reference="sealed:AAAAAAAAAAAAAAAAAAAAAAAAAAAA")

    assert open_key(key, DIGESTER) == key
    with pytest.raises(ValidationError):
        VerificationKey(account="acme", reference="x" * 201)
    with pytest.raises(ValidationError):
        VerificationKey(account="acme", reference="sealed:" + "x" * 1100)


@pytest.mark.parametrize(
    ("reference", "path", "shown"),
    [
        ("4711", "acme/4711", "4711"),
        ("sealed:AAAA", "acme/~aaaaaaaaaaaaaaaaaaaaaaaaaa", "~aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("a1b2c3", "acme/~aaaaaaaaaaaaaaaaaaaaaaaaaa", "~aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("a/b", "acme/~aaaaaaaaaaaaaaaaaaaaaaaaaa", "a/b"),
    ],
)
def test_only_a_reference_that_opens_a_session_is_shown_by_its_digest(reference: str, path: str, shown: str) -> None:
    assert shown_key(VerificationKey(account="acme", reference=reference), path).reference == shown
