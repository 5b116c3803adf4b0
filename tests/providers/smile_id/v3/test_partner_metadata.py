"""What a partner has put beside a job comes back with the callback that explains its verdict."""

from tests.providers.raw_server import json_response
from tests.providers.smile_id.v3.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v3.samples import JOB, QUESTION, as_bytes, clear, status
from vigil.providers.smile_id.partner_metadata import read_partner_metadata
from vigil.providers.smile_id.v3.reader import SmileV3Reader


async def test_what_the_partner_added_comes_back_and_ids_do_not(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[f"/v3/status/{JOB}"] = json_response(status())

    reply = await reader.read_with_callbacks(
        QUESTION, [as_bytes(clear(partner_params={"job_id": "x", "tenant": "north"}))]
    )

    assert read_partner_metadata(reply.raw or b"") == {"tenant": "north"}


async def test_without_its_callback_nothing_comes_back(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[f"/v3/status/{JOB}"] = json_response(status())

    reply = await reader.read(QUESTION)

    assert read_partner_metadata(reply.raw or b"") == {}
