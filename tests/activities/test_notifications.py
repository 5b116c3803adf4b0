"""What a backend is told of a verdict, and where it is told: over real sockets."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from obstore.store import MemoryStore
from standardwebhooks import Webhook, WebhookVerificationError
from temporalio.exceptions import ApplicationErrorCategory
from temporalio.service import RPCError, RPCStatusCode

from activities.notifications import Bookkeeping, Endpoint, NotificationActivities
from tests.activities.attempts import NOW, Attempts
from tests.activities.backend import Answer, Backend
from vigil.domain.notification import NotificationRow, NotificationState
from vigil.domain.terms import Decision, Outcome, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.outbound_http import certificates
from vigil.storage.contract import Storage
from vigil.storage.notifications import NotificationRows
from vigil.storage.object_store import ObjectStorage
from vigil.temporal import messages

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOTIFY = messages.Notification(
    endpoint="checkout",
    message_id="acme/v-1/2",
    key=VerificationKey(account="acme", reference="v-1"),
    path="acme/v-1",
    revision=2,
    sequence=7,
    stage=Stage.CONCLUDED,
    decision=Decision.DECLINED,
    outcome=Outcome.DECIDED,
    at=datetime(2031, 3, 4, 9, 5, tzinfo=UTC),
    applicant="customer-7",
)


@pytest_asyncio.fixture
async def backend() -> AsyncIterator[Backend]:
    async with Backend().listening() as backend:
        yield backend


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=certificates(), timeout=httpx.Timeout(30, read=1), trust_env=False) as client:
        yield client


class Resolver:
    """Answers the n-th question with the n-th address, and all further ones with the last."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return [self._addresses[min(len(self.asked), len(self._addresses)) - 1]]


@dataclass
class Books:
    """Where notifications are noted: a storage, and a verification that takes reports after some failures."""

    storage: Storage = field(default_factory=lambda: ObjectStorage(MemoryStore()))
    reported: list[NotificationRow] = field(default_factory=list)
    failures: int = 0

    async def report(self, key: VerificationKey, row: NotificationRow) -> None:
        if self.failures:
            self.failures -= 1
            raise RPCError("a secret", RPCStatusCode.UNAVAILABLE, b"")
        self.reported.append(row)

    async def list(self) -> list[dict[str, object]]:
        return [row.model_dump(mode="json") for row in await NotificationRows(self.storage).list("acme/v-1")]


def notifying(
    http: httpx.AsyncClient,
    url: str,
    *,
    secrets: tuple[str, ...] = (SECRET,),
    allow_private: bool = True,
    resolver: Resolver | None = None,
    books: Books | None = None,
) -> NotificationActivities:
    books = books or Books()
    bookkeeping = Bookkeeping(NotificationRows(books.storage), books.report, timedelta(minutes=15))
    endpoint = Endpoint(name="checkout", url=url, secrets=secrets, allow_private=allow_private)
    if resolver is None:
        return NotificationActivities({"checkout": endpoint}, http, bookkeeping)
    return NotificationActivities({"checkout": endpoint}, http, bookkeeping, resolve=resolver)


# ---------------------------------------------------------------- what it is told


async def test_a_notification_is_thin_and_says_exactly_this(backend: Backend, http: httpx.AsyncClient) -> None:
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/hooks")

    await Attempts().next(activities.send_notification, NOTIFY)

    told = backend.told[0]
    assert told.json == {
        "type": "verification.revised",
        "version": 1,
        "timestamp": "2031-03-04T09:05:00+00:00",
        "data": {
            "account": "acme",
            "reference": "v-1",
            "applicant": "customer-7",
            "revision": 2,
            "sequence": 7,
            "stage": "concluded",
            "decision": "declined",
            "outcome": "decided",
        },
    }
    assert told.headers["webhook-id"] == "acme/v-1/2"
    assert told.headers["content-type"] == "application/json"


@pytest.mark.parametrize("held_by_backend", [SECRET, NEW_SECRET])
async def test_a_backend_verifies_it_with_either_secret_of_a_rotation(
    backend: Backend, http: httpx.AsyncClient, held_by_backend: str
) -> None:
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/", secrets=(NEW_SECRET, SECRET))

    await Attempts().next(activities.send_notification, NOTIFY)

    told = backend.told[0]
    assert Webhook(held_by_backend).verify(told.body.decode(), told.headers)["data"]["revision"] == 2


