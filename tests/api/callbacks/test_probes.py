"""Probes of the operator: only who holds the digest key makes one, and a copied one says no more than the first."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from tests.api.conftest import endpoint_of, in_process
from tests.api.fakes import Desk
from vigil.domain.digest import Digester
from vigil.probe import HEADER, ProbeAnswer, build_probe

BODY = b'{"a" : 1}'


def probe(desk: Desk, *, at: datetime | None = None, digester: Digester | None = None) -> dict[str, str]:
    sent = {"x-note": "of mine"}
    made = build_probe(BODY, sent, at=at or datetime.now(UTC))
    return {**sent, HEADER: made.seal(digester or desk.services.digester)}


async def asked(
    desk: Desk, headers: dict[str, str], *, body: bytes = BODY, trusted: tuple[object, ...] = ()
) -> ProbeAnswer:
    async with in_process(endpoint_of(desk, trusted_proxies=trusted)) as client:
        answer = await client.post("/callbacks/acme", content=body, headers=headers)
    assert answer.status_code == 200
    return ProbeAnswer.model_validate_json(answer.content)


async def test_what_arrives_unchanged_is_said_to_be_and_nothing_is_kept(desk: Desk) -> None:
    said = await asked(desk, probe(desk))

    assert (said.is_body_unchanged, said.missing, said.changed) == (True, (), ())
    assert abs(datetime.now(UTC) - said.received_at) < timedelta(seconds=5)
    assert (await desk.names(), desk.verifications.calls) == ([], 0)


async def test_what_was_changed_and_removed_is_named_without_a_value(desk: Desk) -> None:
    changed = await asked(desk, {**probe(desk), "x-note": "of another"}, body=BODY + b"\n")
    removed = await asked(desk, {HEADER: probe(desk)[HEADER]})

    assert (changed.is_body_unchanged, changed.missing, changed.changed) == (False, (), ("x-note",))
    assert (removed.is_body_unchanged, removed.missing, removed.changed) == (True, ("x-note",), ())


@pytest.mark.parametrize("age", [timedelta(hours=1, minutes=1), timedelta(hours=-1, minutes=-1)])
async def test_a_probe_is_good_for_an_hour(desk: Desk, age: timedelta) -> None:
    async with in_process(endpoint_of(desk)) as client:
        answer = await client.post("/callbacks/acme", content=BODY, headers=probe(desk, at=datetime.now(UTC) - age))

    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize("sealed", ["", "junk", "é", "A" * 8000])
async def test_to_a_stranger_the_header_does_nothing(desk: Desk, sealed: str) -> None:
    others = probe(desk, digester=Digester(b"the key of another installation"))[HEADER]
    async with in_process(endpoint_of(desk)) as client:
        answers = [
            await client.post("/callbacks/acme", content=BODY, headers={HEADER.encode(): value.encode()})
            for value in (sealed, others)
        ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(401, b"")] * 2


async def test_a_body_over_the_limit_is_refused_with_a_probe_too(desk: Desk) -> None:
    async with in_process(endpoint_of(desk)) as client:
        answer = await client.post("/callbacks/acme", content=bytes(2 * 1024 * 1024 + 1), headers=probe(desk))

    assert answer.status_code == 413


async def test_a_proxy_that_names_the_sender_and_that_the_settings_do_not_name_is_said(desk: Desk) -> None:
    behind = {**probe(desk), "X-Forwarded-For": "198.51.100.7"}
    here = (ip_network("127.0.0.1/32"),)

    assert (await asked(desk, behind)).is_behind_unnamed_proxy
    assert not (await asked(desk, behind, trusted=here)).is_behind_unnamed_proxy
    assert not (await asked(desk, probe(desk))).is_behind_unnamed_proxy
