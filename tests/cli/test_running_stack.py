"""One running stack, looked at through the command, and what becomes visible when a part of it is killed."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from tests.activities.backend import Backend
from tests.cli.running import command, environment, vigil
from vigil.audit import Reader
from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.main import app
from vigil.config.settings import load_settings
from vigil.demo.ports import Ports
from vigil.demo.simulator_accounts import read_key
from vigil.demo.stack import Stack
from vigil.errors import AmbiguousReference
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil_client import unwrap

pytestmark = pytest.mark.asyncio(loop_scope="module")
ACCOUNT = SIMULATED_ACCOUNTS[0].name
NAMES = ", ".join(sorted(account.name for account in SIMULATED_ACCOUNTS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEMPORAL_ADDRESS", raising=False)
        folder = tmp_path_factory.mktemp("stack")
        async with Stack(folder, Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=600).run() as stack:
            yield stack


async def in_process(*arguments: str, config: Path) -> Result:
    """Run the command in this process: a new one takes two seconds to import what it needs."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["--config", str(config), *arguments])


async def until(
    is_enough: Callable[[CompletedProcess[str]], bool], *arguments: str, config: Path
) -> CompletedProcess[str]:
    """Run the command again and again, at most twenty times, until its output is enough."""
    ended = await vigil(*arguments, config=config)
    for _ in range(19):
        if is_enough(ended):
            break
        await asyncio.sleep(2)  # to start the command takes more of the machine than to wait
        ended = await vigil(*arguments, config=config)
    return ended


async def test_a_running_stack_passes_every_check(stack: Stack) -> None:
    ended = await vigil("check", config=stack.config)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line[0] for line in ended.stdout.splitlines()] == ["✓"] * (7 + len(SIMULATED_ACCOUNTS))


async def test_a_simulated_verification_is_followed_listed_and_shown_with_its_files(stack: Stack) -> None:
    watched = await vigil("simulate", ACCOUNT, "--watch", config=stack.config)
    reference = watched.stdout.splitlines()[0].split()[1]
    listed = await vigil("list", config=stack.config)
    shown = await vigil("show", ACCOUNT, reference, config=stack.config)

    assert watched.returncode == 0, watched.stderr
    assert "approved" in watched.stdout.splitlines()[-1]
    assert any(reference in line and "approved" in line for line in listed.stdout.splitlines())
    assert "Timeline" in shown.stdout
    assert shown.stdout.count("image/") + shown.stdout.count("video/") == 5


async def test_a_triggered_verdict_reaches_the_program_to_which_notifications_are_forwarded(stack: Stack) -> None:
    secret = (stack.config.parent / "webhook-secret").read_text().strip()
    async with Backend().listening() as backend:
        url = f"http://127.0.0.1:{backend.port}/hooks"
        listening = await asyncio.create_subprocess_exec(
            *command("--config", str(stack.config), "listen", "--forward-to", url),
            stdout=asyncio.subprocess.PIPE,
            env=environment() | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        )
        assert listening.stdout is not None
        begun = await asyncio.wait_for(listening.stdout.readline(), 60)
        triggered = await vigil("trigger", "id360.declined", config=stack.config)
        await backend.was_told(2)
        printed = [await asyncio.wait_for(listening.stdout.readline(), 60) for _ in range(2)]
        listening.send_signal(signal.SIGINT)
        code = await asyncio.wait_for(listening.wait(), 60)

    assert triggered.returncode == 0, triggered.stderr
    _, reference = triggered.stdout.split()[:2]
    notifications = [unwrap(told.body, told.headers, (secret,)) for told in backend.told]
    assert {(each.type, each.data.reference, each.data.decision) for each in notifications} == {
        ("verification.revised", reference, "declined"),
        ("verification.completed", reference, "declined"),
    }
    assert url in begun.decode()
    assert all(f"id360 {reference}" in line.decode() and "answered 204" in line.decode() for line in printed)
    assert code == 130


