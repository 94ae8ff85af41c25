"""Results in SQLite, saved case by case: what a stopped run resumes from, and the history for reports."""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guise.compat.baseline import Row
from guise.compat.model import CompatError, Result, Status, full_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, suite TEXT NOT NULL, title TEXT NOT NULL, personality TEXT NOT NULL,
    engine TEXT NOT NULL, digest TEXT NOT NULL, part TEXT NOT NULL, started REAL NOT NULL, ended REAL,
    planned INTEGER NOT NULL, machine TEXT NOT NULL, pid INTEGER NOT NULL, baseline TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cases (
    run INTEGER NOT NULL REFERENCES runs(id), name TEXT NOT NULL, seconds REAL NOT NULL,
    processor REAL NOT NULL, trace BLOB NOT NULL,
    memory INTEGER NOT NULL, exit INTEGER NOT NULL, signal INTEGER NOT NULL, attempts INTEGER NOT NULL,
    note TEXT NOT NULL, output BLOB NOT NULL, PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tests (
    run INTEGER NOT NULL, case_name TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
    seconds REAL NOT NULL, flaky INTEGER NOT NULL, message TEXT NOT NULL, natively TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tests_of_run ON tests (run, case_name);
"""
_VERSION = 2
_UPGRADES = {
    1: """
ALTER TABLE cases ADD COLUMN processor REAL NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN trace BLOB NOT NULL DEFAULT x'';
ALTER TABLE tests ADD COLUMN natively TEXT NOT NULL DEFAULT '';
PRAGMA user_version = 2;
"""
}


@dataclass(frozen=True)
class Key:
    """What makes two runs the same work.  `part` holds shard and pattern, "" for the whole suite."""

    suite: str
    personality: str
    engine: str
    digest: str
    part: str = ""


@dataclass(frozen=True)
class Run:
    """One line of the history; `ended` is 0 while it is under way or was stopped."""

    id: int
    key: Key
    title: str
    started: float
    ended: float
    planned: int
    machine: str
    baseline: str


@dataclass(frozen=True)
class CaseRow:
    """One case without its output."""

    name: str
    seconds: float
    processor: float
    memory: int
    exit: int
    signal: int
    attempts: int
    note: str


def default_path() -> Path:
    """$XDG_STATE_HOME/guise/compat.sqlite."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "guise" / "compat.sqlite"


class Store:
    """An open store; every method raises sqlite3.Error only when the file itself is damaged or full."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        if not create and not path.exists():
            raise CompatError(f"there are no results in {path}: `guise compat run SUITE` makes some")
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            while version in _UPGRADES:
                self._db.executescript(f"BEGIN; {_UPGRADES[version]} COMMIT;")
                version += 1
            if version not in (0, _VERSION):
                raise CompatError(f"{path} was written by another version of Guise: name another --store")
            if version == 0:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.executescript(_SCHEMA)
                self._db.execute(f"PRAGMA user_version={_VERSION}")
            self._db.execute("PRAGMA synchronous=NORMAL")
        except (OSError, sqlite3.Error) as error:
            raise CompatError(f"{path} cannot hold results: {error}") from None

    def close(self) -> None:
        self._db.close()

    def begin(
        self, key: Key, title: str, baseline: Path, planned: int, *, fresh: bool = False
    ) -> tuple[Run, set[str]]:
        """A new run, or the stopped one of the same key with the cases that it has.  Raises CompatError."""
        for run in [] if fresh else self.runs():
            if run.key == key and not run.ended:
                self._take_over(run)
                done = self._db.execute("SELECT name FROM cases WHERE run = ?", (run.id,))
                return run, {name for (name,) in done}
        with self._db:
            cursor = self._db.execute(
                "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
                (
                    key.suite, title, key.personality, key.engine, key.digest, key.part, time.time(), planned,
                    os.uname().nodename, os.getpid(), str(baseline),
                ),
            )  # fmt: skip
        return self.run(cursor.lastrowid or 0), set()

    def _take_over(self, run: Run) -> None:
        (pid,) = self._db.execute("SELECT pid FROM runs WHERE id = ?", (run.id,)).fetchone()
        if run.machine == os.uname().nodename and pid != os.getpid() and _is_guise(pid):
            raise CompatError(
                f"run {run.id} of {run.key.suite} is under way (process {pid}): wait, or use --fresh"
            )
        with self._db:
            self._db.execute("UPDATE runs SET pid = ? WHERE id = ?", (os.getpid(), run.id))

    def save(self, run: Run, result: Result) -> None:
        """One case, all or nothing."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO cases (run, name, seconds, processor, memory, exit, signal, attempts,"
                " note, output, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.id, result.case, result.seconds, result.processor, result.memory, result.exit,
                    result.signal, result.attempts, result.note, zlib.compress(result.output, 6),
                    zlib.compress(result.trace, 6) if result.trace else b"",
                ),
            )  # fmt: skip
            self._db.execute("DELETE FROM tests WHERE run = ? AND case_name = ?", (run.id, result.case))
            self._db.executemany(
                "INSERT INTO tests (run, case_name, name, status, seconds, flaky, message, natively)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        run.id,
                        result.case,
                        test.name,
                        test.status,
                        test.seconds,
                        test.flaky,
                        test.message,
                        test.natively or "",
                    )
                    for test in result.tests
                ],
            )

    def finish(self, run: Run) -> None:
        with self._db:
            self._db.execute("UPDATE runs SET ended = ? WHERE id = ?", (time.time(), run.id))

    def runs(self) -> list[Run]:
        """The newest first."""
        rows = self._db.execute(
            "SELECT id, suite, personality, engine, digest, part, title, started, ended, planned, machine,"
            " baseline FROM runs ORDER BY id DESC"
        )
        return [Run(row[0], Key(*row[1:6]), row[6], row[7], row[8] or 0.0, *row[9:]) for row in rows]

    def run(self, number: int) -> Run:
        """Raises CompatError."""
        for run in self.runs():
            if run.id == number:
                return run
        raise CompatError(f"there is no run {number} in {self.path}: `guise compat runs` lists them")

    def rows(self, run: Run) -> Iterator[Row]:
        """Every test of a run."""
        for case, name, status, seconds, flaky, message, natively in self._db.execute(
            "SELECT case_name, name, status, seconds, flaky, message, natively FROM tests WHERE run = ?"
            " ORDER BY case_name, rowid",
            (run.id,),
        ):
            there = Status(natively) if natively else None
            yield Row(full_name(case, name), case, Status(status), seconds, bool(flaky), message, there)

    def counts(self, run: Run) -> dict[Status, int]:
        rows = self._db.execute("SELECT status, count(*) FROM tests WHERE run = ? GROUP BY status", (run.id,))
        return {Status(status): count for status, count in rows}

    def cases(self, run: Run) -> Iterator[CaseRow]:
        for row in self._db.execute(
            "SELECT name, seconds, processor, memory, exit, signal, attempts, note FROM cases WHERE run = ?"
            " ORDER BY name",
            (run.id,),
        ):
            yield CaseRow(*row)

    def output(self, run: Run, case: str) -> bytes:
        """What is kept of what it printed."""
        return self._blob("output", run, case)

    def trace(self, run: Run, case: str) -> bytes:
        """The calls that it made, as text, if it was traced."""
        return self._blob("trace", run, case)

    def _blob(self, column: str, run: Run, case: str) -> bytes:
        row = self._db.execute(
            f"SELECT {column} FROM cases WHERE run = ? AND name = ?", (run.id, case)
        ).fetchone()
        return zlib.decompress(row[0]) if row and row[0] else b""


def _is_guise(pid: int) -> bool:
    try:
        return b"compat" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
