"""Go's tests: `-test.v`, `-test.v=test2json` (each mark behind a SYN byte) and `go test -json`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from guise.compat.model import Ended, Status, Test

_RESULT = re.compile(r"^\s*--- (PASS|FAIL|SKIP|BENCH): (.+?) \(([0-9.]+)s\)$")
_START = re.compile(r"^=== (RUN|CONT|NAME|PAUSE) +(.*)$")
_STATUS = {
    "PASS": Status.PASSED,
    "FAIL": Status.FAILED,
    "SKIP": Status.SKIPPED,
    "BENCH": Status.PASSED,
    "pass": Status.PASSED,
    "fail": Status.FAILED,
    "skip": Status.SKIPPED,
}
_MARK = "\x16"
_CONTROLS = str.maketrans("", "", "\x0e\x0f\x16")  # test2json marks errors with them
_KEPT = 40  # lines of a failed test's own output


class _Tests:
    """Results in the order in which tests began."""

    def __init__(self) -> None:
        self.started: dict[str, Test | None] = {}
        self.lines: dict[str, list[str]] = {}

    def begin(self, name: str) -> None:
        self.started.setdefault(name, None)

    def say(self, name: str, line: str) -> None:
        lines = self.lines.setdefault(name, [])
        lines.append(line)
        if len(lines) > 2 * _KEPT:
            del lines[:_KEPT]

    def end(self, name: str, status: Status, seconds: float) -> None:
        self.started[name] = Test(name, status, seconds)

    def all(self, unfinished: Status) -> list[Test]:
        tests = []
        for name, test in self.started.items():
            ended = test or Test(name, unfinished)
            said = "\n".join(self.lines.get(name, [])[-_KEPT:]).translate(_CONTROLS)
            if ended.status is Status.PASSED:
                said = ""
            if test is None:
                said = f"did not end\n{said}".rstrip()
            tests.append(Test(name, ended.status, ended.seconds, said))
        return tests


def read(runs: Sequence[Ended]) -> tuple[list[Test], str]:
    """A test that began and never ended failed, timed out or crashed as its program did."""
    ended = runs[0]
    tests = _Tests()
    current = ""
    output = ended.stdout.decode("utf-8", "replace")
    marked = _MARK in output
    for line in output.splitlines():
        if line.startswith("{"):
            _event(line, tests)
            continue
        before, mark, after = line.partition(_MARK)
        if mark and before and current:
            tests.say(current, before)
        if marked and not mark:
            if current:  # even if it looks like a result: a test may run tests
                tests.say(current, line)
            continue
        current = _line(after if mark else line, tests, current)
    unfinished = Status.TIMEOUT if ended.stopped == "time" else Status.FAILED
    if ended.signal and not ended.stopped:
        unfinished = Status.CRASHED
    found = tests.all(unfinished)
    if ended.incomplete:  # their ends may be in the part that was dropped
        found = [test for test in found if tests.started[test.name] is not None]
    return found, ""


def _line(line: str, tests: _Tests, current: str) -> str:
    """One line of text; the test that the next ones belong to."""
    if start := _START.match(line):
        kind, name = start.group(1), start.group(2).strip()
        if kind == "RUN":
            tests.begin(name)
        return "" if kind == "PAUSE" else name
    if result := _RESULT.match(line):
        word, name, seconds = result.groups()
        tests.end(name, _STATUS[word], float(seconds))
        return name
    if current and line not in ("PASS", "FAIL"):
        tests.say(current, line)
    return current


def _event(line: str, tests: _Tests) -> None:
    try:
        event = json.loads(line)
    except ValueError:
        return  # a program may print such a line itself
    if not isinstance(event, dict) or "Action" not in event or not event.get("Test"):
        return
    name, action = str(event["Test"]), event["Action"]
    if action == "run":
        tests.begin(name)
    elif action == "output":
        text = str(event.get("Output", "")).rstrip("\n")
        if not _START.match(text) and not _RESULT.match(text):
            tests.say(name, text)
    elif action in _STATUS:
        tests.end(name, _STATUS[action], float(event.get("Elapsed", 0.0)))