async def test_the_histories_of_a_running_stack_are_exported_without_references_and_replay(
    stack: Stack, tmp_path: Path
) -> None:
    watched = await vigil("simulate", ACCOUNT, "--watch", config=stack.config)
    reference = watched.stdout.splitlines()[0].split()[1]
    folder = tmp_path / "histories"
    exported = await vigil("histories", "export", str(folder), config=stack.config)
    files = list(folder.glob("*.json"))
    replayed = await vigil("histories", "replay", str(folder), config=stack.config)
    again = await vigil("histories", "export", str(folder), config=stack.config)

    assert (exported.returncode, exported.stderr) == (0, "")
    assert any(file.name.startswith("VerificationWorkflow-") for file in files)
    assert [file for file in files if reference in file.read_text() + file.name] == []
    assert (replayed.returncode, replayed.stdout) == (0, f"{len(files)} of {len(files)} histories replay.\n")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


async def test_a_reference_that_opens_a_session_is_listed_by_a_digest_that_the_commands_take(stack: Stack) -> None:
    async with open_installation(stack.config) as runtime:
        hiding = [name for name, each in runtime.accounts.items() if each.reference_is_capability]
    account = hiding[0]
    watched = await vigil("simulate", account, "--watch", config=stack.config)
    reference = watched.stdout.splitlines()[0].split()[1]
    listed = await vigil("list", "--account", account, config=stack.config)
    digest = next(word for word in listed.stdout.split() if word.startswith("~"))
    shown = await vigil("show", account, digest, config=stack.config)
    explained = await vigil("explain", account, digest, config=stack.config)

    assert reference not in listed.stdout
    assert (shown.returncode, explained.returncode) == (0, 0)
    assert "Timeline" in shown.stdout
    assert "approved" in explained.stdout


async def test_an_operator_holds_a_verification_and_erases_it_later(stack: Stack) -> None:
    watched = await vigil("simulate", ACCOUNT, "--watch", config=stack.config)
    one = (ACCOUNT, watched.stdout.splitlines()[0].split()[1])
    past = await in_process("hold", "place", *one, "--reason", "audit", "--until", "7d", config=stack.config)
    held = await in_process("hold", "place", *one, "--reason", "audit", "--until", "2031-01-01", config=stack.config)
    refused = await vigil("erase", *one, "--yes", config=stack.config)
    released = await in_process("hold", "release", *one, config=stack.config)
    erased = await vigil("erase", *one, "--yes", "--author", "ann", config=stack.config)
    shown = await vigil("show", *one, config=stack.config)
    explained = await vigil("explain", *one, config=stack.config)
    due = await vigil("retention", "--dry-run", config=stack.config)
    begun = await vigil("retention", config=stack.config)

    assert (past.exit_code, held.exit_code, released.exit_code) == (2, 0, 0)
    assert f"{one[0]} {one[1]}: held until 2031-01-01 00:00:00Z" in held.output
    assert (refused.returncode, "on hold by operator (audit) until 2031-01-01" in refused.stderr) == (2, True)
    assert erased.returncode == 0, erased.stderr
    assert {f"verification  {one[0]} {one[1]}", "asked by  ann", "artifacts  5"} <= set(_rows(erased))
    assert "key backups" in erased.stdout
    assert "Its data was erased" in shown.stdout
    assert "Its data was erased" in explained.stdout
    assert due.stdout.splitlines()[-1] == "would erase: nothing"
    assert begun.returncode == 0, begun.stderr


def _rows(ended: CompletedProcess[str]) -> list[str]:
    """Return the rows of a table of labels, with two blanks after the label."""
    return [re.sub(r"\s{2,}", "  ", line.strip()) for line in ended.stdout.splitlines()]


async def test_a_list_of_what_needs_a_person_leaves_out_what_does_not(stack: Stack) -> None:
    quiet = await vigil("simulate", ACCOUNT, "--watch", config=stack.config)
    unknown = await vigil("simulate", ACCOUNT, "--set", "unknown_status=SURPRISE", config=stack.config)
    quiet_reference, reference = (ended.stdout.split()[1] for ended in (quiet, unknown))

    listed = await until(lambda ended: reference in ended.stdout, "list", "--attention", config=stack.config)

    assert reference in listed.stdout
    assert quiet_reference not in listed.stdout


