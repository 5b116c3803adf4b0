"""What a partner has put beside a job comes back out of the stored result."""

import json

import pytest
from hypothesis import given

from tests.providers.any_json import JSON
from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v1.samples import JOB, USER, frame, question, result, settings
from vigil.providers.contract import PartnerMetadataSource
from vigil.providers.smile_id.partner_metadata import read_partner_metadata
from vigil.providers.smile_id.provider import SmileId
from vigil.providers.smile_id.v1.reader import SmileV1Reader

OWN = {"job_id": JOB, "user_id": USER, "job_type": 6}


async def test_v1_gives_back_what_the_partner_added_and_nothing_else(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    params = OWN | {"tenant": "north", "attempt": 2, "flags": {"vip": True}}
    smile.jobs[USER, JOB] = frame(result("0810", PartnerParams=params, FullName="Zuri Example"))

    reply = await reader.read(question(6))

    assert read_partner_metadata(reply.raw or b"") == {"tenant": "north", "attempt": 2, "flags": {"vip": True}}


@pytest.mark.parametrize(
    "stored", [b"", b"nothing of ours", b"[]", b'{"result": 7}', b'{"callback": {"partner_params": []}}']
)
def test_a_result_without_any_gives_nothing_back(stored: bytes) -> None:
    assert read_partner_metadata(stored) == {}


def test_what_could_not_be_written_into_an_answer_is_left_out() -> None:
    stored = b'{"result": {"PartnerParams": {"a": "\\ud800", "\\ud801": 1, "b": [1e999], "c": "whole"}}}'

    assert read_partner_metadata(stored) == {"c": "whole"}


@given(JSON, JSON)
def test_whatever_was_stored_can_be_written_again(params: object, callback: object) -> None:
    stored = {"result": {"PartnerParams": params}, "callback": callback}

    json.dumps(read_partner_metadata(json.dumps(stored).encode()), ensure_ascii=False, allow_nan=False).encode()


def test_the_account_is_one_that_gives_back() -> None:
    assert isinstance(SmileId("smile", settings(), reader=object()), PartnerMetadataSource)  # type: ignore[arg-type]
