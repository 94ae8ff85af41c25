"""The Linux Test Project's lines: `file.c:12: TPASS: ...`, and `name 1 TPASS : ...` of its old library."""

from __future__ import annotations

import re
from collections.abc import Sequence

from guise.compat.model import Ended, Status, Test

_STATUS = {
    "TPASS": Status.PASSED,
    "TFAIL": Status.FAILED,
    "TBROK": Status.FAILED,
    "TCONF": Status.UNSUPPORTED,
}
_NEW = re.compile(r"^(\S+?):(\d+): (TPASS|TFAIL|TBROK|TCONF): (.*)$")
_OLD = re.compile(r"^(\S+)\s+(\d+)\s+(TPASS|TFAIL|TBROK|TCONF)\s*:\s*(.*)$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def read(runs: Sequence[Ended]) -> tuple[list[Test], str]:
    """A test is named by its place and its number there: messages hold addresses and times."""
    tests: list[Test] = []
    count: dict[str, int] = {}
    for line in runs[0].text.splitlines():
        plain = _COLOUR.sub("", line)
        found = _NEW.match(plain) or _OLD.match(plain)
        if found is None:
            continue
        name, number, word, message = found.groups()
        place = f"{name.rpartition('/')[2]} {number}"
        count[place] = count.get(place, 0) + 1
        title = place if count[place] == 1 else f"{place} ({count[place]})"
        tests.append(Test(title, _STATUS[word], 0.0, message))
    return tests, "" if tests else "printed no result of LTP"
