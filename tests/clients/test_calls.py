"""One call of the client: retries, keys, errors and downloads, against answers written by hand."""

import base64
import hashlib
import inspect
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import vigil_client
from vigil_client import AsyncClient, Client, File, Key, Retry, errors

URL = "http://vigil.test"
ID360 = Key("id360", "4711")
COMMANDED = {"revision": 0, "sequence": 4, "stage": "processing", "decision": None, "outcome": None}
CONTENT = bytes(range(256)) * 8


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    body = {"type": f"urn:vigil:{code}", "title": "A title", "status": status, **more}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


class Answers:
    """Gives one answer after the other, and keeps the requests. A type of error is raised."""

    def __init__(self, *answers: httpx.Response | type[httpx.TransportError]) -> None:
        self._answers = iter(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("no route", request=request)

    def client(self, **options: Any) -> Client:
        made = Client(URL, "the-key", transport=httpx.MockTransport(self), **options)
        made.sleep = self.pauses.append
        return made


def test_a_command_has_one_key_for_all_its_attempts_and_another_one_for_the_next_command() -> None:
    answers = Answers(httpx.ConnectError, problem(503, "no_worker_in_time"), *[httpx.Response(200, json=COMMANDED)] * 2)
    client = answers.client()

    assert client.poll(ID360).sequence == 4
    client.poll(ID360)

    keys = [request.headers["idempotency-key"] for request in answers.requests]
    assert (len(keys), len(set(keys[:3])), len(set(keys))) == (4, 1, 2)
    assert {request.headers["authorization"] for request in answers.requests} == {"Bearer the-key"}


def test_a_command_that_failed_is_repeated_with_the_key_of_its_error() -> None:
    answers = Answers(httpx.ReadTimeout, httpx.Response(200, json=COMMANDED))
    client = answers.client(retry=Retry(attempts=1))
    with pytest.raises(vigil_client.Unreachable) as failed:
        client.withdraw(ID360)

    client.withdraw(ID360, idempotency_key=failed.value.idempotency_key or "")

    first, second = (request.headers["idempotency-key"] for request in answers.requests)
    assert first == second


def test_pauses_double_and_a_retry_after_takes_their_place() -> None:
    busy = problem(503, "temporal_unavailable")
    loading = problem(503, "loading", headers={"retry-after": "7"})
    answers = Answers(busy, busy, busy, loading, httpx.Response(200, json=COMMANDED))

    answers.client().poll(ID360)

    first, second, third, told = answers.pauses
    assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0
    assert 7.0 <= told <= 7.5


def test_the_pauses_of_many_clients_are_not_the_same() -> None:
    assert len({Retry().pause(3, None) for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (problem(503, "loading", headers={"retry-after": "1"}), 5),
        (problem(503, "loading", headers={"retry-after": "3600"}), 1),
        (problem(409, "process_not_yet_known", headers={"retry-after": "1"}), 5),
        (problem(429, "too_many_failures"), 5),
        (httpx.Response(502, text="<html>a proxy</html>"), 5),
        (problem(502, "provider_refuses_us"), 1),
        (problem(500, "internal_error"), 1),
        (problem(409, "command_refused"), 1),
        (problem(401, "not_authorized"), 1),
    ],
    ids=lambda value: f"{value.status_code}-{value.text[:40]}" if isinstance(value, httpx.Response) else str(value),
)
def test_only_what_may_pass_by_itself_is_repeated(answer: httpx.Response, attempts: int) -> None:
    answers = Answers(*[answer] * 5)

    with pytest.raises(vigil_client.Problem):
        answers.client().poll(ID360)

    assert len(answers.requests) == attempts


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "unknown_verification", vigil_client.UnknownVerification),
        (404, "unknown_account", vigil_client.UnknownAccount),
        (404, "unknown_file", vigil_client.NotFound),
        (409, "conflicting_registration", vigil_client.ConflictingRegistration),
        (409, "correlation_taken", vigil_client.CorrelationTaken),
        (409, "process_not_yet_known", vigil_client.ProcessNotYetKnown),
        (409, "command_refused", vigil_client.CommandRefused),
        (409, "no_result", vigil_client.NoResult),
        (409, "file_lost", vigil_client.FileNotStored),
        (410, "file_expired", vigil_client.FileExpired),
        (410, "data_erased", vigil_client.DataErased),
        (409, "a_word_of_tomorrow", vigil_client.Conflict),
        (403, "right_missing", vigil_client.NotAllowed),
        (422, "invalid_request", vigil_client.InvalidRequest),
        (415, "media_type", vigil_client.InvalidRequest),
        (503, "storage_unavailable", vigil_client.Unavailable),
        (503, "file_not_found", vigil_client.Unavailable),
    ],
)
def test_the_type_of_a_problem_is_the_type_of_the_error(
    status: int, code: str, kind: type[vigil_client.Problem]
) -> None:
    fields = [{"field": "body.x", "detail": "is bad"}]
    error = errors.problem_of(problem(status, code, detail="why", fields=fields, request_id="5f1c2a9b0d3e4f67"))

    assert (type(error), error.code, error.status, error.request_id) == (kind, code, status, "5f1c2a9b0d3e4f67")
    assert str(error) == f"A title ({code}); why; body.x: is bad"


