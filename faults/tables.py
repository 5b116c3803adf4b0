"""Reports of campaigns as tables, a column for each: `python -m faults.tables REPORT... [--write PAGE]`."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from docs.marked_pages import table, write_between

MARK: Final = "campaign"
"""Of the lines in a page between which the tables stand."""
Report = Mapping[str, Any]


def tables(reports: Sequence[Report]) -> str:
    """Return tables in Markdown: what was played and counted, the faults, the memory."""
    seeds = [f"seed {report['seed']}" for report in reports]
    counted = zip(*map(_rows, reports), strict=True)
    rows = ((rows[0][0], *(value for _, value in rows)) for rows in counted)
    processes = sorted({name for report in reports for name in report["memory_mib"]})
    memory = ((name, *(_memory(report, name) for report in reports)) for name in processes)
    faults = ("Fault", "Moment", *(f"times, {seed}" for seed in seeds), "Ready again, median and max")
    return "\n\n".join(
        (
            table(("", *seeds), rows),
            table(faults, _fault_rows(reports)),
            table(("Most memory", *seeds), memory),
        )
    )


def _rows(report: Report) -> Iterator[tuple[str, object]]:
    machine, played, callbacks = report["machine"], report["verifications"], report["callbacks"]
    yield "date", machine["date"]
    yield "minutes", round(report["seconds"] / 60)
    yield "cores, and the load of others at the start", f"{machine['cores']}, {machine['load']}"
    yield "times as fast as real time", f"{report['time_scale']:g}"
    yield "storage", report["storage"]
    yield "clock of one worker", report["clock"] or "right"
    yield "verifications", played["all"]
    yield from ((f"of them {_words(name)}", played[name]) for name in sorted(set(played) - {"all", "by_sender"}))
    yield from ((f"of {sender}", count) for sender, count in played["by_sender"].items())
    yield "callbacks sent", callbacks["sent"]
    yield "answered 2xx", callbacks["answered_2xx"]
    yield "signaled without a receipt", callbacks["signaled_without_receipt"]
    yield "forged callbacks", sum(callbacks["forged"].values())
    yield "lost callbacks recovered", "{recovered} of {verifications}".format(**report["lost_callbacks"])
    yield "files compared", report["files_compared"]
    yield "files left to a person", len(report["left_to_a_person"])
    yield "faults", report["faults"]["all"]
    yield "kills at chosen moments", report["faults"]["kills_at_chosen_moments"]
    for name, times in report["answer_ms"].items():
        yield f"answer {_words(name)}: p50, p99, max", _spoken(times)
    yield "not answered 2xx", f"{report['not_2xx']['share']:.2%}"
    yield from ((f"**{_words(name)}**", f"**{count}**") for name, count in report["zeros"].items())


def _fault_rows(reports: Sequence[Report]) -> Iterator[Sequence[object]]:
    kinds = [{(each["what"], each["moment"]): each for each in report["faults"]["kinds"]} for report in reports]
    for what, moment in sorted({name for each in kinds for name in each}):
        met = [each.get((what, moment)) for each in kinds]
        ready = [kind["ready_again_s"] for kind in met if kind and kind["ready_again_s"]]
        spoken = f"{median(r['median'] for r in ready)} s, {max(r['max'] for r in ready)} s" if ready else ""
        yield what, moment, *(kind["count"] if kind else 0 for kind in met), spoken


def _memory(report: Report, process: str) -> str:
    size = report["memory_mib"].get(process)
    return "" if size is None else f"{size} MiB"


def _spoken(times: Mapping[str, Any]) -> str:
    return "{p50}, {p99}, {max} ms".format(**times) if times["count"] else "none"


def _words(name: str) -> str:
    return name.replace("_", " ")


def main() -> None:
    """Show reports that `--json` has written."""
    parser = argparse.ArgumentParser(prog="python -m faults.tables", description=__doc__)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the marks of a page")
    given = parser.parse_args()
    text = tables([json.loads(file.read_text(encoding="utf-8")) for file in given.reports])
    if given.write:
        write_between(given.write, MARK, text)
    print(text)


if __name__ == "__main__":
    main()
