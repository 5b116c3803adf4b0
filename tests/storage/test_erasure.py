"""Which callbacks go with a verification: those about it, and none about another one."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.digest import Digester
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.storage.contract import names_under
from vigil.storage.erasure import ObjectEraser, Target
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import AddressedEvent, Receipt
from vigil.storage.receipt_names import QUARANTINED

AT = datetime(2031, 3, 4, tzinfo=UTC)
REFERENCE = "70010"


def receipt(body: bytes = b"{}", **changes: Any) -> Receipt:
    fields = {"received_at": AT, "account": "acme", "correlation": None, "proof": "secret", "headers": {}, "body": body}
    return Receipt(**{**fields, **changes})


def event(reference: str) -> AddressedEvent:
    said = CallbackEvent(
        delivery=Digester(b"k").digest("delivery", reference),
        receipt=None,
        received_at=AT,
        proof=Proof.SECRET,
        observation=StatusSeen(word="OK", looks="final"),
    )
    key = VerificationKey(account="acme", reference=reference)
    return AddressedEvent(key=key, path=f"acme/{reference}", event=said, repeats_until=AT)


async def is_erased(folder: Path, content: bytes) -> bool:
    storage = FolderStorage(folder)
    await storage.put_new(f"{QUARANTINED}x", content)
    target = Target(account="acme", path=f"acme/{REFERENCE}", reference=REFERENCE, correlations=("mark-of-order-1",))
    eraser = ObjectEraser(storage, target, lambda _, word: f"mark-of-{word}", storage.read)
    kinds = [kind async for kind in eraser.erase(await eraser.find())]
    left = [name async for name in names_under(storage, QUARANTINED)]
    assert kinds == ([] if left else ["quarantined"])
    return not left


@pytest.mark.parametrize(
    ("body", "erased"),
    [
        (b'{"id": "70010"}', True),
        (b'{"id": 70010, "next": "700102"}', True),
        (b"id=70010", True),
        (b"url=https%3A%2F%2Facme%2F70010%3Fx", True),
        (b'{"id": "700102"}', False),
        (b'{"id": "170010"}', False),
        (b'{"id": "a70010"}', False),
        (b"url=https%3A%2F%2Facme%2F170010", False),
    ],
)
async def test_a_reference_counts_only_as_a_whole_word(tmp_path: Path, body: bytes, *, erased: bool) -> None:
    assert await is_erased(tmp_path, receipt(body).model_dump_json().encode()) is erased


async def test_a_callback_that_was_read_is_judged_by_what_was_read(tmp_path: Path) -> None:
    about_another = receipt(b'{"id": "9", "previous": "70010"}', events=(event("9"),))
    about_both = receipt(b"{}", events=(event("9"), event(REFERENCE)))

    assert not await is_erased(tmp_path / "another", about_another.model_dump_json().encode())
    assert await is_erased(tmp_path / "both", about_both.model_dump_json().encode())


async def test_headers_and_correlations_name_a_verification_too(tmp_path: Path) -> None:
    by_header = receipt(headers={"x-verification": REFERENCE})
    by_correlation = receipt(correlation="order-1")
    of_another_account = receipt(b'{"id": "70010"}', account="other")

    assert await is_erased(tmp_path / "header", by_header.model_dump_json().encode())
    assert await is_erased(tmp_path / "correlation", by_correlation.model_dump_json().encode())
    assert not await is_erased(tmp_path / "account", of_another_account.model_dump_json().encode())


def of_a_later_release(body: bytes, account: str = "acme") -> bytes:
    said = receipt(body, account=account).model_dump(mode="json")
    return json.dumps(said | {"events": "another form", "body": base64.urlsafe_b64encode(body).decode()}).encode()


async def test_a_callback_of_a_later_release_is_read_too(tmp_path: Path) -> None:
    assert await is_erased(tmp_path / "own", of_a_later_release(b'{"id": "70010"}'))
    assert not await is_erased(tmp_path / "another", of_a_later_release(b'{"id": "700102"}'))
    assert not await is_erased(tmp_path / "account", of_a_later_release(b'{"id": "70010"}', account="other"))
    assert await is_erased(tmp_path / "foreign", b"no receipt, about 70010")
