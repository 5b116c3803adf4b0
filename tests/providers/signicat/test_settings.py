"""What an account may say, and what its silence means."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.providers.signicat.samples import settings
from vigil.providers.signicat.settings import SignicatSettings

EUROPE = "https://eu01.signicat.com"


@pytest.mark.parametrize(
    ("given", "reads", "base_url"),
    [
        ({"generations": ["legacy"]}, "legacy", "https://preprod.signicat.com"),
        ({"generations": ["events"]}, "current", "https://api.signicat.com"),
        ({"generations": ["legacy", "events"]}, "current", "https://api.signicat.com"),
        ({"generations": ["events"], "environment": "production"}, "current", "https://api.signicat.com"),
        ({"generations": ["events"], "reads": "legacy"}, "legacy", "https://preprod.signicat.com"),
        ({"generations": ["legacy"], "reads": "current"}, "current", "https://api.signicat.com"),
        ({"generations": ["legacy"], "environment": "production", "base_url": EUROPE + "/"}, "legacy", EUROPE),
        ({"generations": ["legacy"], "base_url": "http://localhost:9000"}, "legacy", "http://localhost:9000"),
    ],
)
def test_whose_api_is_read_and_where_follows(given: dict[str, Any], reads: str, base_url: str) -> None:
    account = settings(**given)

    assert (account.reads, account.base_url) == (reads, base_url)


def test_production_of_the_legacy_api_names_its_two_addresses() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(generations=["legacy"], environment="production")

    for part in ("base_url", "https://id.signicat.com", "Nordics", "https://eu01.signicat.com", "Europe"):
        assert part in str(caught.value)


def test_legacy_callbacks_without_a_header_need_a_word_of_consent() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(authorization_header=None)

    assert "authorization_header" in str(caught.value)
    assert 'unauthenticated = "hint"' in str(caught.value)
    assert settings(authorization_header=None, unauthenticated="hint").authorization_header is None
    assert settings(generations=["events"]).authorization_header is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"generations": []},
        {"generations": ["legacy", "legacy"]},
        {"generations": ["newest"]},
        {"reads": "events"},
        {"client_id": " "},
        {"client_id": "a:b"},
        {"client_secret": ""},
        {"client_secret": ["one good secret", "another good one"]},
        {"authorization_header": ["a1", "b2", "c3"]},
        {"authorization_header": "changeme"},
        {"authorization_header": "Basic of n\u00e9ws"},
        {"authorization_header": "Basic of news\n"},
        {"authorization_header": [" Basic of news", "Basic of olds"]},
        {"authorization_header": "Basic of news", "generations": ["events"]},
        {"unauthenticated": "accept"},
        {"events_secret": "s3cret of events"},
        {"events_secret_header": "X-Events"},
        {"events_secret": "s3cret of events", "events_secret_header": "X-Events", "generations": ["legacy"]},
        {"events_secret_header": "Authorization", "events_secret": "s3cret of events"},
        {"events_secret_header": "User-Agent", "events_secret": "s3cret of events"},
        {"events_secret_header": "not a name", "events_secret": "s3cret of events"},
        {"largest_artifact": 0},
        {"base_url": "ftp://assure.example"},
        {"base_url": "https://user:pw@assure.example"},
        {"base_url": "http://assure.example", "environment": "production"},
        {"client_sekret": "typo"},
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**wrong)

    assert next(iter(wrong)) in str(caught.value)


def test_generations_must_be_given() -> None:
    with pytest.raises(ValidationError, match="generations"):
        SignicatSettings.model_validate({"provider": "signicat", "client_id": "x", "client_secret": "of ours 1"})


def test_a_refused_setting_does_not_show_its_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(generations=["events"], authorization_header="k-one-1", events_secret="k-two-2")

    assert "k-" not in str(caught.value) + repr(caught.value)
    assert "k-one" not in repr(settings(authorization_header="k-one-1"))
