"""The Test Anything Protocol: plan, `ok`, `not ok`, SKIP and TODO, diagnostics, Bail out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from guise.compat.model import Ended, Status, Test

_LINE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s)?(.*)$")
_DIRECTIVE = re.compile(r"(?:^|\s)#\s*(skip|todo)\S*\s*(.*)$", re.IGNORECASE)
_PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")


def read(runs: Sequence[Ended]) -> tuple[list[Test], str]:
    """A plan that is not fulfilled, or none at all, is the case's own failure."""
    tests: list[Test] = []
    planned: int | None = None
    problem = ""
    for line in runs[0].stdout.decode("utf-8", "replace").splitlines():
        if plan := _PLAN.match(line):
            planned = int(plan.group(1))
        elif line.startswith("Bail out!"):
            problem = line
        elif found := _LINE.match(line):
            tests.append(_test(found, len(tests) + 1))
        elif line.startswith("#") and tests and tests[-1].status is Status.FAILED:
            last = tests[-1]
            tests[-1] = Test(last.name, last.status, message=f"{last.message}\n{line[1:].strip()}".strip())
    if not problem and planned is None:
        problem = "printed no TAP plan" if tests else "printed no TAP"
    if not problem and planned != len(tests):
        problem = f"planned {planned} tests and reported {len(tests)}"
    if not problem and planned == 0:
        return [Test("plan", Status.SKIPPED)], ""
    return tests, problem


def _test(found: re.Match[str], position: int) -> Test:
    failed, number, rest = found.groups()
    directive = _DIRECTIVE.search(rest)
    # `#` ends a description; what follows may change from run to run.
    name, _, remark = (rest[: directive.start()] if directive else rest).partition(" # ")
    title = name.strip() or f"test {number or position}"
    if directive is None:
        return Test(title, Status.FAILED if failed else Status.PASSED, message=remark.strip())
    reason = directive.group(2)
    if directive.group(1).lower() == "skip":
        return Test(title, Status.SKIPPED, message=reason)
    # TODO: a failure that the suite's author expects
    return Test(title, Status.SKIPPED if failed else Status.PASSED, message=f"todo {reason}".strip())
