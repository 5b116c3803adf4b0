"""Notifications at a backend: which are taken, and which of two is the newer."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from standardwebhooks import Webhook

from vigil_client import Client, Newest, NotificationRefused, unwrap

OLD = "whsec_" + base64.b64encode(b"the old secret of checkout").decode()
NEW = "whsec_" + base64.b64encode(b"the new secret of checkout").decode()
BODY = (
    '{"type":"verification.revised","version":1,"timestamp":"2026-11-28T12:00:00+00:00","data":{"account":"id360",'
    '"reference":"4711","applicant":"order-7","revision":1,"sequence":%d,"stage":"concluded","decision":"approved",'
    '"outcome":"decided","a_field_of_tomorrow":true}}'
)


def signed(body: str, *secrets: str, age: timedelta = timedelta()) -> Mapping[str, str]:
    at = datetime.now(UTC) - age
    signatures = " ".join(Webhook(secret).sign("id360/4711/1", at, body) for secret in secrets)
    headers = {"Webhook-Id": "id360/4711/1", "Webhook-Signature": signatures}
    return {**headers, "Webhook-Timestamp": str(int(at.timestamp()))}


@pytest.mark.parametrize(("ours", "theirs"), [((OLD,), (OLD, NEW)), ((NEW,), (OLD, NEW)), ((OLD, NEW), (NEW,))])
def test_while_secrets_change_either_side_may_be_first(ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    body = BODY % 4

    notification = unwrap(body.encode(), signed(body, *theirs), ours)

    assert (notification.type, notification.data.applicant, notification.data.decision) == (
        "verification.revised",
        "order-7",
        "approved",
    )
    assert (notification.key.account, notification.key.reference) == ("id360", "4711")


def good(**changed: str) -> Mapping[str, str]:
    return {**signed(BODY % 4, OLD), **{f"Webhook-{name.title()}": value for name, value in changed.items()}}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ((BODY % 5).encode(), good),
        ((BODY % 4).encode(), partial(signed, BODY % 4, NEW)),
        ((BODY % 4).encode(), partial(signed, BODY % 4, OLD, age=timedelta(minutes=6))),
        ((BODY % 4).encode(), dict),
        ((BODY % 4).encode(), partial(good, signature="v1")),
        ((BODY % 4).encode(), partial(good, signature="v1,not base64!")),
        ((BODY % 4).encode(), partial(good, timestamp="yesterday")),
        (b"\xff\xfe", good),
        (b"[]", partial(signed, "[]", OLD)),
        (b"not json", partial(signed, "not json", OLD)),
        (
            b'{"type":"verification.revised","version":2}',
            partial(signed, '{"type":"verification.revised","version":2}', OLD),
        ),
    ],
    ids=[
        "altered",
        "other secret",
        "old",
        "unsigned",
        "half",
        "no base64",
        "no time",
        "no text",
        "list",
        "no json",
        "v2",
    ],
)
def test_what_vigil_did_not_sign_in_this_form_is_refused(body: bytes, headers: Callable[[], Mapping[str, str]]) -> None:
    # Signed now: a signature is too old after five minutes, and then every case would be refused for that.
    with pytest.raises(NotificationRefused):
        unwrap(body, headers(), (OLD,))


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no-base64!", "whsec_abcde"])
def test_a_secret_of_the_wrong_form_is_an_error_that_says_the_form(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64 of 24 to 64 bytes"):
        unwrap((BODY % 4).encode(), good(), (secret,))


def test_a_client_without_a_secret_says_where_to_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="VIGIL_WEBHOOK_SECRET"):
        Client("http://vigil.test").unwrap(BODY % 4, good())
    monkeypatch.setenv("VIGIL_WEBHOOK_SECRET", f"{NEW} {OLD}")

    assert Client("http://vigil.test").unwrap(BODY % 4, signed(BODY % 4, OLD)).data.sequence == 4


def test_only_what_is_newer_than_everything_before_it_is_new() -> None:
    newest = Newest()
    sequences = (4, 9, 9, 5, 12)
    found = [newest.is_new(unwrap(BODY % each, signed(BODY % each, OLD), (OLD,))) for each in sequences]

    assert found == [True, True, False, False, True]
    assert list(newest.sequences.values()) == [12]
