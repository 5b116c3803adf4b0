"""Verify: what a backend starts in Temporal, in any language, to register a verification and to wait for it."""

from typing import NoReturn

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from vigil.sealing.clear import arrived_in_clear, keep_in_clear
    from vigil.temporal import messages, visibility

    from workflows import options
    from workflows.plain_input import read_json
    from workflows.signals import NO_PAYLOAD


@workflow.defn(name=messages.VERIFY_WORKFLOW)
class Verify:
    """Registers a verification, and returns its published state at the outcome or at the completion."""

    @workflow.run
    async def run(self, raw: RawValue = NO_PAYLOAD) -> messages.VerifiedState | RawValue:
        """Take the JSON of `POST /verifications`, with `until` and `withdraw_if_canceled`.

        The result is sealed if the input was, since only then its reader has the keys.

        Canceled, it stops to wait, and withdraws the verification only if the input says so. An input that does not
        fit fails the run with a sentence.
        """
        try:
            order: messages.VerifyOrder = await workflow.execute_activity(
                messages.REGISTER,
                read_json(raw),
                result_type=messages.VerifyOrder,
                start_to_close_timeout=options.REGISTER_TIMEOUT,
                retry_policy=options.REGISTER_RETRY,
                summary="Register the verification",
            )
        except ActivityError as error:
            fail(error)
        if order.path is not None and workflow.patched("verify-names-its-verification"):
            # An erasure finds by it what a backend has started.
            workflow.upsert_search_attributes([visibility.ABOUT.value_set(order.path)])
        try:
            state: messages.VerifiedState = await workflow.execute_activity(
                messages.AWAIT_STATE,
                order,
                result_type=messages.VerifiedState,
                start_to_close_timeout=options.REGISTER_TIMEOUT,
                retry_policy=options.REGISTER_RETRY,
                summary=f"Wait for its {order.until}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error) and order.withdraw_if_canceled:
                await workflow.execute_activity(
                    messages.WITHDRAW,
                    order,
                    start_to_close_timeout=options.REGISTER_TIMEOUT,
                    retry_policy=options.REGISTER_RETRY,
                    summary="Withdraw the verification, as its starter wants",
                )
            raise
        return _in_clear(state) if arrived_in_clear(raw) else state


def _in_clear(state: messages.VerifiedState) -> RawValue:
    return keep_in_clear(workflow.payload_converter().to_payload(state))


def fail(error: ActivityError) -> NoReturn:
    """End the run with the sentence of a refused input. Other errors are raised again."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == messages.REFUSED_INPUT:
        raise ApplicationError(cause.message, type=cause.type, non_retryable=True) from None
    raise error
