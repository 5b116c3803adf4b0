"""What the vendor's own library signs and reads is what we take and send."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from smile_id_core import Signature  # type: ignore[import-untyped]

from domain.digest import Digester
from domain.errors import CallbackRefused
from domain.terms import Proof
from providers.contract import GenuineRequest
from providers.smile_id.provider import open_account
from providers.smile_id.reader import SmileV1Reader
from tests.providers.smile_id.fake_smile_id import FakeSmileId
from tests.providers.smile_id.samples import IDENTITY, KEY, PARTNER, callback, question, settings


def proven(
    http: httpx.AsyncClient, timestamp: str, signature: str, partner_id: str, received_at: datetime
) -> GenuineRequest:
    provider = open_account("smile", settings(partner_id=partner_id), http=http, digester=Digester(b"key"))
    body = IDENTITY | {"timestamp": timestamp, "signature": signature}
    return provider.prove(callback(body, received_at))


@pytest.mark.parametrize(("theirs", "ours"), [("2041", "2041"), ("085", "085"), ("85", "085"), ("085", "85")])
def test_a_callback_that_the_library_signs_is_proven(http: httpx.AsyncClient, theirs: str, ours: str) -> None:
    made = Signature(theirs, KEY).generate_signature()

    genuine = proven(http, made["timestamp"], made["signature"], ours, datetime.now(UTC))

    assert genuine.proof is Proof.UNBOUND


def test_a_callback_that_the_library_signed_an_hour_ago_is_stale(http: httpx.AsyncClient) -> None:
    made = Signature(PARTNER, KEY).generate_signature((datetime.now(UTC) - timedelta(hours=1)).isoformat())

    assert proven(http, made["timestamp"], made["signature"], PARTNER, datetime.now(UTC)).proof is Proof.STALE


def test_a_callback_that_the_library_signs_for_another_partner_is_refused(http: httpx.AsyncClient) -> None:
    made = Signature("2042", KEY).generate_signature()

    with pytest.raises(CallbackRefused):
        proven(http, made["timestamp"], made["signature"], PARTNER, datetime.now(UTC))


async def test_the_library_confirms_what_we_sign(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    await reader.read(question())

    asked = smile.questions[0]
    assert Signature(PARTNER, KEY).confirm_signature(asked["timestamp"], asked["signature"])
