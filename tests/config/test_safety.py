"""Settings that are refused although their form is right: weak secrets, and what only a sandbox may do."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import SecretStr

from vigil.config.settings import Settings, SettingsError, load_settings
from vigil.domain.secrets import _mark_as_chosen
from vigil.providers.registry import PROVIDERS

WHOLE = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
seal = "off"
[api]
public_url = "https://callbacks.example.com"
trusted_proxies = ["10.0.0.0/8"]
[[api.keys]]
name = "checkout"
secret = "vigil_3nAqW9sLkTzB4xYc7RfD1mHv"
accounts = ["id360"]
endpoints = ["checkout"]
own_only = true
[[api.keys]]
name = "operator"
secret_hash = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
may = ["read", "resolve", "operate"]
[accounts.id360]
provider = "id360"
environment = "production"
keep = { results = "5y", artifacts = "5y" }
username = "robot"
password = "hunter2"
callback_headers = { Authorization = "Basic 7d1c90b3e8a24f56b0c9d3e1f7a86b42" }
[accounts.identomat]
provider = "identomat"
company_key = "f3e0"
callback_api_key = "qR8vT2mXz5LkNc7YwB4hJd9S"
[messages.email]
host = "mail.example.com"
from_address = "no-reply@example.com"
[endpoints.checkout]
url = "https://checkout.example/hooks"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""
WEAK = [
    ("1", "is too short: it needs 128 bits"),
    ("hunter2", "is too short"),
    ("a" * 16, "is too short"),
    ("a" * 40, "repeats itself"),
    ("0123456789abcdef", "is too short"),
    ("0123456789abcdef0123456789abcdef", "repeats itself"),
    ("123456789012345678901234", "is too short"),
    ("f3e01b7a94c25d8860aa91c7", "is too short"),
    ("Bearer f3e01b7a94c25d88", "is too short"),
    ("correct-horse-battery-staple", "looks like words"),
    ("CorrectHorseBatteryStaple2026", "looks like words"),
    ("a key of the checkout for vigil", "looks like words"),
]


def load(folder: Path, text: str = WHOLE) -> Settings:
    (folder / "vigil.toml").write_text(text)
    return load_settings(folder / "vigil.toml", environ={})


def fault(folder: Path, *changes: tuple[str, str]) -> str:
    text = WHOLE
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return str(caught.value).removeprefix(f"{folder / 'vigil.toml'}: ")


def test_strong_settings_of_a_production_account_load(tmp_path: Path) -> None:
    checkout, operator = load(tmp_path).api.keys

    assert (checkout.may, checkout.own_only) == (("register", "read", "personal", "command"), True)
    assert operator.hashes == ("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",)


@pytest.mark.parametrize(
    ("setting", "strong"),
    [
        ("digest_key", '"f3e01b7a94c25d8860aa91c7d24be35f"'),
        ("api.keys[0].secret", '"vigil_3nAqW9sLkTzB4xYc7RfD1mHv"'),
        ("accounts.id360.callback_headers.Authorization", '"Basic 7d1c90b3e8a24f56b0c9d3e1f7a86b42"'),
        ("accounts.identomat.callback_api_key", '"qR8vT2mXz5LkNc7YwB4hJd9S"'),
    ],
)
@pytest.mark.parametrize(("weak", "why"), WEAK)
def test_a_secret_of_ours_that_may_be_guessed_is_refused_everywhere(
    tmp_path: Path, setting: str, strong: str, weak: str, why: str
) -> None:
    sentence = fault(tmp_path, (strong, f'"{weak}"'))

    assert sentence.startswith(f"{setting}: {why}")
    assert "`vigil key new NAME`" in sentence
    assert weak not in sentence or len(weak) == 1


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_MTIzNDU2Nzg=",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_no base64 at all!",
        f"whsec_{b64encode(bytes(range(65))).decode()}",
    ],
)
def test_the_secret_of_an_endpoint_has_the_form_and_length_of_standard_webhooks(tmp_path: Path, secret: str) -> None:
    sentence = fault(tmp_path, ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", secret))

    assert sentence.startswith("endpoints.checkout.secret: must be whsec_ and the base64 of 24 to 64 random bytes")


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "10.0.0.7", "[::1]:8443", "[fd00::1]"])
def test_an_endpoint_at_a_private_address_needs_the_setting_that_allows_it(tmp_path: Path, host: str) -> None:
    sentence = fault(tmp_path, ("checkout.example/", f"{host}/"))

    assert sentence.startswith("endpoints.checkout: url is a private address: set allow_private = true")


@pytest.mark.parametrize(
    ("change", "setting", "other"),
    [
        (
            ('"qR8vT2mXz5LkNc7YwB4hJd9S"', '"f3e01b7a94c25d8860aa91c7d24be35f"'),
            "accounts.identomat.callback_api_key",
            "digest_key",
        ),
        (('"hunter2"', '"vigil_3nAqW9sLkTzB4xYc7RfD1mHv"'), "accounts.id360.password", "api.keys[0].secret"),
        (
            (
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "919c4793f41640f7f437805eeda1bb7c38bb704397c2ea0b170e091aac016b30",
            ),
            "api.keys[1].secret_hash[0]",
            "digest_key",
        ),
        # The hash is that of `test`.
        (('"hunter2"', '"test"'), "accounts.id360.password", "api.keys[1].secret_hash[0]"),
    ],
)
def test_one_text_has_one_purpose(tmp_path: Path, change: tuple[str, str], setting: str, other: str) -> None:
    sentence = f"{setting}: is the same secret as {other}; give each purpose a secret of its own"
    assert fault(tmp_path, change) == sentence


CHOSEN_BY_US = {
    ("id360", "callback_headers"),
    ("identomat", "callback_api_key"),
    ("signicat", "authorization_header"),
}
DICTATED = {
    ("id360", "password"),
    ("identomat", "company_key"),
    ("identomat", "secret_key"),
    ("signicat", "client_secret"),
    ("signicat", "events_secret"),
    ("smile_id", "api_key"),
}


def types_in(annotation: Any) -> Iterator[Any]:
    """Yield all types that an annotation is made of, and the functions that check its values."""
    yield annotation
    for inner in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from types_in(inner)


def test_every_secret_of_an_account_is_known_as_ours_or_as_dictated() -> None:
    """A new one has to be put into one of the two tables: ours is `ChosenSecrets`."""
    chosen: set[tuple[str, str]] = set()
    dictated: set[tuple[str, str]] = set()
    for provider in {provider for provider, _ in CHOSEN_BY_US | DICTATED}:
        for name, annotation in get_type_hints(PROVIDERS[provider].settings, include_extras=True).items():
            parts = list(types_in(annotation))
            if SecretStr in parts:
                is_chosen = any(getattr(part, "func", None) is _mark_as_chosen for part in parts)
                (chosen if is_chosen else dictated).add((provider, name))

    assert (chosen, dictated) == (CHOSEN_BY_US, DICTATED)


def test_a_provider_may_dictate_a_weak_secret_and_the_same_one_for_two_accounts(tmp_path: Path) -> None:
    assert "id360" in load(tmp_path, WHOLE.replace('company_key = "f3e0"', 'company_key = "hunter2"')).accounts


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('name = "operator"', 'name = "checkout"', "api.keys[1].name: is the name of another key"),
        ('accounts = ["id360"]', 'accounts = ["id36"]', "api.keys[0].accounts: names none of the [accounts]; did you"),
        ('endpoints = ["checkout"]', 'endpoints = ["crm"]', "api.keys[0].endpoints: names none of the [endpoints]"),
        ('"resolve"', '"decide"', "api.keys[1].may[1]: must be 'register', 'read', 'personal'"),
        ('"sha256:9f86', '"sha1:9f86', "api.keys[1].secret_hash[0]: must be the hash that `vigil key new` prints"),
        ('secret = "vigil_3nAqW9sLkTzB4xYc7RfD1mHv"', "", "api.keys[0]: needs secret or secret_hash"),
        ('url = "https://checkout', 'url = "http://checkout', "endpoints.checkout: url must begin with https://"),
    ],
)
def test_a_key_or_endpoint_that_does_not_fit_is_one_sentence(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    assert fault(tmp_path, (before, after)).startswith(sentence)


KEYS = WHOLE[WHOLE.index("[[api.keys]]") : WHOLE.index("[accounts.id360]")]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (KEYS, "", "api.keys: is missing, and accounts.id360 is not a sandbox: run `vigil key new NAME`, or set faces"),
        ("https://callbacks", "http://callbacks", "api.public_url: must be https, since callbacks hold secrets and"),
        ('"10.0.0.0/8"', '"0.0.0.0/0"', "api.trusted_proxies[0]: holds addresses of strangers"),
        ('"10.0.0.0/8"', '"128.0.0.0/1"', "api.trusted_proxies[0]: holds addresses of strangers"),
        ('"10.0.0.0/8"', '"::/0"', "api.trusted_proxies[0]: holds addresses of strangers"),
        ('host = "mail', 'security = "none"\nhost = "mail', "messages.email.security: must be starttls or tls"),
        ('host = "mail.example.com"', 'security = "none"\nhost = "8.8.8.8"', "messages.email.security: must be"),
    ],
)
def test_a_production_account_refuses_what_a_sandbox_may_do(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    assert fault(tmp_path, (before, after)).startswith(sentence)
    assert "id360" in load(tmp_path, WHOLE.replace(before, after).replace('environment = "production"', "")).accounts


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (KEYS, 'faces = ["callbacks"]\n'),
        ('host = "mail.example.com"', 'security = "none"\nhost = "127.0.0.1"'),
        ('host = "mail.example.com"', 'security = "none"\nhost = "mail"'),
    ],
)
def test_a_production_account_takes_a_face_without_backends_and_a_mail_server_nearby(
    tmp_path: Path, before: str, after: str
) -> None:
    changed = WHOLE.replace(before, "") if before == KEYS else WHOLE.replace(before, after)
    if before == KEYS:
        changed = changed.replace("[api]\n", f"[api]\n{after}")
    assert "id360" in load(tmp_path, changed).accounts


SANDBOX = """
[accounts.id360-sandbox]
provider = "id360"
username = "robot"
password = "PASSWORD"
callback_headers = { Authorization = "Basic c0ffee90b3e8a24f56b0c9d3e1f7a86b" }
"""


def test_a_sandbox_and_production_share_no_secret_that_a_provider_dictated(tmp_path: Path) -> None:
    said = fault(tmp_path, ("[accounts.identomat]", SANDBOX.replace("PASSWORD", "hunter2") + "[accounts.identomat]"))

    assert said == (
        "accounts.id360-sandbox.password: is also accounts.id360.password, which is of production:"
        " environments share no secret"
    )


def test_two_accounts_of_one_environment_may_have_the_key_that_a_provider_gave_to_both(tmp_path: Path) -> None:
    second = SANDBOX.replace("PASSWORD", "hunter2")
    shared = second.replace(
        '"id360"\n', '"id360"\nenvironment = "production"\nkeep = { results = "5y", artifacts = "5y" }\n'
    )

    assert set(load(tmp_path, WHOLE + shared).accounts) == {"id360", "id360-sandbox", "identomat"}