def test_the_type_of_a_problem_may_be_a_link() -> None:
    assert errors.code_of("https://vigil.example/docs/problems.md#loading") == "loading"


def test_a_registration_sends_only_what_is_given_and_keeps_the_path_that_hides_the_reference() -> None:
    registered = {"account": "identomat", "reference": "secret-session", "registered": "started"}
    answers = Answers(
        httpx.Response(201, json=registered, headers={"location": "/verifications/identomat/~abc234"}),
        httpx.Response(200, json={"evidence": []}),
    )
    client = answers.client()
    found = client.register("identomat", "secret-session", deadline_at=datetime(2026, 12, 1, tzinfo=UTC))
    client.evidence(found)

    assert answers.requests[0].read() == (
        b'{"account":"identomat","reference":"secret-session","deadline_at":"2026-12-01T00:00:00+00:00"}'
    )
    assert answers.requests[1].url.path == "/verifications/identomat/~abc234/evidence"


def test_any_reference_is_encoded_once() -> None:
    answers = Answers(httpx.Response(200, json={"evidence": []}))
    answers.client().evidence(Key("smile", "a/b ?#%"))

    assert answers.requests[0].url.raw_path == b"/verifications/smile/a%2Fb%20%3F%23%25/evidence"


class Cut(httpx.SyncByteStream):
    """A body that ends too early."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.ReadError("cut")


def stored(start: int = 0, *, upto: int | None = None, content: bytes = CONTENT) -> httpx.Response:
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    headers = {"etag": '"one"', "repr-digest": f"sha-256=:{digest}:"}
    status = 206 if start else 200
    if upto is None:
        return httpx.Response(status, content=content[start:], headers=headers)
    return httpx.Response(status, stream=Cut(content[start:upto]), headers=headers)


def test_a_download_that_was_cut_twice_is_continued_and_ends_whole(tmp_path: Path) -> None:
    answers = Answers(stored(upto=100), httpx.ConnectError, stored(100, upto=300), stored(300))

    path = answers.client().download(ID360, "portrait-1", tmp_path / "portrait")

    assert path.read_bytes() == CONTENT
    ranges = [request.headers.get("range") for request in answers.requests]
    assert ranges == [None, "bytes=100-", "bytes=100-", "bytes=300-"]
    assert {request.headers.get("if-range") for request in answers.requests[1:]} == {'"one"'}
    assert list(tmp_path.iterdir()) == [path]


def test_a_server_that_sends_all_of_it_again_is_taken_at_its_word(tmp_path: Path) -> None:
    path = Answers(stored(upto=100), stored()).client().download(ID360, "portrait-1", tmp_path / "portrait")

    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: stored(content=CONTENT[::-1]), vigil_client.DigestMismatch),
        (lambda: httpx.Response(200, content=CONTENT), vigil_client.DigestMismatch),
        (lambda: problem(409, "file_expected"), vigil_client.FileNotStored),
    ],
    ids=["another content", "no digest", "not stored"],
)
def test_a_download_that_fails_leaves_no_file_and_the_old_one_untouched(
    answer: Callable[[], httpx.Response], error: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "portrait").write_bytes(b"an older one")
    with pytest.raises(error):
        Answers(answer()).client().download(ID360, "portrait-1", tmp_path / "portrait")

    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"an older one"]


def export_of(content: bytes, digest: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("record.json", content)
        archive.writestr("manifest.json", json.dumps({"entries": [{"name": "record.json", "sha256": digest}]}))
    return written.getvalue()


def test_an_export_is_kept_only_if_it_is_what_its_manifest_says(tmp_path: Path) -> None:
    right = export_of(b"{}", hashlib.sha256(b"{}").hexdigest())
    for content in (export_of(b"{}", hashlib.sha256(b"[]").hexdigest()), right[:-1], b"no zip"):
        with pytest.raises(vigil_client.DigestMismatch):
            Answers(httpx.Response(200, content=content)).client().export(ID360, tmp_path / "export.zip")
    assert list(tmp_path.iterdir()) == []

    answers = Answers(problem(503, "loading"), httpx.Response(200, content=right))
    assert answers.client().export(ID360, tmp_path / "export.zip").read_bytes() == right


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_URL", "http://vigil.test/api/")
    monkeypatch.setenv("VIGIL_KEY", "from-the-environment")
    answers = Answers(httpx.Response(200, json={"evidence": []}))
    Client(transport=httpx.MockTransport(answers)).evidence(ID360)

    assert str(answers.requests[0].url) == "http://vigil.test/api/verifications/id360/4711/evidence"
    assert answers.requests[0].headers["authorization"] == "Bearer from-the-environment"

    monkeypatch.delenv("VIGIL_URL")
    with pytest.raises(ValueError, match="VIGIL_URL"):
        Client()


def listed(reference: str) -> dict[str, object]:
    run = {"is_open": False, "interrupted": False, "stuck": False, "started_at": "2026-11-28T12:00:00Z", "state": None}
    return {"account": "id360", "reference": reference, **run}


def test_a_verification_of_several_runs_is_listed_once_over_all_pages() -> None:
    first = {"verifications": [listed("2"), listed("1"), listed("2")], "next_page": "two"}
    last = {"verifications": [listed("1"), listed("0")], "next_page": None}
    answers = Answers(httpx.Response(200, json=first), httpx.Response(200, json=last))

    assert [each.reference for each in answers.client().list(account="id360", is_open=False)] == ["2", "1", "0"]
    assert dict(answers.requests[1].url.params) == {"account": "id360", "is_open": "false", "page": "two"}


@pytest.mark.parametrize(
    ("name", "media_type", "filename"),
    [
        ("liveness_video$0-0", "video/mp4", "liveness_video_0-0.mp4"),
        ("bundle", "application/zip", "bundle.zip"),
        ("raw", None, "raw"),
        ("a:b", "application/x-nobody-knows", "a_b"),
    ],
)
def test_a_file_has_a_name_that_every_disk_takes(name: str, media_type: str | None, filename: str) -> None:
    at = datetime(2026, 11, 28, tzinfo=UTC)
    file = File(name=name, kind="portrait", state="stored", loss=None, size=1, media_type=media_type, at=at)

    assert file.filename == filename


def test_both_clients_have_the_same_operations_with_the_same_documentation() -> None:
    surfaces = [
        {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")} for kind in (Client, AsyncClient)
    ]

    assert {name.removeprefix("a") for name in surfaces[0]} == {name.removeprefix("a") for name in surfaces[1]}
    assert "Register a verification" in (inspect.getdoc(Client(URL).register) or "")


async def test_without_blocking_the_same_call_gives_the_same_answer() -> None:
    answers = Answers(problem(503, "loading"), httpx.Response(200, json=COMMANDED))
    async with AsyncClient(URL, "the-key", retry=Retry(first=0), transport=httpx.MockTransport(answers)) as client:
        assert (await client.poll(ID360)).sequence == 4

    assert len(answers.requests) == 2


def test_a_wait_that_is_over_tells_the_last_state() -> None:
    unprocessed = {"account": "id360", "reference": "4711", "is_open": True, "interrupted": False}
    state = httpx.Response(200, json=unprocessed | {"state": None, "record": None})
    answers = Answers(state, state)
    client = answers.client()
    now = iter([0.0, 1.0, 31.0])
    client.clock = lambda: next(now)

    with pytest.raises(vigil_client.NotYet, match="no outcome yet: id360 is not processed yet") as ended:
        client.wait(ID360, within=timedelta(seconds=30))

    assert isinstance(ended.value, TimeoutError)
    assert dict(answers.requests[1].url.params) == {"wait": "25", "after_sequence": "0", "until": "outcome"}


@pytest.mark.parametrize("stage", ["processing", "complete"])
def test_a_wait_asks_at_most_once_a_second_while_the_server_answers_at_once_without_news(stage: str) -> None:
    nothing = dict.fromkeys(("applicant", "sender", "basis", "last_callback_at"))
    times = dict.fromkeys(("opened_at", "stage_entered_at", "deadline_at"), "2031-01-01T00:00:00Z")
    counts = {"attention": [], "steps_done": 0, "steps_total": 1, "evidence": {}}
    known = {"provider": "id360", "environment": "sandbox", "registered": True, "stage": stage}
    state = COMMANDED | nothing | times | counts | known
    body = {"account": "id360", "reference": "4711", "is_open": True, "interrupted": False, "record": None}
    answer = httpx.Response(200, json=body | {"state": state})
    answers = Answers(*[answer] * 40)
    client = answers.client()
    client.clock = lambda: sum(answers.pauses)

    with pytest.raises(vigil_client.NotYet):
        client.wait(ID360, "complete", within=timedelta(seconds=10))

    assert len(answers.requests) <= 12
    assert sum(answers.pauses) >= 10
