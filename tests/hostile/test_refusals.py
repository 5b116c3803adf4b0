"""A stranger's refused callbacks: they hide no other refusal, and they fill no disk."""

import gzip
from pathlib import Path

from tests.api.conftest import endpoint_of, in_process
from tests.api.fakes import Acme, Desk, account_of


async def test_seventy_callbacks_for_invented_accounts_hide_no_refusal_of_a_real_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with in_process(endpoint_of(desk)) as client:
        for number in range(70):
            assert (await client.post(f"/callbacks/invented-{number}", content=b"{}")).status_code == 401
        for _ in range(3):
            assert (await client.post("/callbacks/acme", content=b"{}")).status_code == 401
    listed = await desk.inbox.refusals(100)

    assert [(each.account, each.reason) for each in listed] == [("acme", "wrong_header")] * 3
    assert refused(desk, "unknown", "unknown_account") == 70


async def test_a_flood_for_one_account_hides_no_refusal_of_another_or_for_another_reason(tmp_path: Path) -> None:
    accounts = [
        account_of(Acme("acme")),
        account_of(Acme("other")),
        account_of(Acme("near"), allowed_sources=["10.0.0.0/8"]),
    ]
    desk = Desk(tmp_path, *accounts)
    async with in_process(endpoint_of(desk)) as client:
        for _ in range(100):
            await client.post("/callbacks/acme", content=b"{}")
        for account in ("other", "near"):
            await client.post(f"/callbacks/{account}", content=b"{}")
    listed = [(each.account, each.reason) for each in await desk.inbox.refusals(500)]

    assert listed == [("near", "source_not_allowed"), ("other", "wrong_header"), *[("acme", "wrong_header")] * 60]
    assert refused(desk, "acme", "wrong_header") == 100


def refused(desk: Desk, account: str, reason: str) -> float | None:
    labels = {"account": account, "reason": reason}
    return desk.metrics.registry.get_sample_value("vigil_callback_refusals_total", labels)


async def test_a_bomb_in_gzip_is_refused_like_the_body_that_it_would_become_and_listed_with_its_account(
    tmp_path: Path,
) -> None:
    """Two kilobytes that become two mebibytes and one byte, twice as coded as they seem."""
    desk = Desk(tmp_path)
    bomb = gzip.compress(gzip.compress(b" " * (2 * 1024 * 1024 + 1)))
    headers = {"x-secret": "right", "content-encoding": "gzip, gzip"}
    async with in_process(endpoint_of(desk)) as client:
        answers = [await client.post("/callbacks/acme", content=bomb, headers=headers) for _ in range(3)]
        unknown = await client.post("/callbacks/nobody", content=bomb, headers=headers)

    assert len(bomb) < 1000
    assert [each.status_code for each in (*answers, unknown)] == [413] * 4
    assert [(each.account, each.reason) for each in await desk.inbox.refusals(9)] == [("acme", "too_large")] * 3
    assert refused(desk, "unknown", "too_large") == 1
