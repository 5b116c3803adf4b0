"""What a lookup reads from storage beside the record."""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.api.fakes import Acme, account_of
from tests.domain.samples import DECLINED, T0, callback_event, fresh, read, silent, status
from tests.providers.id360.samples import settings
from vigil.config.accounts import build_account
from vigil.config.settings import ConfiguredAccount
from vigil.domain.callbacks import apply_callback
from vigil.domain.decisions import close_confirmation_window
from vigil.domain.record import Record
from vigil.domain.snapshot import Answer
from vigil.domain.terms import Outcome
from vigil.lookup import VerificationLookup
from vigil.providers.id360.provider import open_account
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import Inbox, Receipt

RESULT = "verifications/acme/v-1/results/a"


async def store_callback(storage: FolderStorage, body: object) -> str:
    inbox = Inbox(storage)
    receipt = Receipt(
        received_at=T0, account="acme", correlation=None, proof="secret", headers={}, body=json.dumps(body).encode()
    )
    return await inbox.file_under(await inbox.keep(receipt), "acme/v-1")


async def reason_text(storage: FolderStorage, record: Record) -> str | None:
    async with httpx.AsyncClient() as http:
        configured = ConfiguredAccount(own=settings())
        account = build_account(open_account("acme", settings(), http), configured, time_scale=1)
        lookup = VerificationLookup(object(), storage, {"acme": account})  # type: ignore[arg-type]
        return await lookup.read_reason_text(record)


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path)


async def test_the_text_of_a_ko_is_read_from_the_stored_result(storage: FolderStorage) -> None:
    await storage.put_new(RESULT, b'{"status": "KO", "reason": "1 validations failed"}')
    record = read(fresh(), DECLINED.model_copy(update={"result": RESULT}))

    assert await reason_text(storage, record) == "1 validations failed"
    assert "validations" not in record.model_dump_json()


@pytest.mark.parametrize("result", [b'{"status": "KO"}', None])
async def test_a_result_without_a_text_leaves_it_to_the_callback_of_the_verdict(
    storage: FolderStorage, result: bytes | None
) -> None:
    if result is not None:
        await storage.put_new(RESULT, result)
    record = fresh()
    for word, text in (("KO", "the right one"), ("OK", "another one")):
        receipt = await store_callback(storage, {"status": word, "reason": text})
        event = callback_event(status(word)).model_copy(update={"receipt": receipt})
        record = apply_callback(record, event)
    record = read(record, DECLINED.model_copy(update={"result": RESULT}))

    assert await reason_text(storage, record) == "the right one"


async def test_an_end_that_only_a_callback_announced_has_the_text_of_that_callback(storage: FolderStorage) -> None:
    receipt = await store_callback(storage, {"status": "FAILED", "reason": "processing time exceeded"})
    event = callback_event(status("FAILED", end=Outcome.FAILED)).model_copy(update={"receipt": receipt})
    record = read(apply_callback(fresh(), event), silent(Answer.NOT_READY, at=T0 + timedelta(seconds=1)))
    record = close_confirmation_window(record, at=T0 + timedelta(hours=1))

    assert (record.verdict.outcome, await reason_text(storage, record)) == ("failed", "processing time exceeded")


async def test_without_a_stored_text_there_is_none(storage: FolderStorage) -> None:
    record = apply_callback(fresh(), callback_event(status("KO")).model_copy(update={"receipt": "verifications/gone"}))
    record = read(record, DECLINED.model_copy(update={"result": RESULT}))

    assert await reason_text(storage, record) is None


async def test_a_provider_that_writes_no_text_has_none(storage: FolderStorage) -> None:
    lookup = VerificationLookup(object(), storage, {"acme": account_of(Acme())})  # type: ignore[arg-type]

    assert await lookup.read_reason_text(read(fresh(), DECLINED)) is None
