"""How values become payloads, and errors failures, for all processes: sealed, or in clear for a reader without keys."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    PayloadConverter,
)

from vigil.sealing.clear import ARRIVED_IN_CLEAR, REFUSED, STAYS_IN_CLEAR
from vigil.sealing.codec import PayloadSeal, SealingCodec
from vigil.temporal import messages

_CODED: Final = (messages.CommandAccepted,)
"""The answers to commands of a backend without keys: coded words, as search attributes have them."""
_SENTENCES: Final = frozenset({messages.REFUSED, messages.REFUSED_INPUT})
"""The types of errors whose text is a sentence of ours, for a backend without keys. It repeats no value of an input."""


class PlainPayloadRefused(RuntimeError):
    """A payload that was not sealed, where only sealed ones are read."""

    def __init__(self) -> None:
        super().__init__("a payload is not sealed, and [seal] accept_plain is off")


_JSON: Final = PydanticJSONPlainPayloadConverter()
"""One for all: the SDK makes new converters for each activation, and a new one of these would build its types anew."""


class Payloads(CompositePayloadConverter):
    """Pydantic's conversion. Answers to commands stay in clear; plain payloads are refused where the codec says so."""

    def __init__(self) -> None:
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_JSON if each.encoding == _JSON.encoding else each for each in others))

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Return a payload for each value."""
        payloads = super().to_payloads(values)
        for value, payload in zip(values, payloads, strict=True):
            if isinstance(value, _CODED):
                payload.metadata[STAYS_IN_CLEAR] = b"1"
        return payloads

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Return the value of each payload. Raises `PlainPayloadRefused`; a `RawValue` is never refused."""
        for index, payload in enumerate(payloads):
            hint = type_hints[index] if type_hints and index < len(type_hints) else None
            if payload.metadata.get(ARRIVED_IN_CLEAR) == REFUSED and hint not in (RawValue, *_CODED):
                raise PlainPayloadRefused
        return super().from_payloads(payloads, type_hints)


class Failures(DefaultFailureConverter):
    """Has the texts of failures sealed, but for our own sentences."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)
        self._in_clear = DefaultFailureConverter()

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Write an error into a failure."""
        context = None if exception.__suppress_context__ else exception.__context__
        if getattr(exception, "type", None) in _SENTENCES and (exception.__cause__ or context) is None:
            self._in_clear.to_failure(exception, payload_converter, failure)
            failure.stack_trace = ""
        else:
            super().to_failure(exception, payload_converter, failure)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Return the error of a failure, without the details in clear by which Temporal itself explains a cancellation.

        It writes them where it cancels an activity that has not started. No code of ours reads them.
        """
        details = failure.canceled_failure_info.details.payloads
        if any(payload.metadata.get(ARRIVED_IN_CLEAR) == REFUSED for payload in details):
            bare = Failure()
            bare.CopyFrom(failure)
            bare.canceled_failure_info.ClearField("details")
            failure = bare
        return super().from_failure(failure, payload_converter)


PLAIN: Final = DataConverter(payload_converter_class=Payloads)
"""The converter of an installation that seals nothing."""


def make_converter(seal: PayloadSeal | None, namespace: str) -> DataConverter:
    """Return the converter of a namespace."""
    if seal is None:
        return PLAIN
    opening = replace(PLAIN, payload_codec=SealingCodec(seal, namespace))
    return opening if seal.only_open else replace(opening, failure_converter_class=Failures)
