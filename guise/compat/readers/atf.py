"""FreeBSD's and NetBSD's tests: a result line, what `kyua test` prints, and atf-run's stream."""

from __future__ import annotations

import re
from collections.abc import Sequence

from guise.compat.model import Ended, Status, Test

_STATUS = {
    "passed": Status.PASSED,
    "failed": Status.FAILED,
    "broken": Status.FAILED,
    "skipped": Status.SKIPPED,
    "expected_failure": Status.PASSED,
    "expected_death": Status.PASSED,
    "expected_exit": Status.PASSED,
    "expected_signal": Status.PASSED,
    "expected_timeout": Status.PASSED,
}
_WORDS = "|".join(_STATUS)
_KYUA = re.compile(rf"^(\S+)\s+->\s+({_WORDS})(?:: (.*?))?\s*(?:\[([0-9.]+)s\])?$")
_STREAM = re.compile(rf"^tc-end: [0-9.]+, ([^,]+), ({_WORDS})(?:, (.*))?$")
_BARE = re.compile(rf"^({_WORDS})(?:\([^)]*\))?(?:: (.*))?$")


def read(runs: Sequence[Ended]) -> tuple[list[Test], str]:
    tests: list[Test] = []
    bare: re.Match[str] | None = None
    for line in runs[0].text.splitlines():
        if found := _KYUA.match(line):
            name, word, reason, seconds = found.groups()
            tests.append(Test(name, _STATUS[word], float(seconds or 0), reason or ""))
        elif found := _STREAM.match(line):
            name, word, reason = found.groups()
            tests.append(Test(name, _STATUS[word], 0.0, reason or ""))
        else:
            bare = _BARE.match(line) or bare
    if not tests and bare is not None:
        tests.append(Test("result", _STATUS[bare.group(1)], runs[0].seconds, bare.group(2) or ""))
    return tests, "" if tests else "printed no result of ATF or Kyua"
