"""Verify: what a backend starts in Temporal, in any language, to register a verification and to wait for it."""

import asyncio
from datetime import timedelta
from typing import NoReturn, TypeVar

from pydantic import JsonValue
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from vigil.sealing.clear import arrived_in_clear, keep_in_clear
    from vigil.temporal import messages, visibility

    from workflows import options
    from workflows.plain_input import read_json
    from workflows.signals import NO_PAYLOAD

ResultT = TypeVar("ResultT")


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
        request, order = read_json(raw), None
        # What somebody has written: a text like "no" is true here. Only an order knows what it means.
        may_withdraw = bool(request.get("withdraw_if_canceled")) and _ends_what_it_registers()
        try:
            order = await _register(request, is_awaited=may_withdraw)
            state = await _await_state(order)
        except (ActivityError, asyncio.CancelledError) as error:
            if workflow.cancellation_reason() is None:
                fail(error)
            if order is None and may_withdraw:
                order = await _find_registered(request)
            if order is not None and order.withdraw_if_canceled:
                await _withdraw(order)
            raise asyncio.CancelledError from None
        return _in_clear(state) if arrived_in_clear(raw) else state


def _ends_what_it_registers() -> bool:
    return workflow.patched("verify-withdraws-what-it-registers")


async def _register(request: JsonValue, *, is_awaited: bool) -> messages.VerifyOrder:
    """Register. `is_awaited`: a cancellation waits for the attempt under way, which may register all the same."""
    summary = "Register the verification"
    return await _execute(messages.REGISTER, request, messages.VerifyOrder, summary, is_awaited=is_awaited)


async def _await_state(order: messages.VerifyOrder) -> messages.VerifiedState:
    if workflow.cancellation_reason() is not None and _ends_what_it_registers():  # it came while that ended
        raise asyncio.CancelledError
    if order.path is not None and workflow.patched("verify-names-its-verification"):
        # An erasure finds by it what a backend has started.
        workflow.upsert_search_attributes([visibility.ABOUT.value_set(order.path)])
    return await _execute(messages.AWAIT_STATE, order, messages.VerifiedState, f"Wait for its {order.until}")


async def _find_registered(request: JsonValue) -> messages.VerifyOrder | None:
    """Return what an attempt may have registered whose answer was lost. Nobody waits for that longer than a day."""
    try:
        return await _execute(
            messages.FIND_REGISTERED,
            request,
            messages.VerifyOrder | None,  # type: ignore[arg-type]
            "Find what it may have registered",
            within=options.FIND_WITHIN,
        )
    except ActivityError:
        workflow.logger.error("what a canceled Verify may have registered was not found, and was not withdrawn")
        return None


async def _withdraw(order: messages.VerifyOrder) -> None:
    await _execute(messages.WITHDRAW, order, type(None), "Withdraw the verification, as its starter wants")


async def _execute(
    name: str,
    given: JsonValue | messages.VerifyOrder,
    returns: type[ResultT],
    summary: str,
    *,
    is_awaited: bool = False,
    within: timedelta | None = None,
) -> ResultT:
    """Have an activity done, in attempts for ever or `within` a time; `is_awaited`: one under way is not left alone."""
    cancellation = workflow.ActivityCancellationType
    result: ResultT = await workflow.execute_activity(
        name,
        given,
        result_type=returns,
        start_to_close_timeout=options.REGISTER_TIMEOUT,
        schedule_to_close_timeout=within,
        retry_policy=options.REGISTER_RETRY,
        cancellation_type=cancellation.WAIT_CANCELLATION_COMPLETED if is_awaited else cancellation.TRY_CANCEL,
        summary=summary,
    )
    return result


def _in_clear(state: messages.VerifiedState) -> RawValue:
    return keep_in_clear(workflow.payload_converter().to_payload(state))


def fail(error: BaseException) -> NoReturn:
    """End the run with the sentence of a refused input. Other errors are raised again."""
    cause = error.cause if isinstance(error, ActivityError) else None
    if isinstance(cause, ApplicationError) and cause.type == messages.REFUSED_INPUT:
        raise ApplicationError(cause.message, type=cause.type, non_retryable=True) from None
    raise error
