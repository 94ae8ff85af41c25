"""Reports for people at a terminal: totals with denominators, then what changed and why."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from guise.compat.baseline import Verdict
from guise.compat.history import Column, differences
from guise.compat.model import Status
from guise.compat.store import Store
from guise.output import print_table, size

_STYLES = {
    "worse": "bold red",
    "flaky": "yellow",
    "better": "green",
    "differs": "magenta",
    "gone": "yellow",
    "noted": "dim",
}
_SHOWN = 50


def summary(column: Column) -> str:
    """`950 of 1000 passed, 30 failed, ...`."""
    counts = column.counts()
    total = sum(counts.values())
    parts = [f"{counts[Status.PASSED]} of {total} passed"]
    parts += [f"{count} {status}" for status, count in counts.items() if count and status != Status.PASSED]
    return ", ".join(parts)


def terminal(column: Column, verdict: Verdict) -> None:
    """Print one column's result."""
    state = "" if all(part.run.ended for part in column.parts) else " (not finished)"
    print(f"{column.label}{state}: {summary(column)}")
    clean, cases = column.clean_cases()
    spent = sum(column.processor().values())
    print(f"{clean} of {cases} cases have no failure; {spent:.1f} s of processor time")
    _section(
        "worse", "got worse", (f"{row.status}: {row.name}{_first(row.message)}" for row in verdict.worse)
    )
    _section("flaky", "flaky", (f"{row.name}{_first(row.message)}" for row in verdict.flaky))
    _section(
        "better",
        "got better: take these out of the known failures",
        (f"{line.name} (line {line.line})" for _, line in verdict.better),
    )
    _section(
        "gone",
        "known failures that no test answers to",
        (f"{line.name} (line {line.line})" for line in verdict.gone),
    )
    _section(
        "differs",
        "differs from the host's own run",
        (f"{row.status}, natively {row.natively}: {row.name}" for row in verdict.differs),
    )
    notes = (f"{case.name}: {case.note}" for _, case in column.cases() if case.note)
    _section("noted", "noted", notes)
    if verdict.known:
        print("1 failure is known" if len(verdict.known) == 1 else f"{len(verdict.known)} failures are known")
    if verdict.alike:
        print(f"{len(verdict.alike)} failed natively too")
    print("nothing got worse" if not verdict.worse else f"{len(verdict.worse)} got worse")


def _first(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return f": {lines[0][:200]}" if lines else ""


def _section(kind: str, title: str, lines: Iterable[str]) -> None:
    listed = list(lines)
    if not listed:
        return
    rest = len(listed) - _SHOWN
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        console.print(Text(f"{title}:", style=_STYLES[kind]))
        for line in listed[:_SHOWN]:
            console.print(Text(f"  {line}"))
    else:
        print(f"{title}:")
        for line in listed[:_SHOWN]:
            print(f"  {line}")
    if rest > 0:
        print(f"  and {rest} more: see --html or --json")


def changes(before: Column, after: Column) -> int:
    """Print what differs between two runs; 1 when something that was good is bad now."""
    for column in (before, after):
        run = column.parts[0].run
        print(f"run {run.id}, {_when(run.started)}, {column.label}: {summary(column)}")
    worse = False
    rows = []
    for change in differences(before, after):
        bad = change.after is not None and change.after.bad
        was_bad = change.before is not None and change.before.bad
        word = "worse" if bad and not was_bad else "better" if was_bad and not bad else "other"
        worse = worse or word == "worse"
        rows.append((word, change.before or "(none)", change.after or "(none)", change.name))
    order = {"worse": 0, "better": 1, "other": 2}
    rows.sort(key=lambda row: (order[row[0]], row[3]))
    if rows:
        print_table(("change", "before", "after", "test"), rows)
    else:
        print("no test differs")
    _processor(before.processor(), after.processor())
    return 1 if worse else 0


def _processor(before: dict[str, float], after: dict[str, float]) -> None:
    """Over the cases that both have: one that only one of them ran says nothing."""
    both = before.keys() & after.keys()
    old, new = (sum(times[name] for name in both) for times in (before, after))
    if old:
        print(
            f"processor time of {len(both)} cases: {old:.1f} s before, {new:.1f} s after: {new / old:.3f} x"
        )


def runs(store: Store) -> None:
    """Print the history of a store."""
    rows = []
    for run in store.runs():
        counts = store.counts(run)
        took = f"{run.ended - run.started:.0f} s" if run.ended else "not finished"
        rows.append(
            (
                str(run.id), _when(run.started), took, run.key.suite, run.key.personality, run.key.engine,
                run.key.part or "whole", f"{counts.get(Status.PASSED, 0)}/{sum(counts.values())}",
            )
        )  # fmt: skip
    columns = ("run", "started", "took", "suite", "personality", "engine", "part", "passed")
    print_table(columns, rows)
    print(f"{store.path}: {size(store.path.stat().st_size)}")


def _when(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