async def test_every_link_that_open_prints_leads_to_something(stack: Stack) -> None:
    played = await vigil("simulate", ACCOUNT, config=stack.config)
    reference = played.stdout.split()[-1]
    await until(lambda ended: reference in ended.stdout, "list", config=stack.config)

    lists = json.loads((await in_process("open", "--json", "--no-browser", config=stack.config)).stdout)
    links = json.loads(
        (await in_process("open", ACCOUNT, reference[:6], "--json", "--no-browser", config=stack.config)).stdout
    )

    async with open_installation(stack.config) as runtime, httpx.AsyncClient(trust_env=False) as http:
        for name, address in lists.items():
            if name.startswith("Temporal: "):
                [query] = parse_qs(urlsplit(address).query)["query"]
                assert (await runtime.client.count_workflows(query)).count >= 0, name
        key = read_key(stack.config)
        await http.post(f"{stack.api}/ui/sign-in", data={"key": key}, headers={"origin": stack.api})
        assert [(await http.get(lists[name])).status_code for name in ("needs a person", "verifications")] == [200, 200]
        page = await http.get(links["page"])

    assert reference in page.text
    assert links["Temporal"].endswith(f"/workflows/verification%2F{ACCOUNT}%2F{reference}")
    # The page links to the same place.
    assert f'href="{links["Temporal"]}"' in page.text


async def test_a_verification_that_an_operator_terminated_is_stuck_and_says_so_everywhere(stack: Stack) -> None:
    # The provider knows no such verification, so that no callback follows it.
    reference = "5559"
    await vigil("track", ACCOUNT, reference, config=stack.config)
    async with open_installation(stack.config) as runtime:
        key = await runtime.lookup.resolve_key(ACCOUNT, reference)
        await runtime.tracker.handle(key).terminate("by an operator")

    listed = await until(lambda ended: reference in ended.stdout, "list", "--stuck", config=stack.config)
    shown = await vigil("show", ACCOUNT, reference, config=stack.config)
    explained = await vigil("explain", ACCOUNT, reference, config=stack.config)

    [line] = [line for line in listed.stdout.splitlines() if reference in line]
    assert "terminated in Temporal" in line
    assert "Its workflow was ended in Temporal (terminated), and nothing follows it" in shown.stdout
    assert explained.stdout.startswith("Its workflow was ended in Temporal (terminated), and nothing follows it")
    assert "the operator" in explained.stdout


async def test_an_operator_commands_a_verification_by_the_start_of_its_reference(stack: Stack, tmp_path: Path) -> None:
    started = await in_process("simulate", ACCOUNT, "--watch", config=stack.config)
    reference = started.stdout.split()[1]
    prefix = reference[:8]
    polled = await in_process("poll", ACCOUNT, prefix, "--json", config=stack.config)
    files = await in_process("evidence", "get", ACCOUNT, prefix, "--to", str(tmp_path / "files"), config=stack.config)
    again = await in_process("evidence", "get", ACCOUNT, prefix, "--to", str(tmp_path / "files"), config=stack.config)
    audited = await in_process("audit", ACCOUNT, prefix, "--json", config=stack.config)
    shown_audit = await in_process("audit", config=stack.config)
    named = await in_process(
        "evidence", "get", ACCOUNT, prefix, "--to", str(tmp_path / "named"), "--json", config=stack.config
    )
    archive = tmp_path / "export.zip"
    exported = await in_process("export", ACCOUNT, prefix, "--to", str(archive), config=stack.config)
    checked = await in_process("export", "--check", str(archive), config=stack.config)
    shortened = [
        await in_process(*words, config=stack.config)
        for words in (
            ("resolve", ACCOUNT, prefix, "declined"),
            ("withdraw", ACCOUNT, prefix),
            ("erase", ACCOUNT, prefix, "--yes"),
            ("hold", "place", ACCOUNT, prefix, "--reason", "audit"),
            ("hold", "release", ACCOUNT, prefix),
            ("quarantine", "attach", "20260101T000000.000000Z-0", ACCOUNT, prefix),
        )
    ]
    resolved = await in_process("resolve", ACCOUNT, reference, "declined", "--author", "jane", config=stack.config)
    shown = await in_process("show", ACCOUNT, prefix, "--json", config=stack.config)
    withdrawn = await in_process("withdraw", ACCOUNT, reference, config=stack.config)
    listed = await in_process("list", "--json", "--decision", "declined", config=stack.config)
    nobody = await in_process("show", ACCOUNT, f"{prefix}x", config=stack.config)

    assert json.loads(polled.stdout)["decision"] == "approved"
    assert len(files.stdout.splitlines()) == len(list((tmp_path / "files").iterdir())) == 5
    assert sorted(json.loads(named.stdout)) == sorted(map(str, (tmp_path / "named").iterdir()))
    assert isinstance(again.exception, CommandError)
    lines = json.loads(audited.stdout)
    assert {(line["who"], line["by"], line["kind"]) for line in lines} == {
        (Reader.of_command_line().name, "command_line", "file")
    }
    assert len(lines) == 10  # both times all five were asked for
    assert (exported.stdout, checked.stdout) == (f"{archive}\n", "complete and unchanged\n")
    assert archive.stat().st_mode & 0o077 == 0
    assert reference not in audited.stdout + shown_audit.stdout
    assert shown_audit.stdout.splitlines()[0].split() == ["at", "who", "by", "kind", "account", "item", "verification"]
    assert {str(ended.exception) for ended in shortened} == {
        f"{ACCOUNT} has no verification {prefix}. This command needs the whole reference, not its start."
    }
    assert resolved.stdout.startswith("accepted; it is now: declined")
    as_json = json.loads(shown.stdout)
    assert (as_json["account"], as_json["reference"]) == (ACCOUNT, reference)
    entries = as_json["record"]["log"]["entries"]
    assert {"operator", "jane"} <= {entry["actor"] for entry in entries}
    assert str(withdrawn.exception) == "The command does not fit its state: it is concluded already: decided."
    assert reference in [each["reference"] for each in json.loads(listed.stdout)]
    assert str(nobody.exception) == "Neither Temporal nor the storage knows such a verification."


