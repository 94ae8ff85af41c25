"""Readers: from what a case left behind to its tests.  Each is registered here by the name suites use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from guise.compat.model import Ended, Status, Test
from guise.compat.readers import atf, difference, go, junit, ltp, tap

# The tests, and why the case's own result is bad although no test says so ("" when it is not).
Reader = Callable[[Sequence[Ended]], tuple[list[Test], str]]


def _status_only(_: Sequence[Ended]) -> tuple[list[Test], str]:
    return [], ""


READERS: dict[str, Reader] = {
    "atf": atf.read,
    "difference": difference.read,
    "go": go.read,
    "junit": junit.read,
    "ltp": ltp.read,
    "status": _status_only,
    "tap": tap.read,
}
# Exit statuses by which a case says that it was skipped, or that the system lacks what it needs.
_SKIPS = {"tap": 77, "status": 77}
_UNSUPPORTED = {"ltp": 32}
_NEEDS_ALL = frozenset(READERS) - {"difference", "status"}  # those that read results from what was printed


def read(reader: str, runs: Sequence[Ended]) -> list[Test]:
    """All tests of a case, with one under the empty name where the case itself has something to say.

    Where there is a second run, it is the host's own of the same case: each test knows how it ended there.
    """
    tests = _read(reader, runs)
    if len(runs) < 2 or reader == "difference" or runs[1].stopped == "start":
        return tests
    natively = {test.name: test.status for test in _read(reader, runs[1:])}
    return [replace(test, natively=natively.get(test.name)) for test in tests]


def _read(reader: str, runs: Sequence[Ended]) -> list[Test]:
    ended = runs[0]
    if ended.stopped == "start":
        return [Test("", Status.ERROR, message=ended.reason)]
    tests, problem = READERS[reader](runs)
    tests = [Test(_clean(test.name), *_rest(test)) for test in tests]
    whole = _whole(reader, runs, tests, problem)
    if whole is not None:
        tests.append(whole)
    return _unique(tests)


def _whole(reader: str, runs: Sequence[Ended], tests: list[Test], problem: str) -> Test | None:
    ended = runs[0]
    if ended.stopped == "time":
        return Test("", Status.TIMEOUT, ended.seconds, f"did not end within {ended.seconds:.0f} s")
    if ended.stopped == "memory":
        return Test("", Status.CRASHED, ended.seconds, "used more memory than it may")
    if ended.incomplete and reader in _NEEDS_ALL:
        message = (
            f"printed {ended.printed} bytes, of which {ended.dropped} were dropped, and results with them"
        )
        return Test("", Status.ERROR, ended.seconds, f"{message}: raise the suite's `output`")
    if reader == "difference":
        status = Status.FAILED if problem else Status.PASSED
        return Test("", status, ended.seconds, problem)
    if ended.signal:
        return Test("", Status.CRASHED, ended.seconds, f"killed by signal {ended.signal}")
    if ended.exit == _SKIPS.get(reader) and not any(test.status.bad for test in tests):
        return Test("", Status.SKIPPED, ended.seconds, _last_line(ended))
    if ended.exit == _UNSUPPORTED.get(reader) and not any(test.status.bad for test in tests):
        return None if tests else Test("", Status.UNSUPPORTED, ended.seconds, _last_line(ended))
    if problem:
        return Test("", Status.FAILED, ended.seconds, problem)
    if ended.exit != 0 and not any(test.status.bad for test in tests):
        said = _last_line(ended)
        message = f"exit status {ended.exit}" + (f": {said}" if said else "")
        return Test("", Status.FAILED, ended.seconds, message)
    return None if tests else Test("", Status.PASSED, ended.seconds)


def _last_line(ended: Ended) -> str:
    lines = [line.strip() for line in ended.text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _clean(name: str) -> str:
    """Names stand on one line and end at `: ` in baselines."""
    return " ".join(name.split()).replace(": ", ":")


def _rest(test: Test) -> tuple[Status, float, str, bool]:
    return test.status, test.seconds, test.message[-4000:], test.flaky


def _unique(tests: list[Test]) -> list[Test]:
    """Programs repeat names; the second of a name becomes NAME#2, so that each result is kept."""
    seen: dict[str, int] = {}
    unique = []
    for test in tests:
        seen[test.name] = count = seen.get(test.name, 0) + 1
        unique.append(test if count == 1 else Test(f"{test.name}#{count}", *_rest(test)))
    return unique
