"""The keys that all tests seal payloads with, so that the processes that a test starts read each other's."""

from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Header, Payload, SearchAttributes
from temporalio.api.history.v1 import MarkerRecordedEventAttributes
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from tink import aead, json_proto_keyset_format, secret_key_access

from vigil.sealing.codec import PayloadSeal, SealingCodec
from vigil.sealing.keysets import KeysetName, keyset_file, make_keysets
from vigil.temporal import connection
from vigil.temporal.conversion import make_converter

aead.register()
KEYSET = """
{"primaryKeyId": 820466004, "key": [{"keyData": {"typeUrl": "type.googleapis.com/google.crypto.tink.AesGcmKey",
 "value": "GiDkoAgHJo5JSJJvpvHUrh4cKA0XTABuRoMbWglas1feuw==", "keyMaterialType": "SYMMETRIC"},
 "status": "ENABLED", "keyId": 820466004, "outputPrefixType": "TINK"}]}
"""
AEAD: aead.Aead = json_proto_keyset_format.parse(KEYSET, secret_key_access.TOKEN).primitive(aead.Aead)
SEAL = PayloadSeal(AEAD)
SEAL_AND_PLAIN = PayloadSeal(AEAD, accept_plain=True)
"""Reads the payloads of the time before sealing too, such as those of recorded histories."""


def write_keys(folder: Path) -> Path:
    """Write the keysets for a process that a test starts: its payloads are sealed as those of all tests."""
    make_keysets(folder)
    keyset_file(folder, KeysetName.PAYLOADS).write_text(KEYSET)
    return folder


async def connect(address: str, namespace: str | None, *, seal: PayloadSeal | None = SEAL, **options: Any) -> Client:
    """Connect as our processes do, sealed."""
    return await connection.connect(address, namespace, seal=seal, **options)


CONVERTER: DataConverter = make_converter(SEAL, "default")
NOTES = ("data", "patch-data")
"""What the SDK notes in markers: numbers, times and the names of activities and patches."""


async def seal_history(history: WorkflowHistory) -> WorkflowHistory:
    """Return a history that was recorded in clear as it had been recorded with keys."""
    for event in history.events:
        for payload in codable_payloads(event):
            [sealed] = await SealingCodec(SEAL, "default").encode([payload])
            payload.CopyFrom(sealed)
    return history


def codable_payloads(message: Any) -> list[Payload]:
    """Return the payloads in a message that a codec sees: not search attributes, headers and the SDK's own notes."""
    if isinstance(message, SearchAttributes | Header):
        return []
    if isinstance(message, Payload):
        return [message]
    if isinstance(message, MarkerRecordedEventAttributes):
        kept = [each for name, each in message.details.items() if name not in NOTES]
        return [payload for each in (*kept, message.failure) for payload in codable_payloads(each)]
    return [payload for part in _parts_of(message) for payload in codable_payloads(part)]


def _parts_of(message: Message) -> list[Message]:
    found: list[Message] = []
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            found += [value[key] for key in value if isinstance(value[key], Message)]
        else:
            found += list(value) if descriptor.is_repeated else [value]
    return found
