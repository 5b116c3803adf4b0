import pytest
from temporalio.service import RPCError, RPCStatusCode

from vigil.cli.arguments import split_pairs
from vigil.cli.errors import CommandError, describe_error
from vigil.config.settings import Settings
from vigil.demo.stack import StackFailed
from vigil.domain.errors import ProviderUnavailable
from vigil.errors import ConflictingRegistration, StorageNotOpened, UnknownVerification
from vigil.runtime import open_runtime
from vigil.storage.contract import StorageUnavailable


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CommandError("Give either an account or a file."), "Give either an account or a file."),
        (StackFailed("worker ended with code 1"), "worker ended with code 1"),
        (UnknownVerification(), "Neither Temporal nor the storage knows such a verification."),
        (ConflictingRegistration(["applicant"]), "applicant: differs from the registered value"),
        (
            ProviderUnavailable("http_503"),
            "The provider gives no usable answer (http_503): try again, or run `vigil check`.",
        ),
        (
            StorageUnavailable("verifications/acme/1", "a secret"),
            "The storage gives no usable answer: try again, or correct [storage] url and its access rights.",
        ),
        (
            RPCError("a secret", RPCStatusCode.UNAVAILABLE, b""),
            "Temporal gives no usable answer (UNAVAILABLE): try again, or correct [temporal] address.",
        ),
    ],
)
def test_an_error_with_a_cause_outside_the_program_is_one_sentence(error: Exception, sentence: str) -> None:
    assert describe_error(error) == sentence


def test_a_fault_of_the_program_has_no_sentence() -> None:
    assert describe_error(ZeroDivisionError("division by zero")) is None


def test_a_value_may_hold_an_equals_sign() -> None:
    assert split_pairs(["user_id=a=b", "empty="], "--coordinate NAME=VALUE") == {"user_id": "a=b", "empty": ""}


def test_a_pair_without_an_equals_sign_is_refused_with_the_right_form() -> None:
    with pytest.raises(CommandError, match=r"^Use the form --set NAME=VALUE\.$"):
        split_pairs(["a=b", "drop_finals"], "--set NAME=VALUE")


async def test_a_storage_url_of_another_kind_is_one_sentence_that_says_what_it_must_be() -> None:
    settings = Settings.model_validate(
        {"digest_key": "f3e01b7a94c25d8860aa91c7d24be35f", "seal": "off", "storage": {"url": "ftp://a"}}
    )
    async with open_runtime(settings, lazy=True) as runtime:
        with pytest.raises(StorageNotOpened) as caught:
            _ = runtime.storage

    assert describe_error(caught.value) == (
        "The storage cannot be opened (the storage url must begin with file:///, s3://, gs:// or az://): "
        "correct [storage] url."
    )
