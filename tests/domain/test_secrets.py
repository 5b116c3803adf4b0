"""Secrets of which two may be live."""

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from vigil.domain.models import StrictModel
from vigil.domain.secrets import Secrets, matches

SECRETS: TypeAdapter[tuple[SecretStr, ...]] = TypeAdapter(Secrets)


class Holder(StrictModel):
    secret: Secrets


@pytest.mark.parametrize(
    "given",
    [
        "",
        "  ",
        "changeme",
        "ChangeMe",
        "change_me",
        " secret ",
        "password",
        "<secret>",
        "your-secret-here",
        "xxxxxxxxxxxxxxxx",
        "................",
        ["a good one", ""],
        [],
        ["one", "two", "three"],
    ],
)
def test_an_empty_or_placeholder_secret_none_and_three_are_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        SECRETS.validate_python(given)


@pytest.mark.parametrize("given", ["a good one", "0123456789abcdef", "secret-7f3", "correct horse"])
def test_a_secret_that_says_more_than_a_placeholder_is_taken(given: str) -> None:
    assert SECRETS.validate_python(given)[0].get_secret_value() == given


def test_a_refusal_names_the_setting_and_shows_no_secret() -> None:
    with pytest.raises(ValidationError) as refusal:
        Holder.model_validate({"secret": ["hunter-1", "hunter-2", "hunter-3"]})
    assert "secret" in str(refusal.value)
    assert "hunter" not in str(refusal.value)


@pytest.mark.parametrize("presented", ["the old one", "the new one"])
def test_either_of_two_live_secrets_matches(presented: str) -> None:
    assert matches(presented, SECRETS.validate_python(["the old one", "the new one"]))


@pytest.mark.parametrize("presented", [None, "", "the old", "the old one ", "THE OLD ONE", "é"])
def test_nothing_else_matches(presented: str | None) -> None:
    assert not matches(presented, SECRETS.validate_python(["the old one", "the new one"]))


def test_without_any_secret_nothing_matches() -> None:
    assert not matches("", ())
    assert not matches(None, ())


def test_a_secret_is_not_shown() -> None:
    assert "the old one" not in repr(SECRETS.validate_python("the old one"))


def test_a_presented_text_that_no_encoding_has_matches_nothing() -> None:
    assert matches("\ud800", SECRETS.validate_python("a good one")) is False
