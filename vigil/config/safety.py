"""What settings must not be, beyond their form: weak secrets, and what only a sandbox may do."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Final

from pydantic import BaseModel, SecretStr

from vigil.config.api_settings import ApiSettings
from vigil.config.keys import KeyHash, hash_key
from vigil.config.settings_file import Fault, Path_, nearest, spelled
from vigil.domain.secrets import ChosenSecret, find_weakness
from vigil.messaging.settings import MailServerSettings

_STRONG: Final = "use a random text, such as `vigil key new NAME` or `openssl rand -base64 32` prints"
_SHORTEST_PREFIX: Final = {4: 8, 6: 16}
"""The widest network of proxies, by IP version: wider ones hold strangers."""


def find_secret_faults(settings: BaseModel) -> Iterator[Fault]:
    """Yield the secrets of ours that may be guessed, and those that are used for another purpose too."""
    found = list(_secrets_in(settings, ()))
    owners: dict[str, Path_] = {}
    for at, secret in sorted(found, key=lambda each: not isinstance(each[1], ChosenSecret | KeyHash)):
        weakness = find_weakness(secret.get_secret_value()) if isinstance(secret, ChosenSecret) else None
        if weakness:
            yield at, f"{weakness}; {_STRONG}"
        mark = hash_key(secret.get_secret_value()) if isinstance(secret, SecretStr) else secret
        if mark in owners:
            yield at, f"is the same secret as {spelled(owners[mark])}; give each purpose a secret of its own"
        # Two accounts at one provider may have been given the same key: a dictated secret claims nothing.
        if isinstance(secret, ChosenSecret | KeyHash):
            owners[mark] = at


def find_shared_secrets(settings: BaseModel) -> Iterator[Fault]:
    """Yield the secrets of an account that an account of another environment of its provider has too.

    Whoever sees a sandbox's secret, on a developer's machine or in a test, could speak for production.
    """
    owners: dict[tuple[str, str], tuple[str, Path_]] = {}
    for name, account in getattr(settings, "accounts", {}).items():
        for at, secret in _secrets_in(account, ("accounts", name)):
            mark = hash_key(secret.get_secret_value()) if isinstance(secret, SecretStr) else secret
            environment, owner = owners.setdefault((account.own.provider, mark), (account.own.environment, at))
            if environment != account.own.environment:
                yield at, f"is also {spelled(owner)}, which is of {environment}: environments share no secret"


def _secrets_in(value: object, at: Path_) -> Iterator[tuple[Path_, SecretStr | KeyHash]]:
    """Yield every secret below a value, and every hash of a key, with the setting in which it stands."""
    if isinstance(value, SecretStr | KeyHash):
        yield at, value
    for step, inner in _parts_of(value):
        yield from _secrets_in(inner, (*at, *step))


def _parts_of(value: object) -> Iterable[tuple[Path_, object]]:
    match value:
        case BaseModel():
            # `own` is not in the file: the provider's settings stand beside those of all accounts.
            names = type(value).model_fields
            return [(() if name == "own" else (name,), getattr(value, name)) for name in names]
        case Mapping():
            return [((name,), inner) for name, inner in value.items()]
        case (SecretStr() as only,):
            return [((), only)]
        case tuple():
            return [((number,), inner) for number, inner in enumerate(value)]
        case _:
            return ()


def find_key_faults(api: ApiSettings, accounts: Collection[str], endpoints: Collection[str]) -> Iterator[Fault]:
    """Yield the keys that share a name, and those that name what is not in the settings."""
    names: set[str] = set()
    for number, key in enumerate(api.keys):
        at: Path_ = ("api", "keys", number)
        if key.name in names:
            yield (*at, "name"), "is the name of another key; a rotation is a list of two secrets under one name"
        names.add(key.name)
        for setting, named, known in (("accounts", key.accounts, accounts), ("endpoints", key.endpoints, endpoints)):
            for name in named or ():
                if name not in known:
                    yield (*at, setting), f"names none of the [{setting}]" + nearest(name, known)


def find_production_faults(real_account: str, api: ApiSettings, mail: MailServerSettings | None) -> Iterator[Fault]:
    """Yield what is refused as soon as one account is not a sandbox: `real_account` is its name."""
    because = f"accounts.{real_account} is not a sandbox"
    if "backend" in api.faces and not api.keys:
        yield ("api", "keys"), f'is missing, and {because}: run `vigil key new NAME`, or set faces = ["callbacks"]'
    if api.public_url is not None and not api.public_url.startswith("https:"):
        yield ("api", "public_url"), f"must be https, since callbacks hold secrets and {because}"
    for number, network in enumerate(api.trusted_proxies):
        if network.prefixlen < _SHORTEST_PREFIX[network.version]:
            yield (
                ("api", "trusted_proxies", number),
                f"holds addresses of strangers, and {because}: name the networks of your own proxies",
            )
    if mail is not None and mail.security == "none" and not _is_near(mail.host):
        yield (
            ("messages", "email", "security"),
            f"must be starttls or tls, since the mail server is not on a private network and {because}",
        )


def _is_near(host: str) -> bool:
    """Whether a host is this machine, a private address, or a name that only a private network resolves."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return "." not in host
    return address.is_private or address.is_loopback
