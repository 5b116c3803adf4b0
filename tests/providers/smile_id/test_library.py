"""What the vendor's own library signs is proven, and what we sign it confirms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from smile_id_core import Signature  # type: ignore[import-untyped]

from tests.providers.smile_id.v1.samples import KEY, PARTNER, callback, settings
from vigil.domain.callback_event import StatusSeen
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Proof
from vigil.providers.contract import GenuineRequest, Provider
from vigil.providers.smile_id.provider import ENTRY
from vigil.providers.smile_id.signature import Signatures

NOW = datetime.now(UTC)
RESULT = {
    "PartnerParams": {"job_id": "chk-lib", "user_id": "cust-31", "job_type": 2},
    "ResultCode": "0820",
    "SmileJobID": "0000501102",
}
ENDED = {"status": "clear", "product": "document_verification", "reason": None}
JOB = "job_01kj0000000000000000000001"


def account(http: httpx.AsyncClient) -> Provider:
    given = settings(generations=["v1", "v3"])
    return ENTRY.open("smile", given, http)


def prove(http: httpx.AsyncClient, generation: str, said: dict[str, Any]) -> GenuineRequest:
    if generation == "v1":
        return account(http).prove(callback({**RESULT, **said}, NOW))
    headers = {
        "job-id": JOB,
        "response-timestamp": said["timestamp"],
        "response-signature": said["signature"],
    }
    return account(http).prove(callback(ENDED, NOW, headers))


@pytest.mark.parametrize("generation", ["v1", "v3"])
async def test_a_callback_that_the_library_signs_now_is_proven_and_read(
    http: httpx.AsyncClient, generation: str
) -> None:
    request = prove(http, generation, Signature(PARTNER, KEY).generate_signature())
    (found,) = account(http).read_callbacks(request)

    assert request.proof is Proof.UNBOUND
    assert found.reference == {"v1": "chk-lib", "v3": JOB}[generation]
    assert isinstance(found.observation, StatusSeen)


@pytest.mark.parametrize("generation", ["v1", "v3"])
async def test_one_that_it_signed_an_hour_ago_is_stale(http: httpx.AsyncClient, generation: str) -> None:
    earlier = (NOW - timedelta(hours=1)).isoformat()

    assert prove(http, generation, Signature(PARTNER, KEY).generate_signature(earlier)).proof is Proof.STALE


@pytest.mark.parametrize("generation", ["v1", "v3"])
@pytest.mark.parametrize(("partner", "key"), [(PARTNER, "another-key-of-nobody"), ("2042", KEY)])
async def test_one_that_it_signs_for_somebody_else_is_refused(
    http: httpx.AsyncClient, generation: str, partner: str, key: str
) -> None:
    with pytest.raises(CallbackRefused):
        prove(http, generation, Signature(partner, key).generate_signature())


def test_the_library_confirms_what_we_sign() -> None:
    timestamp = "2026-02-03T10:00:02.110Z"
    ours = Signatures("085", (SecretStr(KEY),)).sign(timestamp)

    assert Signature("085", KEY).confirm_signature(timestamp, ours)
    assert not Signature("85", KEY).confirm_signature(timestamp, ours)
