"""What a signature proves, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from vigil.domain.terms import Proof
from vigil.providers.contract import CallbackRequest, GenuineRequest
from vigil.providers.smile_id.signature import Signatures, parse_timestamp, prove_signed

DEMO = "demo-key-not-real-0001"
OTHER = "c0ffee00-1111-4222-8333-444455556666"
VECTORS = [
    pytest.param(DEMO, "085", "2026-01-15T09:30:00.000Z", "jKHTyQs+QgfdTRs1LBZgQup9TItTYw4N4gxeeCONMc8=", id="A"),
    pytest.param(DEMO, "85", "2026-01-15T09:30:00.000Z", "uuJJ91mtgO3EIEj899XLR0HQpc9YwO3c/vmgcjhWFI4=", id="B"),
    pytest.param(
        DEMO, "2041", "2026-01-15T09:30:00.123456+00:00", "sCPX4/jiOTUDXe9m/J7d8836sOXqAbMyokDbtmjXUh4=", id="C"
    ),
    pytest.param(DEMO, "2041", "2026-01-15T09:30:00.123Z", "V6zw30QsRSKjlyBIWoJQSWyGbxh7LiWpGz+Sr60vEFU=", id="D"),
    pytest.param(DEMO, "2041", "1768469400123", "DwA6QPDyTmw6by0OYZkpibhsHHalElglhX7lxe7H9pI=", id="E"),
    pytest.param(OTHER, "2041", "2026-03-02T18:05:09.250Z", "xonWOCxBkVgD5H6zlnpkME7g9ZadNNJ1UQcxD98lG3M=", id="F"),
    pytest.param(DEMO, "2041", "2026-01-15 09:30:00 +0000", "wbWlV7YDhz0HKM9pXpUOzVNl13mMTglFtmGQevtJiw8=", id="G"),
]
A, B = VECTORS[0].values, VECTORS[1].values


def signatures(partner_id: str, *keys: str) -> Signatures:
    return Signatures(partner_id, tuple(map(SecretStr, keys or (DEMO,))))


@pytest.mark.parametrize(("key", "partner_id", "timestamp", "signature"), VECTORS)
def test_the_formula_is_the_vendors(key: str, partner_id: str, timestamp: str, signature: str) -> None:
    ours = signatures(partner_id, key)

    assert ours.sign(timestamp) == signature
    assert ours.verify(timestamp, signature)


@pytest.mark.parametrize(("key", "partner_id", "timestamp", "signature"), VECTORS)
def test_another_key_another_time_or_another_partner_does_not_fit(
    key: str, partner_id: str, timestamp: str, signature: str
) -> None:
    assert not signatures(partner_id, key + "x").verify(timestamp, signature)
    assert not signatures(partner_id, key).verify(timestamp + " ", signature)
    assert not signatures(partner_id + "0", key).verify(timestamp, signature)
    assert not signatures(partner_id, key).verify(timestamp, signature + "\n")


@pytest.mark.parametrize("configured", ["085", "85"])
@pytest.mark.parametrize(("key", "partner_id", "timestamp", "signature"), [A, B])
def test_an_id_fits_with_and_without_its_zeros(
    configured: str, key: str, partner_id: str, timestamp: str, signature: str
) -> None:
    assert signatures(configured, key).verify(timestamp, signature)


def test_we_sign_with_the_id_as_it_is_configured_and_the_key_that_is_asked_for() -> None:
    assert signatures("085").sign("2026-01-15T09:30:00.000Z") == A[3]
    assert signatures("85").sign("2026-01-15T09:30:00.000Z") == B[3]
    assert signatures("2041", "another", OTHER).sign("2026-03-02T18:05:09.250Z", key=1) == VECTORS[5].values[3]


@pytest.mark.parametrize("keys", [(DEMO, OTHER), (OTHER, DEMO)])
def test_both_live_keys_fit(keys: tuple[str, str]) -> None:
    assert signatures("085", *keys).verify("2026-01-15T09:30:00.000Z", str(A[3]))


@pytest.mark.parametrize("presented", [None, "", "é", "\ud800", "0" * 64])
def test_what_is_no_signature_is_refused_and_does_not_raise(presented: str | None) -> None:
    assert not signatures("2041").verify("2026-01-15T09:30:00.000Z", presented)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T09:30:00.000Z", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("2026-01-15T09:30:00.123456+00:00", datetime(2026, 1, 15, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-01-15T10:30:00+01:00", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("2026-01-15 09:30:00 +0000", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("2026-01-15 11:30:00 +0200", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("1768469400123", datetime(2026, 1, 15, 9, 30, 0, 123000, tzinfo=UTC)),
        ("1768469400", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("17684694001234", None),
        ("2026-13-45 99:30:00 +0000", None),
    ],
)
def test_times_are_read_in_every_form_that_libraries_write(text: str, expected: datetime | None) -> None:
    assert parse_timestamp(text) == expected


SIGNED_AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "proof"),
    [
        (timedelta(0), Proof.UNBOUND),
        (timedelta(minutes=15), Proof.UNBOUND),
        (timedelta(minutes=15, seconds=1), Proof.STALE),
        (timedelta(days=30), Proof.STALE),
        (timedelta(minutes=-15), Proof.UNBOUND),
        (timedelta(minutes=-16), Proof.STALE),
    ],
)
def test_a_signature_is_stale_a_quarter_of_an_hour_from_its_time(age: timedelta, proof: Proof) -> None:
    proven = prove("2026-01-15T09:30:00.000Z", received_at=SIGNED_AT + age)

    assert proven.proof is proof
    assert (proven.signature is None) is (proof is Proof.STALE)


def test_a_signature_whose_time_cannot_be_read_is_stale() -> None:
    assert prove("this morning", received_at=SIGNED_AT).proof is Proof.STALE


def prove(timestamp: str, *, received_at: datetime) -> GenuineRequest:
    request = CallbackRequest("smile", None, {}, b"{}", received_at=received_at)
    return prove_signed(request, timestamp, "its signature", kept_body=b"{}")
