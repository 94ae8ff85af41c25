"""Known failures: a file of `NAME: reason` lines, and what a run's results mean in their light.

`NAME @ptrace: reason` holds for one engine only; `*` in a name stands for anything.  A reason is required:
a failure that nobody can explain is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from guise.compat.model import CompatError, Status


@dataclass(frozen=True)
class Known:
    """One line."""

    name: str
    engine: str
    reason: str
    line: int


@dataclass(frozen=True)
class Row:
    """One result under its full name, as the store has it."""

    name: str
    case: str
    status: Status
    seconds: float = 0.0
    flaky: bool = False
    message: str = ""
    natively: Status | None = None

    @property
    def alike(self) -> bool:
        """Whether it fails on the host too, and so says nothing about the guest."""
        return self.status.bad and self.natively is not None and self.natively.bad

    @property
    def differs(self) -> bool:
        """Whether the host's own run of it ended in another way."""
        return self.natively is not None and self.natively is not self.status and not self.alike


@dataclass
class Verdict:
    """A run against its baseline.  `alike`: what fails natively too.  `differs`: what ended otherwise there.
    `gone`: lines that no result of a complete run answers to."""

    worse: list[Row] = field(default_factory=list)
    better: list[tuple[Row, Known]] = field(default_factory=list)
    flaky: list[Row] = field(default_factory=list)
    known: list[tuple[Row, Known]] = field(default_factory=list)
    alike: list[Row] = field(default_factory=list)
    differs: list[Row] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)


class Baseline:
    """The lines that hold for one engine."""

    def __init__(self, lines: Iterable[Known], engine: str) -> None:
        self.lines = [line for line in lines if line.engine in ("", engine)]
        self._exact = {line.name: line for line in self.lines if "*" not in line.name}
        self._wild = [(_pattern(line.name), line) for line in self.lines if "*" in line.name]

    def find(self, name: str) -> Known | None:
        exact = self._exact.get(name)
        if exact is not None:
            return exact
        return next((line for pattern, line in self._wild if pattern.fullmatch(name)), None)

    def judge(self, rows: Iterable[Row], *, complete: bool) -> Verdict:
        """What got worse, better or is flaky; a pattern is better only when all of its tests pass."""
        verdict = Verdict()
        passed: dict[Known, Row] = {}
        failed: set[Known] = set()
        skipped: set[Known] = set()
        for row in rows:
            line = self.find(row.name)
            if row.differs:
                verdict.differs.append(row)
            if row.alike:
                verdict.alike.append(row)
                failed.update([line] if line else [])
            elif row.flaky:
                verdict.flaky.append(row)
                failed.update([line] if line else [])
            elif row.status.bad and line is None:
                verdict.worse.append(row)
            elif row.status.bad and line is not None:
                verdict.known.append((row, line))
                failed.add(line)
            elif line is not None and row.status is Status.PASSED:
                passed.setdefault(line, row)
            elif line is not None:
                skipped.add(line)
        verdict.better = [(row, line) for line, row in passed.items() if line not in failed]
        if complete:
            seen = {*passed, *failed, *skipped}
            verdict.gone = [line for line in self.lines if line not in seen]
        return verdict


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in name.split("*")), re.DOTALL)


def load(path: Path) -> list[Known]:
    """The lines of a file; none when there is no such file.  Raises CompatError."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CompatError(f"{path} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, reason = line.partition(": ")
        if not colon or not reason.strip():
            raise CompatError(f"{path}:{number}: a line is `NAME: reason`, and the reason is not optional")
        name, _, engine = name.strip().partition(" @")
        found.append(Known(name, engine, reason.strip(), number))
    return found
