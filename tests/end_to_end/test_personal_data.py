"""What the provider tells of a person stays in storage: nothing of it is in Temporal, in logs or in names."""

import base64
from pathlib import Path
from urllib.parse import quote

from google.protobuf.json_format import MessageToJson
from temporalio.api.common.v1 import Payload

from simulator.id360 import CANARIES
from tests.end_to_end.conftest import ACCOUNT, Running
from workflows.steps import MEMO


def leaks(text: bytes) -> list[str]:
    """Return the canaries that stand in a text: plain, in base64 at any offset, in hexadecimal, or URL-encoded."""
    found = []
    for canary in CANARIES.values():
        plain = canary.encode()
        encoded = [base64.b64encode(b"x" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)]
        forms = [plain, plain.hex().encode(), quote(canary).encode(), *encoded]
        if any(form and form in text for form in forms):
            found.append(canary)
    return found


async def everything_in_temporal(running: Running) -> bytes:
    client = running.installation.client
    said: list[bytes] = []
    async for listed in client.list_workflows():
        handle = client.get_workflow_handle(listed.id, run_id=listed.run_id)
        description = await handle.describe()
        said.append(MessageToJson(description.raw_description).encode())
        said += [payload.data for payload in description.raw_info.memo.fields.values()]
        history = await handle.fetch_history()
        said.append(history.to_json().encode())
        said += [payload.data for event in history.events for payload in payloads_of(event)]
    return b"\n".join(said)


def payloads_of(message: object) -> list[Payload]:
    """Return every payload inside a protobuf message."""
    if isinstance(message, Payload):
        return [message]
    found: list[Payload] = []
    for descriptor, value in message.ListFields():  # type: ignore[attr-defined]
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            values = [value[key] for key in value if hasattr(value[key], "ListFields")]
        else:
            values = list(value) if descriptor.is_repeated else [value]
        found += [payload for one in values for payload in payloads_of(one)]
    return found


async def test_a_person_is_in_the_stored_result_and_nowhere_else(running: Running) -> None:
    reference = await running.play(think="PT1M", step_every="PT30S")
    await running.register(reference)
    state: dict[str, object] = {}
    while state.get("stage") != "complete":
        state = (await running.known(reference, wait=30, after_sequence=state.get("sequence", 0)))["state"]
    folder = Path(running.stack.folder)
    stored = [path for path in folder.joinpath("storage").rglob("*") if path.is_file()]
    temporal = await everything_in_temporal(running)
    logs = b"".join(path.read_bytes() for path in folder.joinpath("logs").glob("*.log"))
    names = "\n".join(str(path) for path in stored).encode()
    api = (await running.http.get(f"{running.stack.api}/verifications/{ACCOUNT}/{reference}")).content
    metrics = (await running.http.get(f"{running.stack.api}/metrics")).content

    # The positive control: the search finds what is there to be found.
    assert set(leaks(b"".join(path.read_bytes() for path in stored if "results" in path.parts))) == set(
        CANARIES.values()
    )
    assert leaks(base64.b64encode(b"ab" + CANARIES["name"].encode())) == [CANARIES["name"]]
    assert MEMO.encode() in temporal
    assert reference.encode() in temporal
    assert leaks(temporal) == []
    assert leaks(logs) == []
    assert leaks(names) == []
    assert leaks(api) == []
    assert leaks(metrics) == []