async def test_nobody_else_could_have_sent_or_changed_it(backend: Backend, http: httpx.AsyncClient) -> None:
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/")

    await Attempts().next(activities.send_notification, NOTIFY)

    told = backend.told[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW_SECRET).verify(told.body.decode(), told.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(told.body.decode().replace("declined", "approved"), told.headers)


async def test_a_repeat_is_the_same_message(backend: Backend, http: httpx.AsyncClient) -> None:
    backend.answers.append(500)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/")
    attempts = Attempts()

    await attempts.fails(activities.send_notification, NOTIFY)
    sent = await attempts.next(activities.send_notification, NOTIFY)

    assert (sent.result, sent.attempts) == ("delivered", 2)
    first, second = backend.told
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


# ---------------------------------------------------------------- what its answer means


@pytest.mark.parametrize("answer", [200, 201, 202, 204, 299, "drip"])
async def test_any_2xx_is_delivered(backend: Backend, http: httpx.AsyncClient, answer: Answer) -> None:
    backend.answers.append(answer)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/")

    sent = await Attempts().next(activities.send_notification, NOTIFY)

    assert sent == messages.NotificationResult(result="delivered", attempts=1)


async def test_410_ends_it(backend: Backend, http: httpx.AsyncClient) -> None:
    backend.answers.append(410)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/")

    sent = await Attempts().next(activities.send_notification, NOTIFY)

    assert sent == messages.NotificationResult(result="gone", attempts=1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (302, "endpoint_answered_302"),
        (307, "endpoint_answered_307"),
        (400, "endpoint_answered_400"),
        (401, "endpoint_answered_401"),
        (404, "endpoint_answered_404"),
        (429, "endpoint_answered_429"),
        (500, "endpoint_answered_500"),
        (503, "endpoint_answered_503"),
        ("silence", "endpoint_unreachable"),
        ("hang up", "endpoint_unreachable"),
    ],
)
async def test_it_is_sent_again_after(backend: Backend, http: httpx.AsyncClient, answer: Answer, code: str) -> None:
    backend.answers.append(answer)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/hooks")

    error = await Attempts().fails(activities.send_notification, NOTIFY)

    assert (error.type, error.next_retry_delay) == (code, None)
    assert error.category is ApplicationErrorCategory.BENIGN
    assert [told.target for told in backend.told] == ["POST /hooks"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/", "endpoint_unreachable"),
        ("http://no-such-host.invalid/", "endpoint_unreachable"),
    ],
)
async def test_a_backend_that_cannot_be_reached_is_tried_again(http: httpx.AsyncClient, url: str, code: str) -> None:
    error = await Attempts().fails(notifying(http, url).send_notification, NOTIFY)

    assert error.type == code


async def test_an_endpoint_that_is_not_configured_is_tried_again(backend: Backend, http: httpx.AsyncClient) -> None:
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/")

    error = await Attempts().fails(activities.send_notification, NOTIFY.model_copy(update={"endpoint": "elsewhere"}))

    assert error.type == "endpoint_not_configured"
    assert backend.connections == 0


# ---------------------------------------------------------------- where it is told


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "::",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
    ],
)
async def test_a_private_address_is_refused(backend: Backend, http: httpx.AsyncClient, address: str) -> None:
    resolver = Resolver(address)
    url = f"http://backend.example:{backend.port}/"

    error = await Attempts().fails(
        notifying(http, url, allow_private=False, resolver=resolver).send_notification, NOTIFY
    )

    assert error.type == "endpoint_is_private"
    assert backend.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_name_or_number_is_refused_by_the_machines_own_resolver(
    backend: Backend, http: httpx.AsyncClient, host: str
) -> None:
    activities = notifying(http, f"http://{host}:{backend.port}/", allow_private=False)

    error = await Attempts().fails(activities.send_notification, NOTIFY)

    assert error.type == "endpoint_is_private"
    assert backend.connections == 0


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    backend: Backend, http: httpx.AsyncClient
) -> None:
    # The second answer would lead elsewhere, and the name is known to nobody else.
    resolver = Resolver("127.0.0.1", "127.0.0.2")
    activities = notifying(http, f"http://backend.example:{backend.port}/", resolver=resolver)

    sent = await Attempts().next(activities.send_notification, NOTIFY)

    assert sent.result == "delivered"
    assert resolver.asked == ["backend.example"]
    assert backend.told[0].headers["host"] == f"backend.example:{backend.port}"


async def test_every_attempt_asks_for_the_address_anew(backend: Backend, http: httpx.AsyncClient) -> None:
    resolver = Resolver("127.0.0.1", "10.0.0.1")
    url = f"http://backend.example:{backend.port}/"
    backend.answers.append(500)
    moved = notifying(http, url, resolver=resolver)
    attempts = Attempts()

    await attempts.fails(moved.send_notification, NOTIFY)
    strict = notifying(http, url, resolver=resolver, allow_private=False)
    error = await attempts.fails(strict.send_notification, NOTIFY)

    assert error.type == "endpoint_is_private"
    assert len(backend.told) == 1


