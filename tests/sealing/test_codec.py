"""What is sealed, what stays in clear, and what opens."""

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError, CancelledError
from tink import aead, new_keyset_handle

from tests.sealed import AEAD, SEAL, SEAL_AND_PLAIN
from vigil.domain.terms import Stage
from vigil.sealing.codec import PayloadNotOpened, PayloadSeal, SealingCodec
from vigil.temporal.conversion import PlainPayloadRefused, make_converter
from vigil.temporal.messages import REFUSED_INPUT, CommandAccepted, PollNow

PERSON = "quorvathsson"
COMMAND = PollNow(author=PERSON)
ACCEPTED = CommandAccepted(revision=1, sequence=2, stage=Stage.COMPLETE, decision=None, outcome=None)


def of(value: object) -> Payload:
    return make_converter(None, "default").payload_converter.to_payload(value)


async def test_a_payload_is_unreadable_and_opens_with_its_metadata() -> None:
    converter = make_converter(SEAL, "default")
    [sealed] = await converter.encode([COMMAND])

    assert dict(sealed.metadata) == {"encoding": b"binary/encrypted"}
    assert PERSON.encode() not in sealed.SerializeToString()
    assert await converter.decode([sealed], [PollNow]) == [COMMAND]


async def test_a_payload_of_another_namespace_does_not_open_and_the_error_names_its_key() -> None:
    [sealed] = await make_converter(SEAL, "default").encode([COMMAND])

    with pytest.raises(PayloadNotOpened, match="sealed by key 820466004") as refused:
        await make_converter(SEAL, "staging").decode([sealed], [PollNow])
    assert refused.value.key_id == "820466004"


async def test_a_payload_that_an_unknown_key_sealed_does_not_open_and_the_error_names_the_key() -> None:
    handle = new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    [sealed] = await make_converter(PayloadSeal(handle.primitive(aead.Aead)), "default").encode([COMMAND])
    key = handle.keyset_info().primary_key_id

    with pytest.raises(PayloadNotOpened, match=f"sealed by key {key}"):
        await make_converter(SEAL, "default").decode([sealed], [PollNow])


async def test_a_changed_payload_does_not_open() -> None:
    [sealed] = await make_converter(SEAL, "default").encode([COMMAND])
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])

    with pytest.raises(PayloadNotOpened):
        await make_converter(SEAL, "default").decode([sealed], [PollNow])


@pytest.mark.parametrize(
    "data", [b"", b"\x01", AEAD.encrypt(b"\xff", b"temporal/default")], ids=["nothing", "a byte", "no payload"]
)
async def test_what_only_says_that_it_is_sealed_does_not_open(data: bytes) -> None:
    with pytest.raises(PayloadNotOpened):
        await SealingCodec(SEAL, "default").decode([Payload(metadata={"encoding": b"binary/encrypted"}, data=data)])


async def test_a_payload_in_clear_is_refused_unless_the_settings_accept_it() -> None:
    plain = of(COMMAND)

    with pytest.raises(PlainPayloadRefused):
        await make_converter(SEAL, "default").decode([plain], [PollNow])
    assert await make_converter(SEAL_AND_PLAIN, "default").decode([plain], [PollNow]) == [COMMAND]
    assert await make_converter(None, "default").decode([plain], [PollNow]) == [COMMAND]


async def test_a_cancellation_that_temporal_itself_explains_in_clear_is_read_without_the_explanation() -> None:
    failure = Failure()
    failure.canceled_failure_info.details.payloads.add().CopyFrom(of("ACTIVITY_ID_NOT_STARTED"))

    error = await make_converter(SEAL, "default").decode_failure(failure)
    assert isinstance(error, CancelledError)
    assert list(error.details) == []


async def test_a_stranger_cannot_mark_a_payload_in_clear_as_accepted() -> None:
    marked = of(COMMAND)
    marked.metadata["vigil-arrived-in-clear"] = b"accepted"

    with pytest.raises(PlainPayloadRefused):
        await make_converter(SEAL, "default").decode([marked], [PollNow])


async def test_the_answer_to_a_command_stays_in_clear_for_a_backend_without_keys() -> None:
    converter = make_converter(SEAL, "default")
    [answer] = await converter.encode([ACCEPTED])

    assert answer.metadata["encoding"] == b"json/plain"
    assert await converter.decode([answer], [CommandAccepted]) == [ACCEPTED]


async def failure_of(error: Exception) -> Failure:
    failure = Failure()
    await make_converter(SEAL, "default").encode_failure(error, failure)
    return failure


async def test_the_text_of_a_failure_and_of_its_causes_is_sealed() -> None:
    error = ApplicationError("the outer", PERSON, type="Outer")
    error.__cause__ = ValueError(PERSON)
    failure = await failure_of(error)

    assert (failure.message, failure.cause.message, failure.application_failure_info.type) == (
        "Encoded failure",
        "Encoded failure",
        "Outer",
    )
    assert PERSON.encode() not in failure.SerializeToString()
    opened = await make_converter(SEAL, "default").decode_failure(failure)
    assert isinstance(opened, ApplicationError)
    assert (opened.message, opened.details, str(opened.cause)) == ("the outer", (PERSON,), f"ValueError: {PERSON}")


async def test_a_sentence_of_ours_about_an_input_stays_in_clear_for_a_backend_without_keys() -> None:
    sentence = "The input does not fit. reference: is required"
    failure = await failure_of(ApplicationError(sentence, type=REFUSED_INPUT))
    error = ApplicationError(sentence, type=REFUSED_INPUT)
    error.__cause__ = ValueError(PERSON)
    with_a_cause = await failure_of(error)

    assert (failure.message, failure.stack_trace) == (sentence, "")
    assert PERSON.encode() not in with_a_cause.SerializeToString()
