"""A file comes home whole or not at all, from ID360's socket to storage."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from activities.downloads import DownloadActivities
from tests.activities.attempts import NOW, Attempts
from tests.gate import GatedStorage
from tests.providers.id360.fake_id360 import FakeId360
from tests.providers.id360.samples import report
from tests.providers.raw_server import Answer, HangUp, Response, Stall, json_response
from vigil.domain.account import Account
from vigil.domain.digest import Digester
from vigil.domain.errors import ArtifactNotReady
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import ArtifactState, EvidenceKind, LossReason
from vigil.domain.tracking_plan import HOUR, MINUTE
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import ArtifactStream, ProviderResponse, Reader
from vigil.storage.contract import StorageUnavailable
from vigil.storage.records import result_name
from vigil.temporal import messages

FILE = Artifact(name="id_document_image-0", kind=EvidenceKind.DOCUMENT_FRONT, locator="id_document_image-0")
PICTURE = bytes(range(256)) * 2000
MD5 = hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()
PATH = "/api/1.0.0/document/9/file_contents/"
GOOD = Response(200, PICTURE, {"Content-Type": "image/jpeg"})
SPOILED = Response(200, PICTURE[:-1] + b"?", {"Content-Type": "image/jpeg"})


@pytest.fixture
def downloading(
    accounts: Mapping[str, Account], readers: Mapping[str, Reader], storage: GatedStorage, digester: Digester
) -> DownloadActivities:
    return DownloadActivities(accounts, readers, storage, digester)


class Case:
    """A verification whose report, with one file in it, is kept already."""

    def __init__(self, id360: FakeId360, storage: GatedStorage, folder: Path) -> None:
        self.id360 = id360
        self.storage = storage
        self._drafts = folder / "storage" / ".tmp"

    async def order(self, reference: str = "700102", *, md5: str | None = MD5) -> messages.DownloadInput:
        path = f"id360/{reference}"
        name = result_name(path, "a" * 26)
        files = [{"url": self.id360.link("9"), "hash": md5, "hash_algorithm": "MD5"}]
        document = {"name": "id_document_image", "status": "VALID", "files": files}
        content = json.dumps(report(documents={"identity_document": [document]})).encode()
        await self.storage.put_new(name, content)
        question = ReadRequest(key=VerificationKey(account="id360", reference=reference))
        return messages.DownloadInput(path=path, question=question, artifact=FILE, result=name)

    async def visible(self) -> list[str]:
        """The files that anybody can find, whole or half."""
        named = [name for name in await self.storage.list("") if "/results/" not in name]
        return named + [draft.name for draft in self._drafts.iterdir()]


@pytest.fixture
def case(id360: FakeId360, storage: GatedStorage, tmp_path: Path) -> Case:
    return Case(id360, storage, tmp_path)


def what_became(downloaded: messages.DownloadResult) -> tuple[ArtifactState, str | None]:
    return downloaded.row.state, downloaded.row.loss


async def test_a_file_comes_home_with_its_size_type_and_place(case: Case, downloading: DownloadActivities) -> None:
    case.id360.files["9"] = GOOD
    attempts = Attempts()

    row = (await attempts.next(downloading.download, await case.order())).row

    assert (row.name, row.kind, row.state, row.loss) == (
        "id_document_image-0",
        EvidenceKind.DOCUMENT_FRONT,
        ArtifactState.STORED,
        None,
    )
    assert (row.size, row.media_type, row.at) == (512_000, "image/jpeg", NOW)
    assert row.stored_as == "verifications/id360/700102/artifacts/id_document_image-0"
    assert await case.storage.read(row.stored_as) == PICTURE
    assert attempts.heartbeats >= 1


RETRIED: dict[str, tuple[Answer, str, Any]] = {
    "202": (Response(202), "http_202", MINUTE),
    "204": (Response(204), "http_204", MINUTE),
    "401 twice": (Response(401), "http_401", MINUTE),
    "409": (Response(409), "http_409", None),
    "429": (Response(429), "http_429", None),
    "429 with a short delay": (Response(429, headers={"Retry-After": "120"}), "http_429", 2 * MINUTE),
    "429 with a delay of a day": (Response(429, headers={"Retry-After": "86400"}), "http_429", HOUR),
    "500": (Response(500), "http_500", None),
    "silence": (Stall(), "read_timeout", None),
    "reset": (HangUp(), "connection_lost", None),
    "cut": (Response(200, PICTURE[:-1], announced=len(PICTURE)), "cut_short", None),
    "other bytes": (SPOILED, "hash_mismatch", None),
    "a page": (Response(200, b"<html>", {"Content-Type": "text/html"}), "html", None),
}


@pytest.mark.parametrize(("answer", "code", "after"), RETRIED.values(), ids=RETRIED.keys())
async def test_nothing_is_visible_and_it_is_tried_again_after(
    case: Case, downloading: DownloadActivities, answer: Answer, code: str, after: Any
) -> None:
    case.id360.files["9"] = answer
    order = await case.order()
    attempts = Attempts()

    error = await attempts.fails(downloading.download, order)
    visible = await case.visible()
    case.id360.files["9"] = GOOD
    healed = await attempts.next(downloading.download, order)

    assert (error.type, error.next_retry_delay) == (code, after)
    assert visible == []
    assert what_became(healed) == (ArtifactState.STORED, None)


LOST: dict[str, tuple[Answer, LossReason]] = {
    "403": (Response(403), LossReason.REFUSED),
    "404": (Response(404), LossReason.GONE),
    "410": (Response(410), LossReason.GONE),
    "51 MiB": (Response(200, announced=51 * 1024 * 1024), LossReason.TOO_LARGE),
}


@pytest.mark.parametrize(("answer", "loss"), LOST.values(), ids=LOST.keys())
async def test_a_file_is_lost_at_once_after(
    case: Case, downloading: DownloadActivities, answer: Answer, loss: LossReason
) -> None:
    case.id360.files["9"] = answer

    downloaded = await Attempts().next(downloading.download, await case.order())

    assert what_became(downloaded) == (ArtifactState.LOST, loss)
    assert (downloaded.row.stored_as, downloaded.row.digest, downloaded.row.size) == (None, None, None)
    assert await case.visible() == []


@pytest.mark.parametrize(
    ("answer", "loss"),
    [(SPOILED, LossReason.HASH_MISMATCH), (RETRIED["a page"][0], LossReason.WRONG_TYPE)],
    ids=["other bytes", "a page"],
)
async def test_the_fifth_spoiled_download_is_the_last(
    case: Case, downloading: DownloadActivities, answer: Answer, loss: LossReason
) -> None:
    case.id360.files["9"] = answer
    order = await case.order()
    attempts = Attempts()
    for _ in range(4):
        await attempts.fails(downloading.download, order)

    downloaded = await attempts.next(downloading.download, order)

    assert what_became(downloaded) == (ArtifactState.LOST, loss)
    assert await case.visible() == []


async def test_an_outage_does_not_count_as_a_spoiled_download(case: Case, downloading: DownloadActivities) -> None:
    order = await case.order()
    attempts = Attempts()
    case.id360.files["9"] = Response(503)
    for _ in range(20):
        await attempts.fails(downloading.download, order)
    case.id360.files["9"] = SPOILED

    error = await attempts.fails(downloading.download, order)

    assert error.type == "hash_mismatch"


async def test_a_repeat_after_a_crash_gives_the_same_row(case: Case, downloading: DownloadActivities) -> None:
    case.id360.files["9"] = GOOD
    order = await case.order()
    attempts = Attempts()

    untold = await attempts.next(downloading.download, order)
    repeated = await attempts.next(downloading.download, order)

    assert repeated == untold
    assert await case.visible() == [untold.row.stored_as]


@pytest.mark.parametrize(
    "answer", [Response(404), Response(403), SPOILED, json_response(None)], ids=["404", "403", "spoiled", "other"]
)
async def test_a_file_that_is_stored_is_not_lost_because_a_repeat_fails(
    case: Case, downloading: DownloadActivities, answer: Response
) -> None:
    case.id360.files["9"] = GOOD
    order = await case.order()
    attempts = Attempts()
    untold = await attempts.next(downloading.download, order)
    case.id360.files["9"] = answer

    repeated = await attempts.next(downloading.download, order)

    assert what_became(repeated) == (ArtifactState.STORED, None)
    assert (repeated.row.digest, repeated.row.size) == (untold.row.digest, untold.row.size)


class Absent:
    """A provider that does not say whether a file comes later or never."""

    def __init__(self, otherwise: LossReason | None) -> None:
        self._otherwise = otherwise

    async def read(self, question: ReadRequest) -> ProviderResponse:
        return ProviderResponse(snapshot=None)

    def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AbstractAsyncContextManager[ArtifactStream]:
        raise ArtifactNotReady("http_404", otherwise=self._otherwise)

    async def check_login(self) -> None:
        return None


Absently: TypeAlias = Callable[
    [LossReason | None], Callable[[messages.DownloadInput], Awaitable[messages.DownloadResult]]
]


@pytest.fixture
def downloading_absent(accounts: Mapping[str, Account], storage: GatedStorage, digester: Digester) -> Absently:
    """Downloads from a provider that never has the file, by what it says becomes of it."""

    def of(otherwise: LossReason | None) -> Callable[[messages.DownloadInput], Awaitable[messages.DownloadResult]]:
        readers = {"id360": Absent(otherwise)}
        return DownloadActivities(accounts, readers, storage, digester).download

    return of


@pytest.mark.parametrize(
    ("otherwise", "after"), [(LossReason.NEVER_CAPTURED, 29 * MINUTE), (None, 30 * MINUTE), (None, 30 * HOUR)]
)
async def test_a_file_that_lags_is_waited_for(
    case: Case, downloading_absent: Absently, otherwise: LossReason | None, after: timedelta
) -> None:
    attempts, download = Attempts(), downloading_absent(otherwise)
    await attempts.fails(download, await case.order())

    assert (await attempts.fails(download, await case.order("700103"), at=NOW + after)).type == "http_404"


async def test_a_file_that_may_as_well_never_come_is_lost_when_it_has_lagged_too_long(
    case: Case, downloading_absent: Absently
) -> None:
    attempts, download = Attempts(), downloading_absent(LossReason.NEVER_CAPTURED)
    await attempts.fails(download, await case.order())
    lost = await attempts.next(download, await case.order("700103"), at=NOW + 30 * MINUTE)

    assert what_became(lost) == (ArtifactState.LOST, LossReason.NEVER_CAPTURED)


async def test_storage_that_fails_is_tried_again(case: Case, downloading: DownloadActivities) -> None:
    case.id360.files["9"] = GOOD
    order = await case.order()
    case.storage.fail_next("/artifacts/", times=1)
    attempts = Attempts()

    with pytest.raises(StorageUnavailable):
        await attempts.next(downloading.download, order)
    downloaded = await attempts.next(downloading.download, order)

    assert what_became(downloaded) == (ArtifactState.STORED, None)


async def test_a_report_that_is_no_longer_kept_is_waited_for(case: Case, downloading: DownloadActivities) -> None:
    case.id360.files["9"] = GOOD
    order = await case.order()
    await case.storage.erase(order.result or "")

    error = await Attempts().fails(downloading.download, order)

    assert (error.type, error.next_retry_delay) == ("not_listed", MINUTE)


async def test_the_digest_is_equal_for_equal_bytes_and_useless_without_our_key(
    case: Case,
    downloading: DownloadActivities,
    accounts: Mapping[str, Account],
    readers: Mapping[str, Reader],
    storage: GatedStorage,
) -> None:
    elsewhere = DownloadActivities(accounts, readers, storage, Digester(b"another key"))
    case.id360.files["9"] = GOOD
    other = Response(200, PICTURE + b"!")

    one = await Attempts().next(downloading.download, await case.order("1"))
    two = await Attempts().next(downloading.download, await case.order("2"))
    keyed = await Attempts().next(elsewhere.download, await case.order("3"))
    case.id360.files["9"] = other
    another = await Attempts().next(downloading.download, await case.order("4", md5=None))

    plain = base64.b32encode(hashlib.sha256(PICTURE).digest()).decode().lower()[:26]
    assert one.row.digest == two.row.digest
    assert len({one.row.digest, keyed.row.digest, another.row.digest, plain}) == 4
