"""A backend's own tests. Nothing runs beside them: no Vigil, no Temporal, no provider, no network."""

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest
from checkout import follow, receive

from vigil_client import Newest, NotificationRefused, NotYet, Verification
from vigil_client.testing import AsgiApp, FakeVigil, Person


def application(vigil: FakeVigil, decisions: list[str | None]) -> AsgiApp:
    """Return the backend's ASGI application; any framework's application takes its place."""
    client, newest = vigil.client(), Newest()

    async def app(scope, receive_part, send) -> None:  # type: ignore[no-untyped-def]
        part = await receive_part()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        decisions.append(receive(client, newest, part["body"], headers))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.fixture
def decisions(vigil: FakeVigil) -> list[str | None]:
    """The decisions of which the backend was notified."""
    made: list[str | None] = []
    vigil.add_endpoint("checkout", application(vigil, made), "/webhooks/vigil")
    return made


def test_a_decision_is_awaited_and_its_files_are_saved(
    vigil: FakeVigil, decisions: list[str | None], tmp_path: Path
) -> None:
    client = vigil.client()
    known = client.register("id360", "4711", applicant="order-7", notify=["checkout"])
    vigil.add_file("id360", "4711", "portrait-1", b"a portrait")
    vigil.set_person("id360", "4711", Person(given_name="Ada", birthdate=date(1815, 12, 10)))
    vigil.decide("id360", "4711", "declined", reasons=["face_mismatch"], after=timedelta(minutes=2))

    found = follow(client, "id360", "4711", {}, tmp_path)
    vigil.post_notifications_sync()

    assert (found.outcome, found.decision) == ("decided", "declined")
    assert found.record is not None
    assert [reason.code for reason in found.record.reasons] == ["face_mismatch"]
    assert (tmp_path / "portrait-1.png").read_bytes() == b"a portrait"
    person = client.claims(known).person
    assert (person.full_name, person.birthdate) == ("Ada", date(1815, 12, 10))
    assert decisions == ["declined"]


def test_a_lost_callback_delays_the_decision_and_loses_nothing(vigil: FakeVigil, decisions: list[str | None]) -> None:
    client = vigil.client()
    known = client.register("id360", "4711", notify=["checkout"])
    vigil.lose_callback()
    vigil.decide("id360", "4711", "approved")

    with pytest.raises(NotYet):
        client.wait(known, within=timedelta(minutes=5))
    vigil.move_time(timedelta(minutes=15))

    assert client.get(known).decision == "approved"


def test_a_notification_that_comes_twice_counts_once(vigil: FakeVigil, decisions: list[str | None]) -> None:
    vigil.client().register("id360", "4711", notify=["checkout"])
    vigil.decide("id360", "4711", "approved")
    vigil.post_notifications_sync()
    vigil.repeat_notifications()
    vigil.post_notifications_sync()

    assert decisions == ["approved", None]


def test_a_verdict_that_is_taken_back_is_notified_too(vigil: FakeVigil, decisions: list[str | None]) -> None:
    vigil.client().register("identomat", "a-session", notify=["checkout"])
    vigil.decide("identomat", "a-session", "approved")
    vigil.reopen("identomat", "a-session")
    vigil.decide("identomat", "a-session", "declined")
    vigil.post_notifications_sync()

    assert decisions == ["approved", None, "declined"]


def test_a_request_that_vigil_did_not_sign_is_refused(vigil: FakeVigil) -> None:
    with pytest.raises(NotificationRefused):
        vigil.client().unwrap(b"{}", {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"})


def test_asynchronous_code_waits_in_the_time_of_the_fake(vigil: FakeVigil) -> None:
    async def follow_two_weeks() -> Verification:
        async with vigil.async_client() as client:
            known = await client.register("smile", "job-1", coordinates={"user_id": "order-7", "job_type": "1"})
            vigil.end("smile", "job-1", "expired", after=timedelta(days=13))
            return await client.wait(known, within=timedelta(days=14))

    found = asyncio.run(follow_two_weeks())

    assert (found.outcome, found.decision) == ("expired", None)


def test_an_outage_of_vigil_is_survived(vigil: FakeVigil) -> None:
    vigil.fail_next(503, retry_after=5)

    assert vigil.client().register("id360", "4711").registered == "started"
