"""Which messages may be sent: for verifications that exist, and within budgets that all processes share."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.service import RPCError, RPCStatusCode

from activities.message_admission import AccountRules, MessageAdmission
from tests.messages import NUMBER, TEXT
from tests.world import SaidReader
from vigil.domain.digest import Digester
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.message import MessageKind, MessageRequest
from vigil.domain.situation import Situation
from vigil.domain.verification_key import VerificationKey, seal_key
from vigil.messaging.contract import SendResult, refused
from vigil.messaging.settings import MessageLimits
from vigil.providers.contract import DelegatedMessage, ProviderResponse
from vigil.storage.contract import StorageUnavailable
from vigil.storage.folder import FolderStorage

NOW = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
SMALL = MessageLimits(per_verification=2, per_receiver_and_hour=2, per_account_and_minute=4)


class Rules:
    """The admission of one process, with a provider that answers as a test wants and a clock that it sets."""

    def __init__(self, folder: Path, limits: MessageLimits = SMALL) -> None:
        self.now = NOW
        self.reader = SaidReader()
        self.error: RPCError | None = None
        rules = {name: AccountRules(self.reader, {"id.example.com"}) for name in ("acme", "other")}
        storage, digester = FolderStorage(folder), Digester(b"a key")
        self.admission = MessageAdmission(rules, self.describe, storage, digester, limits, now=lambda: self.now)

    async def describe(self, key: VerificationKey) -> Situation | None:
        if self.error is not None:
            raise self.error
        return None

    async def ask(self, reference: str, to: str = NUMBER, text: str = TEXT, account: str = "acme") -> str | None:
        """Ask for a message. Return why it is refused; None if it may be sent."""
        answer = await self.refusal(reference, to, text, account)
        return answer.why if answer else None

    async def refusal(
        self, reference: str, to: str = NUMBER, text: str = TEXT, account: str = "acme"
    ) -> SendResult | None:
        kind = MessageKind.ONE_TIME_PASSWORD
        request = MessageRequest(
            key=VerificationKey(account=account, reference=reference),
            path=f"{account}/{reference}",
            kind=kind,
            digest="a" * 26,
            received_at=NOW,
            send_before=NOW + timedelta(minutes=2),
        )
        return await self.admission.refuse(request, DelegatedMessage(kind, reference, to, text), to)


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(tmp_path)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (None, None),
        (ProviderResponse(snapshot=None), refused("verification_unknown")),
        (ReferenceUnknown("SESSION_NOT_FOUND"), refused("verification_unknown")),
        (ProviderUnavailable("http_503"), refused("verification_not_read", may_heal=True)),
        (ProviderRefusesUs("http_401"), refused("verification_not_read")),
    ],
)
async def test_an_unregistered_verification_gets_a_message_if_the_provider_says_that_it_exists(
    rules: Rules, says: ProviderResponse | ProviderError | None, expected: SendResult | None
) -> None:
    rules.reader.says = says or rules.reader.says

    assert await rules.refusal("v-1") == expected
    assert rules.reader.reads == 1


async def test_the_provider_is_asked_by_its_own_reference_where_the_request_has_a_sealed_one(rules: Rules) -> None:
    sealed = seal_key(VerificationKey(account="acme", reference="abtq2tm98bv2w74j"), Digester(b"a key"))

    assert await rules.refusal(sealed.reference) is None
    assert [asked.key.reference for asked in rules.reader.asked] == ["abtq2tm98bv2w74j"]


async def test_while_temporal_is_away_nothing_is_sent_and_another_attempt_is_made(rules: Rules) -> None:
    rules.error = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    assert await rules.refusal("v-1") == refused("temporal_unavailable", may_heal=True)


async def test_while_the_storage_is_away_nothing_is_sent_and_another_attempt_is_made(tmp_path: Path) -> None:
    class Away(FolderStorage):
        async def list(self, prefix: str, *, after: str | None = None, limit: int = 1000) -> list[str]:
            raise StorageUnavailable(prefix, "as the test wants it")

    rules = Rules(tmp_path)
    rules.admission = MessageAdmission(
        {"acme": AccountRules(rules.reader, ())}, rules.describe, Away(tmp_path), Digester(b"a key"), SMALL
    )

    assert await rules.refusal("v-1") == refused("storage_unavailable", may_heal=True)


async def test_a_verification_has_its_messages_for_ever(rules: Rules) -> None:
    answers = []
    for hour in range(3):
        rules.now = NOW + timedelta(days=hour)
        answers.append(await rules.ask("v-1", to=f"+4915112345{hour}"))

    assert answers == [None, None, "verification_limit"]


async def test_a_receiver_has_so_many_an_hour_however_the_number_is_written(rules: Rules) -> None:
    spelled = ["+12025550147", "+1 (202) 555-0147", "001 202 555 0147"]
    answers = [await rules.ask(f"v-{number}", to=to) for number, to in enumerate(spelled)]
    rules.now = NOW + timedelta(hours=1)

    assert answers == [None, None, "receiver_limit"]
    assert await rules.ask("v-3") is None


async def test_an_account_has_so_many_a_minute_and_a_message_may_wait_for_the_next(rules: Rules) -> None:
    answers = [await rules.refusal(f"v-{number}", to=f"+4915112345{number}") for number in range(5)]
    other = await rules.ask("v-9", to="+49151999", account="other")
    rules.now = NOW + timedelta(minutes=1)

    assert answers == [None] * 4 + [refused("account_limit", may_heal=True)]
    assert other is None
    assert await rules.ask("v-5", to="+491511234599") is None


async def test_two_processes_together_send_no_more_than_one_may(tmp_path: Path) -> None:
    processes = [Rules(tmp_path), Rules(tmp_path)]
    asked = [processes[number % 2].ask(f"v-{number}", to=f"+49151{number:05}") for number in range(20)]
    answers = await asyncio.gather(*asked)

    assert answers.count(None) == 4
    assert answers.count("account_limit") == 16


async def test_a_refused_text_takes_nothing_from_the_budgets_and_reads_nothing(rules: Rules) -> None:
    for _ in range(5):
        assert await rules.ask("v-1", text="Sign in at evil.example") == "foreign_link"

    assert rules.reader.reads == 0
    assert await rules.ask("v-1", text="Sign in at https://id.example.com/s/1") is None
