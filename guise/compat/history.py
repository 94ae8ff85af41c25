"""What reports are made of: the newest run of each suite, personality and engine, its shards put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from guise.compat import baseline
from guise.compat.baseline import Baseline, Row, Verdict
from guise.compat.model import CompatError, Status
from guise.compat.store import CaseRow, Run, Store


@dataclass(frozen=True)
class Part:
    """One run of one store."""

    store: Store
    run: Run


@dataclass(frozen=True)
class Column:
    """One suite under one personality and engine: a run, or its shards."""

    suite: str
    title: str
    personality: str
    engine: str
    parts: tuple[Part, ...]

    @property
    def complete(self) -> bool:
        """Whether the whole suite was run and nothing of it is missing."""
        return len(self.parts) == 1 and self.parts[0].run.key.part == "" and self.parts[0].run.ended > 0

    @property
    def label(self) -> str:
        return f"{self.suite} {self.mode}"

    @property
    def mode(self) -> str:
        """Personality and engine; the host itself has no engine."""
        return self.personality if self.engine == self.personality else f"{self.personality} {self.engine}"

    def rows(self) -> Iterator[Row]:
        for part in self.parts:
            yield from part.store.rows(part.run)

    def cases(self) -> Iterator[tuple[Part, CaseRow]]:
        for part in self.parts:
            for case in part.store.cases(part.run):
                yield part, case

    def counts(self) -> dict[Status, int]:
        total = dict.fromkeys(Status, 0)
        for part in self.parts:
            for status, count in part.store.counts(part.run).items():
                total[status] += count
        return total

    def processor(self) -> dict[str, float]:
        """Seconds on processors of each case that was measured."""
        return {case.name: case.processor for _, case in self.cases() if case.processor}

    def clean_cases(self) -> tuple[int, int]:
        """Cases in which nothing failed, known or not, and all of them."""
        names = {case.name for _, case in self.cases()}
        bad = {row.case for row in self.rows() if row.status.bad}
        return len(names - bad), len(names)

    def verdict(self, lines: Sequence[baseline.Known]) -> Verdict:
        return Baseline(lines, self.engine).judge(self.rows(), complete=self.complete)


def newest(stores: Sequence[Store]) -> list[Column]:
    """A whole run hides its parts, and a part (a shard, a pattern) older ones of its own name."""
    chosen: dict[tuple[str, str, str], dict[str, Part]] = {}
    parts = [Part(store, run) for store in stores for run in store.runs()]
    for part in sorted(parts, key=lambda part: part.run.started, reverse=True):
        key = part.run.key
        chosen.setdefault((key.suite, key.personality, key.engine), {}).setdefault(key.part, part)
    return [
        _column([found[""]] if "" in found else list(found.values())) for _, found in sorted(chosen.items())
    ]


def of_runs(parts: Sequence[Part]) -> list[Column]:
    """A column for each of the given runs."""
    return [_column([part]) for part in parts]


def _column(parts: Sequence[Part]) -> Column:
    run = parts[0].run
    return Column(run.key.suite, run.title, run.key.personality, run.key.engine, tuple(parts))


def parse_run(word: str, default: Path) -> Part:
    """`12`, or `FILE#12`, or `FILE` for its newest run.  Raises CompatError."""
    file, _, number = word.rpartition("#") if "#" in word else ("", "", word)
    if not file and not word.isdecimal():
        file, number = word, ""
    store = Store(Path(file) if file else default, create=False)
    if number and not number.isdecimal():
        raise CompatError(f"{word} names no run: write its number, FILE#NUMBER or FILE")
    runs = store.runs()
    if not number and not runs:
        raise CompatError(f"{file} holds no run")
    return Part(store, store.run(int(number)) if number else runs[0])


@dataclass(frozen=True)
class Change:
    """A test that differs between two runs; None: it is in one of them only."""

    name: str
    before: Status | None
    after: Status | None


def differences(before: Column, after: Column) -> list[Change]:
    old = {row.name: row.status for row in before.rows()}
    new = {row.name: row.status for row in after.rows()}
    return [
        Change(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
