"""Reports for programs: JSON, and the JUnit XML that CI services show."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from guise.compat.baseline import Baseline, Known, Row
from guise.compat.history import Column
from guise.compat.model import Status

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Lines = Sequence[Sequence[Known]]
"""Known failures, of each column."""


def json(path: Path, columns: Sequence[Column], known: Lines) -> None:
    """Raises OSError."""
    path.write_text(
        json_module.dumps([_column(*pair) for pair in zip(columns, known, strict=True)], indent=1)
    )


def _column(column: Column, lines: Sequence[Known]) -> dict[str, Any]:
    verdict = column.verdict(lines)
    return {
        "suite": column.suite,
        "title": column.title,
        "personality": column.personality,
        "engine": column.engine,
        "complete": column.complete,
        "runs": [part.run.id for part in column.parts],
        "counts": {str(status): count for status, count in column.counts().items()},
        "worse": [row.name for row in verdict.worse],
        "better": [line.name for _, line in verdict.better],
        "flaky": [row.name for row in verdict.flaky],
        "alike": [row.name for row in verdict.alike],
        "differs": [row.name for row in verdict.differs],
        "known": {row.name: line.reason for row, line in verdict.known},
        "gone": [line.name for line in verdict.gone],
        "cases": [
            {**vars(case), "run": part.run.id} for part, case in column.cases()
        ],
        "tests": [
            {
                "name": row.name, "case": row.case, "status": str(row.status), "seconds": row.seconds,
                "flaky": row.flaky, "message": row.message, "natively": row.natively,
            }
            for row in column.rows()
        ],
    }  # fmt: skip


def junit(path: Path, columns: Sequence[Column], known: Lines) -> None:
    """Known failures are skipped there, with their reasons.  Raises OSError."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n')
        for column, lines in zip(columns, known, strict=True):
            baseline = Baseline(lines, column.engine)
            rows = list(column.rows())
            excuses = [_excuse(row, baseline) for row in rows]
            failures = sum(row.status.bad and not excuse for row, excuse in zip(rows, excuses, strict=True))
            skipped = sum(
                row.status in _SKIPPED or bool(excuse) for row, excuse in zip(rows, excuses, strict=True)
            )
            stream.write(
                f'<testsuite name={_quote(column.label)} tests="{len(rows)}" failures="{failures}"'
                f' errors="0" skipped="{skipped}" time="{sum(row.seconds for row in rows):.3f}">\n'
            )
            for row, excuse in zip(rows, excuses, strict=True):
                stream.writelines(_testcase(row, excuse))
            stream.write("</testsuite>\n")
        stream.write("</testsuites>\n")


_SKIPPED = (Status.SKIPPED, Status.UNSUPPORTED)


def _excuse(row: Row, baseline: Baseline) -> str:
    """Why a failure is none of this run's; "" when it is."""
    if not row.status.bad:
        return ""
    if row.alike:
        return "fails natively too"
    line = baseline.find(row.name)
    return f"known: {line.reason}" if line else ""


def _testcase(row: Row, excuse: str) -> Iterator[str]:
    name = row.name[len(row.case) + 2 :] or row.case
    yield f'<testcase classname={_quote(row.case)} name={_quote(name)} time="{row.seconds:.3f}"'
    if excuse:
        yield f"><skipped message={_quote(excuse)}/></testcase>\n"
    elif row.status.bad:
        word = f"flaky, {row.status}" if row.flaky else str(row.status)
        first = (row.message.splitlines() or [""])[0]
        yield f"><failure type={_quote(word)} message={_quote(first)}>{_text(row.message)}</failure>"
        yield "</testcase>\n"
    elif row.status in _SKIPPED:
        yield f"><skipped message={_quote(row.message)}/></testcase>\n"
    else:
        yield "/>\n"


def _quote(text: str) -> str:
    return quoteattr(_NOT_XML.sub("?", text))


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("?", text))
