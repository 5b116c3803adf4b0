"""Settings: what is taken from where, and every fault as one sentence that shows no secret."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from vigil.config.accounts import open_accounts
from vigil.config.keys import hash_key
from vigil.config.settings import Settings, SettingsError, load_client_settings, load_settings

KEEP = 'keep = { results = "5y", artifacts = "5y" }'
WHOLE = """
digest_key = { env = "VIGIL_DIGEST_KEY" }
seal = "off"
[temporal]
address = "temporal.example:7233"
[storage]
url = "file:///var/lib/vigil"
[api]
port = 8001
public_url = "https://callbacks.example.com"
faces = ["callbacks"]
trusted_proxies = ["10.0.0.0/8", "192.0.2.7"]
keys = [{ name = "checkout", secret = { env = "VIGIL_KEY_CHECKOUT" } }]
[accounts.id360-sandbox]
provider = "id360"
username = "robot"
password = { file = "password" }
callback_headers = { Authorization = [{ env = "OLD" }, { env = "NEW" }] }
tracking = { deadline = "7d", callback_expected_within = "PT10M" }
allowed_sources = ["203.0.113.0/24"]
[endpoints.checkout]
url = "https://checkout.example/hooks"
secret = { env = "HOOK" }
"""
DIGEST_KEY = "f3e01b7a94c25d8860aa91c7d24be35f"
ENVIRON = {
    "VIGIL_DIGEST_KEY": DIGEST_KEY,
    "VIGIL_KEY_CHECKOUT": "vigil_3nAqW9sLkTzB4xYc7RfD1mHv",
    "OLD": "Basic 7d1c90b3e8a24f56b0c9d3e1f7a86b42",
    "NEW": "Basic 2b64c8f0a1d94e37925f6ab80c1de773",
    "HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
HIDDEN = {*ENVIRON.values(), "from-a-file"}


def load(folder: Path, text: str = WHOLE, **environ: str) -> Settings:
    (folder / "vigil.toml").write_text(text)
    (folder / "password").write_text("from-a-file\n")
    return load_settings(folder / "vigil.toml", environ=ENVIRON | environ)


def fault(folder: Path, text: str = WHOLE, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text, **environ)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(folder / "vigil.toml") in sentence
    assert not any(secret in sentence for secret in HIDDEN)
    return sentence.removeprefix(f"{folder / 'vigil.toml'}: ")


def test_a_whole_file_is_taken_with_its_secrets_from_elsewhere(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert [key.get_secret_value() for key in settings.digest_key] == [DIGEST_KEY]
    assert settings.temporal.address == "temporal.example:7233"
    assert settings.api.faces == ("callbacks",)
    assert settings.api.keys[0].hashes == (hash_key("vigil_3nAqW9sLkTzB4xYc7RfD1mHv"),)
    account = settings.accounts["id360-sandbox"]
    assert account.tracking == {"deadline": timedelta(days=7), "callback_expected_within": timedelta(minutes=10)}
    assert account.own.model_dump()["password"][0].get_secret_value() == "from-a-file"


def test_no_secret_shows_where_settings_are_printed(tmp_path: Path) -> None:
    printed = repr(load(tmp_path))

    assert not any(secret in printed for secret in HIDDEN)


def test_an_opened_account_has_its_own_times_and_all_of_them_scaled(tmp_path: Path) -> None:
    settings = load(tmp_path, VIGIL_TIME_SCALE="60")

    accounts = open_accounts(settings, http=httpx.AsyncClient())

    plan = accounts["id360-sandbox"].plan_for(None)
    assert plan.deadline == timedelta(days=7) / 60
    assert plan.callback_expected_within == timedelta(seconds=10)
    assert plan.deadline_lag == timedelta(seconds=15)
    assert accounts["id360-sandbox"].contracts["id360"].tracking == plan


def test_storage_beside_the_file_is_the_default(tmp_path: Path) -> None:
    text = WHOLE.replace('[storage]\nurl = "file:///var/lib/vigil"', "")

    assert load(tmp_path, text).storage.url == (tmp_path / ".vigil" / "storage").as_uri()


def test_the_environment_overrules_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        VIGIL_API__PORT="9000",
        VIGIL_API__FACES='["backend"]',
        VIGIL_ACCOUNTS__ID360_SANDBOX__USERNAME="other",
        VIGIL_STORAGE__URL="s3://vigil",
        VIGIL_METRICS_ADDRESS="0.0.0.0:9464",
    )

    assert settings.api.port == 9000
    assert settings.api.faces == ("backend",)
    assert settings.accounts["id360-sandbox"].own.model_dump()["username"] == "other"
    assert settings.storage.url == "s3://vigil"


def test_temporals_own_variables_overrule_everything(tmp_path: Path) -> None:
    settings = load(tmp_path, TEMPORAL_ADDRESS="a:1", TEMPORAL_NAMESPACE="idv", VIGIL_TEMPORAL__ADDRESS="b:1")

    assert (settings.temporal.address, settings.temporal.namespace) == ("a:1", "idv")


def test_the_file_is_named_by_vigil_config_where_no_path_is_given(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(f'digest_key = "{DIGEST_KEY}"\nseal = "off"')

    assert load_settings(environ={"VIGIL_CONFIG": str(tmp_path / "other.toml")}).accounts == {}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("[temporal]", "[temporal", "is not TOML"),
        ("port = 8001", "prot = 8001", 'api.prot: there is no such setting; did you mean "port"?'),
        ("[storage]\nurl", "[storage]\nurk", 'storage.urk: there is no such setting; did you mean "url"?'),
        ("port = 8001", 'port = "eight"', "api.port: must be a whole number"),
        ("port = 8001", "port = 70000", "api.port: must be 65535 or less"),
        ("port = 8001", 'metrics_address = "9465"', "api.metrics_address: "),
        ('["callbacks"]', '["callback"]', "api.faces[0]: must be 'callbacks' or 'backend'"),
        ('"10.0.0.0/8"', '"ten"', "api.trusted_proxies[0]: must be a network such as 203.0.113.0/24"),
        ('env = "OLD"', 'env = "ODL"', "accounts.id360-sandbox.callback_headers.Authorization[0]: set the environment"),
        ('file = "password"', 'file = "passwort"', "accounts.id360-sandbox.password: the file passwort cannot be read"),
        ('provider = "id360"', 'provider = "id36"', "accounts.id360-sandbox.provider: must be one of id360"),
        (
            'username = "robot"',
            'user = "robot"',
            'accounts.id360-sandbox.user: there is no such setting; did you mean "username"?',
        ),
        ('username = "robot"', 'username = "r"\nuser = "r"', "accounts.id360-sandbox.user: there is no such setting"),
        ("deadline =", "deadlin =", 'a tracking plan has no such duration; did you mean "deadline"?'),
        ('"7d"', '"a week"', "accounts.id360-sandbox.tracking.deadline: is no duration: write 90s, 15m, 2h, 7d or 3y"),
        ('"7d"', '"-P7D"', "accounts.id360-sandbox.tracking.deadline: a duration cannot be negative"),
        ("[accounts.id360-sandbox]", "[accounts.ID360]", "accounts.ID360: an account's name has small letters"),
        ('{ env = "HOOK" }', '"changeme"', "endpoints.checkout.secret: is empty or a placeholder"),
        ('provider = "id360"', f'provider = "id360"\nenvironment = "production"\n{KEEP}', None),
    ],
)
def test_a_wrong_file_is_one_sentence_with_the_setting_and_the_fix(
    tmp_path: Path, before: str, after: str, sentence: str | None
) -> None:
    assert before in WHOLE
    text = WHOLE.replace(before, after, 1)

    if sentence is None:
        assert load(tmp_path, text).accounts["id360-sandbox"].own.environment == "production"
    else:
        assert sentence in fault(tmp_path, text)


def test_all_faults_are_listed_at_once_each_with_its_setting_and_fix(tmp_path: Path) -> None:
    text = WHOLE.replace('username = "robot"', 'usrname = "robot"').replace('env = "OLD"', 'env = "ODL"')
    text = text.replace("port = 8001", "prot = 8001").replace('file = "password"', 'file = "passwort"')

    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text + "[accounts.other]\nprovider = 'nobody'\n")

    account = f"{tmp_path / 'vigil.toml'}: accounts.id360-sandbox"
    assert str(caught.value).splitlines() == [
        f"{account}.password: the file passwort cannot be read",
        f"{account}.callback_headers.Authorization[0]: set the environment variable ODL",
        f'{account}.usrname: there is no such setting; did you mean "username"?',
        f"{tmp_path / 'vigil.toml'}: accounts.other.provider: must be one of id360, identomat, signicat, smile_id",
        f'{tmp_path / "vigil.toml"}: api.prot: there is no such setting; did you mean "port"?',
    ]


def test_broken_toml_names_its_line(tmp_path: Path) -> None:
    assert "(at line 3, column 8)" in fault(tmp_path, "\n\nport = = 1\n")


def test_an_empty_variable_is_no_secret(tmp_path: Path) -> None:
    sentence = "api.keys[0].secret: the environment variable VIGIL_KEY_CHECKOUT is empty"
    assert fault(tmp_path, VIGIL_KEY_CHECKOUT=" ") == sentence


def test_a_short_digest_key_is_refused(tmp_path: Path) -> None:
    assert fault(tmp_path, VIGIL_DIGEST_KEY="a17d903be").startswith("digest_key: is too short: it needs 128 bits")


@pytest.mark.parametrize("key", [" " * 17, "changemechangeme", "change-me-change-me"])
def test_a_digest_key_that_is_blank_or_a_placeholder_is_refused(tmp_path: Path, key: str) -> None:
    sentence = "digest_key: is empty or a placeholder; set a real secret"
    assert fault(tmp_path, VIGIL_DIGEST_KEY=key) == sentence


def test_time_is_not_scaled_beside_an_account_that_is_no_sandbox(tmp_path: Path) -> None:
    text = WHOLE.replace('provider = "id360"', 'provider = "id360"\nenvironment = "production"')

    assert "time_scale must be 1 while accounts.id360-sandbox is not a sandbox" in fault(
        tmp_path, text, VIGIL_TIME_SCALE="10"
    )


def test_a_file_that_is_not_there_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no such file; copy vigil\.example\.toml"):
        load_settings(tmp_path / "none.toml", environ={})


def test_the_example_is_a_file_that_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    example = Path(__file__).parents[2] / "vigil.example.toml"
    variables = (
        "VIGIL_DIGEST_KEY",
        "VIGIL_KEY_CHECKOUT",
        "ID360_PASSWORD",
        "ID360_AUTHORIZATION",
        "ASSURE_CLIENT_SECRET",
        "ASSURE_AUTHORIZATION",
        "IDENTOMAT_COMPANY_KEY",
        "IDENTOMAT_CALLBACK_KEY",
        "SMILE_API_KEY",
    )

    environ = {name: hash_key(name) for name in variables} | {"VIGIL_HOOK_CHECKOUT": ENVIRON["HOOK"]}
    settings = load_settings(example, environ=environ)

    assert list(settings.accounts) == ["id360", "assure", "identomat", "smile"]


def test_callbacks_of_no_verification_are_kept_for_fourteen_days_unless_the_settings_say_otherwise(
    tmp_path: Path,
) -> None:
    kept = load(tmp_path, WHOLE).storage.keep
    set_to = load(tmp_path, WHOLE.replace("[storage]", '[storage]\nkeep = { quarantined = "30d" }', 1)).storage.keep

    assert (kept.quarantined, kept.refused) == (timedelta(days=14), timedelta(days=14))
    assert (set_to.quarantined, set_to.refused) == (timedelta(days=30), timedelta(days=14))


def test_settings_without_keys_are_refused_unless_they_say_so(tmp_path: Path) -> None:
    sentence = 'seal: make keys with `vigil keys new FOLDER` and set [seal] folder, or set seal = "off"'
    assert fault(tmp_path, VIGIL_SEAL="") == sentence
    assert fault(tmp_path, VIGIL_SEAL="of") == sentence
    assert load(tmp_path).seal is None


def test_the_folder_of_the_keys_begins_at_the_settings_file(tmp_path: Path) -> None:
    text = WHOLE.replace('seal = "off"', 'seal = { folder = "keys" }')
    seal = load(tmp_path, text).seal
    assert seal is not None
    assert seal.folder == tmp_path / "keys"


NEW_DIGEST_KEY = "9c0de7714bb64f0a8d35c2e1f6a0b7d8"


def with_digest_keys(*variables: str) -> str:
    keys = ", ".join(f'{{ env = "{variable}" }}' for variable in variables)
    return WHOLE.replace('digest_key = { env = "VIGIL_DIGEST_KEY" }', f"digest_key = [{keys}]")


@pytest.mark.parametrize("old", ["OLD_KEY", "VIGIL_DIGEST_KEY"])
def test_a_changed_digest_key_is_a_list_with_the_newest_first(tmp_path: Path, old: str) -> None:
    (tmp_path / "vigil.toml").write_text(with_digest_keys("NEW_KEY", old))
    (tmp_path / "password").write_text("from-a-file\n")
    environ = {name: value for name, value in ENVIRON.items() if name != "VIGIL_DIGEST_KEY"}
    environ |= {"NEW_KEY": NEW_DIGEST_KEY, old: DIGEST_KEY}

    for digester in (
        load_settings(tmp_path / "vigil.toml", environ=environ).digester,
        load_client_settings(tmp_path / "vigil.toml", environ=environ).digester,
    ):
        assert (digester.key, digester.older) == (NEW_DIGEST_KEY.encode(), (DIGEST_KEY.encode(),))


def test_a_variable_with_one_key_does_not_replace_a_list_of_keys(tmp_path: Path) -> None:
    keys = {"NEW_KEY": NEW_DIGEST_KEY, "OLD_KEY": DIGEST_KEY}
    text = with_digest_keys("NEW_KEY", "OLD_KEY")

    assert "digest_key: VIGIL_DIGEST_KEY would replace the list in the file by one value" in fault(
        tmp_path, text, **keys
    )
    whole = load(tmp_path, text, **keys, VIGIL_DIGEST_KEY=f'["{NEW_DIGEST_KEY}", "{DIGEST_KEY}"]').digester
    assert (whole.key, whole.older) == (NEW_DIGEST_KEY.encode(), (DIGEST_KEY.encode(),))


def test_a_variable_that_the_list_in_the_file_names_holds_one_key(tmp_path: Path) -> None:
    text = with_digest_keys("VIGIL_DIGEST_KEY", "OLD_KEY")
    whole = f'["{NEW_DIGEST_KEY}", "{DIGEST_KEY}"]'

    refused = fault(tmp_path, text, OLD_KEY=DIGEST_KEY, VIGIL_DIGEST_KEY=whole)
    assert "digest_key: VIGIL_DIGEST_KEY holds a list, and the list in the file names it as one value" in refused
    assert NEW_DIGEST_KEY not in refused


@pytest.mark.parametrize(
    ("keep", "fault"),
    [
        ('{ artifacts = "5y" }', "keep.results: is missing, and the account is not a sandbox: say how long"),
        ('{ results = "5y" }', "keep.artifacts: is missing, and the account is not a sandbox: say how long"),
        ('{ results = "1y", artifacts = "5y", at_least = "2y" }', "keep.results: is shorter than at_least"),
        ('{ results = "5y", artifacts = "5y", records = "4y" }', "keep.results: is longer than records"),
    ],
)
def test_how_long_data_is_kept_must_be_said_and_make_sense(tmp_path: Path, keep: str, fault: str) -> None:
    account = f'provider = "id360"\nenvironment = "production"\nkeep = {keep}'

    with pytest.raises(SettingsError, match=fault):
        load(tmp_path, WHOLE.replace('provider = "id360"', account))


def test_an_account_may_keep_longer_than_the_installation_says(tmp_path: Path) -> None:
    common = '[storage]\nkeep = { results = "1y", artifacts = "30d", tombstones = "10y" }'
    own = 'provider = "id360"\nkeep = { results = "6y", records = "7y", at_least = "1d" }'
    settings = load(tmp_path, WHOLE.replace("[storage]", common, 1).replace('provider = "id360"', own))
    [name] = [name for name, account in settings.accounts.items() if account.keep.records is not None]

    rules = settings.keep_rules[name]
    assert (rules.receipts, rules.results) == (timedelta(days=30), timedelta(days=6 * 365))
    assert (rules.artifacts, rules.records) == (timedelta(days=30), timedelta(days=7 * 365))
    assert (rules.tombstones, rules.at_least) == (timedelta(days=3650), timedelta(days=1))