async def test_port_path_and_query_are_kept(backend: Backend, http: httpx.AsyncClient) -> None:
    url = f"http://backend.example:{backend.port}/hooks/a%20b?tenant=1&x=%2F"
    activities = notifying(http, url, resolver=Resolver("127.0.0.1"))

    await Attempts().next(activities.send_notification, NOTIFY)

    assert backend.told[0].target == "POST /hooks/a%20b?tenant=1&x=%2F"


async def test_an_ipv6_address_is_called_as_it_stands(http: httpx.AsyncClient) -> None:
    async with Backend().listening("::1") as backend:
        activities = notifying(http, f"http://[::1]:{backend.port}/hooks")

        sent = await Attempts().next(activities.send_notification, NOTIFY)

    assert sent.result == "delivered"
    assert backend.told[0].headers["host"] == f"[::1]:{backend.port}"


async def test_two_names_at_one_address_never_share_a_connection(backend: Backend, http: httpx.AsyncClient) -> None:
    for name in ("one", "two"):
        url = f"http://{name}.example:{backend.port}/"
        activities = notifying(http, url, resolver=Resolver("127.0.0.1"))
        await Attempts().next(activities.send_notification, NOTIFY)

    assert backend.connections == 2


# ---------------------------------------------------------------- what operators see of it


async def test_a_delivery_is_stored_with_its_attempts(backend: Backend, http: httpx.AsyncClient) -> None:
    books, attempts = Books(), Attempts()
    backend.answers.append(503)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/", books=books)

    await attempts.fails(activities.send_notification, NOTIFY)
    pending = await books.list()
    await attempts.next(activities.send_notification, NOTIFY, at=NOW + timedelta(seconds=5))

    assert pending == []
    assert await books.list() == [
        {
            "endpoint": "checkout",
            "revision": 2,
            "of_completion": False,
            "state": "delivered",
            "attempts": 2,
            "answer": None,
            "at": "2031-03-04T09:00:05Z",
            "next_at": None,
        }
    ]


async def test_one_that_fails_for_a_quarter_of_an_hour_is_reported_with_the_last_answer(
    backend: Backend, http: httpx.AsyncClient
) -> None:
    books, attempts = Books(), Attempts()
    backend.answers.extend([503, 500])
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/", books=books)

    await attempts.fails(activities.send_notification, NOTIFY, at=NOW + timedelta(minutes=14))
    early = list(books.reported)
    await attempts.fails(activities.send_notification, NOTIFY, at=NOW + timedelta(minutes=15))

    assert early == []
    [row] = books.reported
    assert (row.state, row.attempts, row.answer) == (NotificationState.PENDING, 2, "endpoint_answered_500")


async def test_an_endpoint_that_is_gone_is_settled_as_such(backend: Backend, http: httpx.AsyncClient) -> None:
    books = Books()
    backend.answers.append(410)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/", books=books)

    sent = await Attempts().next(activities.send_notification, NOTIFY)

    [row] = books.reported
    assert sent.result == "gone"
    assert (row.state, row.answer) == (NotificationState.GONE, "endpoint_answered_410")
    assert [(each["state"], each["answer"]) for each in await books.list()] == [("gone", "endpoint_answered_410")]


async def test_after_five_days_it_is_given_up_and_not_silent(backend: Backend, http: httpx.AsyncClient) -> None:
    books, attempts = Books(), Attempts()
    backend.answers.extend([503, 503])
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/", books=books)

    await attempts.fails(activities.send_notification, NOTIFY, at=NOW + timedelta(days=4, hours=22))
    sent = await attempts.next(activities.send_notification, NOTIFY, at=NOW + timedelta(days=4, hours=23))

    assert (sent.result, sent.attempts) == ("given_up", 2)
    assert [row.state for row in books.reported] == [NotificationState.PENDING, NotificationState.GIVEN_UP]
    assert [(each["state"], each["answer"]) for each in await books.list()] == [("given_up", "endpoint_answered_503")]


async def test_a_delivery_that_cannot_be_reported_is_not_sent_twice(backend: Backend, http: httpx.AsyncClient) -> None:
    books = Books(failures=9)
    activities = notifying(http, f"http://127.0.0.1:{backend.port}/", books=books)

    sent = await Attempts().next(activities.send_notification, NOTIFY)

    assert (sent.result, len(backend.told)) == ("delivered", 1)
