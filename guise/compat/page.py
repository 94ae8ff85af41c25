"""One self-contained HTML page: data as compact JSON in page.html, which draws only the rows that are seen.

Every string stands once, in a table, and rows are columns of numbers: 100,000 tests are a few megabytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from guise.compat.baseline import Known, Row
from guise.compat.history import Column, Part
from guise.compat.model import Status

TEMPLATE = Path(__file__).parent / "page.html"
_MARK = "/*DATA*/null"
_OUTPUT_EACH = 16 << 10  # of a bad case's output
_OUTPUT_ALL = 24 << 20
_STATUSES = list(Status)
_TREND = 30  # runs
_CONTROLS = {code: None for code in range(32) if chr(code) not in "\t\n"}  # browsers show them as boxes


class _Strings:
    """Numbers for strings, each of which is written once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def write(path: Path, columns: Sequence[Column], known: Sequence[Sequence[Known]]) -> None:
    """`known`: the failures that are known of each column.  Raises OSError."""
    template = TEMPLATE.read_text()
    assert _MARK in template
    # Inside a script element only `<` can end the data.
    data = json.dumps(_data(columns, known), separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    path.write_text(template.replace(_MARK, data, 1))


def _data(columns: Sequence[Column], known: Sequence[Sequence[Known]]) -> dict[str, Any]:
    strings = _Strings()
    budget = _OUTPUT_ALL
    written = []
    for column, lines in zip(columns, known, strict=True):
        data, budget = _column(column, lines, strings, budget)
        written.append(data)
    return {
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "statuses": [str(status) for status in _STATUSES],
        "columns": written,
        "strings": list(strings.numbers),
    }


def _column(
    column: Column, lines: Sequence[Known], strings: _Strings, budget: int
) -> tuple[dict[str, Any], int]:
    verdict = column.verdict(lines)
    worse = {row.name for row in verdict.worse}
    better = {row.name for row, _ in verdict.better}
    reasons = {row.name: line.reason for row, line in verdict.known}
    names, cases, statuses, millis, kinds, messages = [], [], [], [], [], []
    bad_cases = set()
    for row in column.rows():
        names.append(strings.number(row.name[len(row.case) + 2 :]))
        cases.append(strings.number(row.case))
        statuses.append(_STATUSES.index(row.status))
        millis.append(round(row.seconds * 1000))
        kinds.append(_kind(row, worse, better, reasons))
        reason = reasons.get(row.name)
        natively = f"natively {row.natively}\n" if row.differs or row.alike else ""
        messages.append(
            strings.number(f"{natively}known: {reason}\n{row.message}" if reason else natively + row.message)
        )
        if row.status.bad:
            bad_cases.add(row.case)
    details: dict[str, list[Any]] = {}
    for part, case in column.cases():
        output = trace = ""
        if case.name in bad_cases or case.note:
            output = _excerpt(part.store.output(part.run, case.name), budget)
            trace = _excerpt(part.store.trace(part.run, case.name), budget - len(output))
            budget -= len(output) + len(trace)
        details[str(strings.number(case.name))] = [
            case.exit, case.signal, case.attempts, round(case.seconds * 1000), case.memory, case.note, output,
            trace,
        ]  # fmt: skip
    data = {
        "suite": column.suite,
        "title": column.title,
        "mode": column.mode,
        "complete": column.complete,
        "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(column.parts[0].run.started)),
        "machine": column.parts[0].run.machine,
        "names": names,
        "cases": cases,
        "statuses": statuses,
        "millis": millis,
        "kinds": kinds,
        "messages": messages,
        "details": details,
        "trend": _trend(column.parts[0]),
        "gone": [line.name for line in verdict.gone],
    }
    return data, budget


def _excerpt(data: bytes, budget: int) -> str:
    """The end of a case's output or trace."""
    text = data.decode("utf-8", "replace").translate(_CONTROLS)
    if len(text) > _OUTPUT_EACH:
        text = f"[{len(text) - _OUTPUT_EACH} characters left out]\n{text[-_OUTPUT_EACH:]}"
    if len(text) > budget:
        return "[left out: the page is large enough; `guise compat show` prints it]"
    return text


def _kind(row: Row, worse: set[str], better: set[str], known: Mapping[str, str]) -> int:
    """1 worse, 2 known, 3 better, 4 flaky, 5 fails natively too, 6 differs from it, 0 nothing to say."""
    if row.alike:
        return 5
    if row.flaky:
        return 4
    if row.name in worse:
        return 1
    if row.name in known:
        return 2
    if row.name in better:
        return 3
    return 6 if row.differs else 0


def _trend(part: Part) -> list[list[Any]]:
    """When, tests passed and tests of the whole runs of this kind, the oldest first."""
    key = part.run.key
    points = []
    for run in part.store.runs():
        other = run.key
        same = (other.suite, other.personality, other.engine) == (key.suite, key.personality, key.engine)
        if same and not other.part and run.ended:
            counts = part.store.counts(run)
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
            points.append([day, counts.get(Status.PASSED, 0), sum(counts.values())])
        if len(points) == _TREND:
            break
    return points[::-1]