async def test_who_prints_the_body_of_a_quarantined_callback_is_in_the_audit_log(stack: Stack) -> None:
    own: Any = load_settings(stack.config).accounts[ACCOUNT].own
    headers = {"Authorization": own.callback_headers["Authorization"][0].get_secret_value()}
    async with httpx.AsyncClient(trust_env=False) as http:
        sent = await http.post(f"{stack.api}/callbacks/{ACCOUNT}", json={"name": "Ada"}, headers=headers)
    listed = await until(lambda ended: "receipt" in ended.stdout, "quarantine", "list", "--json", config=stack.config)
    receipt = json.loads(listed.stdout)[0]["receipt"]
    shown = await vigil("quarantine", "show", receipt, "--json", config=stack.config)
    body = await vigil("quarantine", "show", receipt, "--body", config=stack.config)
    audited = await in_process("audit", "--json", config=stack.config)

    assert sent.status_code == 200
    assert (json.loads(body.stdout), "Ada" in shown.stdout) == ({"name": "Ada"}, False)
    lines = [line for line in json.loads(audited.stdout) if line["kind"] == "callback"]
    assert [(line["account"], line["item"], line["verification"]) for line in lines] == [(ACCOUNT, receipt, None)]


async def test_a_prefix_of_several_verifications_names_none_of_them(stack: Stack) -> None:
    await in_process("track", ACCOUNT, "77001", "77002", config=stack.config)
    ended = await in_process("explain", ACCOUNT, "7700", config=stack.config)
    async with asyncio.timeout(60):
        while not isinstance(ended.exception, AmbiguousReference):  # until Temporal's list has both
            await asyncio.sleep(0.25)
            ended = await in_process("explain", ACCOUNT, "7700", config=stack.config)

    assert str(ended.exception) == "More than one verification begins so; give more of the reference."


async def test_an_empty_list_says_that_nothing_needs_a_person(stack: Stack) -> None:
    # No test here has a verification in review.
    needing = await vigil("list", "--attention", "--stage", "in_review", config=stack.config)
    any_ = await vigil("list", "--stage", "in_review", config=stack.config)

    assert (needing.returncode, needing.stdout) == (0, "Nothing needs a person.\n")
    assert (any_.returncode, any_.stdout) == (0, "There is no such verification.\n")


async def test_tracking_a_file_registers_the_good_lines_names_the_bad_ones_and_may_be_repeated(
    stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "keys.jsonl"
    lines = [f'{{"account": "{ACCOUNT}", "reference": "5551"}}', "oops", f'{{"account": "{ACCOUNT}"}}']
    file.write_text("\n".join([*lines, '{"account": "nobody", "reference": "1"}']))

    first = await vigil("track", "--file", str(file), config=stack.config)
    second = await vigil("track", "--file", str(file), config=stack.config)

    assert (first.returncode, second.returncode) == (1, 1)
    assert [line for line in first.stderr.splitlines() if line.startswith("✗")] == [
        "✗ line 2: is not JSON",
        "✗ line 3: reference: is required: this provider cannot find it by other fields",
        f"✗ line 4: There is no account of that name; the settings have {NAMES}.",
    ]
    assert first.stdout == "registered: 1, registered before: 0, failed: 3\n"
    assert second.stdout == "registered: 0, registered before: 1, failed: 3\n"


async def test_without_bad_lines_tracking_succeeds(stack: Stack) -> None:
    ended = await vigil("track", ACCOUNT, "5552", "5553", config=stack.config)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "registered: 2, registered before: 0, failed: 0\n"


async def test_a_verification_that_nobody_knows_is_one_sentence_and_no_traceback(stack: Stack) -> None:
    ended = await vigil("explain", ACCOUNT, "404404404", config=stack.config)

    assert ended.returncode == 2
    assert ended.stderr == "vigil: Neither Temporal nor the storage knows such a verification.\n"
    assert ended.stdout == ""


async def test_once_the_worker_is_killed_explain_says_that_none_polls_and_a_restarted_one_goes_on(
    stack: Stack,
) -> None:
    os.kill(stack.programs["worker"].pid or 0, signal.SIGKILL)
    assert await stack.wait_for_ended_part() == "worker"
    started_because = await vigil("simulate", ACCOUNT, config=stack.config)
    reference = started_because.stdout.split()[1]

    # That nobody took its task is sure only after some seconds.
    explained = await until(
        lambda ended: "o worker" in ended.stdout, "explain", ACCOUNT, reference, config=stack.config
    )

    assert explained.returncode == 0, explained.stderr
    assert explained.stdout.startswith("No worker")
    assert "start a worker" in explained.stdout
    assert "the operator" in explained.stdout

    await stack.restart("worker")
    watched = await vigil("watch", ACCOUNT, reference, config=stack.config)
    assert "approved" in watched.stdout.splitlines()[-1]


async def test_a_restarted_temporal_still_knows_what_was_tracked_and_the_worker_goes_on(stack: Stack) -> None:
    started_because = await vigil("simulate", ACCOUNT, config=stack.config)
    reference = started_because.stdout.split()[1]

    await stack.restart("temporal")

    watched = await vigil("watch", ACCOUNT, reference, config=stack.config)
    assert watched.returncode == 0, watched.stderr
    assert "approved" in watched.stdout.splitlines()[-1]


async def test_a_stopped_temporal_is_one_sentence_with_its_address(tmp_path: Path) -> None:
    config = tmp_path / "vigil.toml"
    config.write_text(
        'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\nseal = "off"\n[temporal]\naddress = "127.0.0.1:1"\n'
    )

    ended = await vigil("list", config=config)

    assert ended.returncode == 2
    assert ended.stderr == ("vigil: Temporal does not answer at 127.0.0.1:1: start it, or set [temporal] address.\n")


async def test_missing_settings_are_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    ended = await vigil("accounts", config=tmp_path / "none.toml")

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"vigil: {tmp_path / 'none.toml'}: there is no such file")
    assert len(ended.stderr.splitlines()) == 1


async def test_a_check_that_fails_says_what_to_do_and_ends_with_1(tmp_path: Path) -> None:
    config = tmp_path / "vigil.toml"
    config.write_text(
        'digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"\nseal = "off"\n[temporal]\naddress = "127.0.0.1:1"\n'
    )
    config.chmod(0o644)

    ended = await vigil("check", config=config)

    assert ended.returncode == 1
    assert ended.stdout.startswith("!  settings")
    found = dict(line.split("  ")[0:2] for line in (row.replace("✗  ", "✗ ") for row in ended.stdout.splitlines()))
    assert "✗ temporal" in found
    assert "✗ callback URLs" in found
    assert "✗ accounts" in found
    assert "✓  quarantine" in ended.stdout
    assert f"✓  storage        the first process will create file://{tmp_path}/.vigil/storage" in ended.stdout
    assert list(tmp_path.iterdir()) == [config]
