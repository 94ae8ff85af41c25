"""`pytest -p guise.compat.pytest_plugin --guise my-suite.toml`: a suite's cases as pytest's own tests.

For projects whose CI, editors and habits are pytest's: selection by -k, -x, xdist and reports work as ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guise.compat import planning, readers, suite
from guise.compat.backends import Worker
from guise.compat.baseline import Baseline, load
from guise.compat.model import CompatError, Ended, Status, full_name


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("guise", "programs for other kernels")
    group.addoption(
        "--guise", action="store_true", help="collect the cases of suites (*.toml) that are named"
    )
    group.addoption("--guise-engine", default="native", choices=("native", "ptrace"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    wanted = parent.config.getoption("--guise") and parent.session.isinitpath(file_path)
    if wanted and file_path.suffix == ".toml":
        file: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
        return file
    return None


class SuiteFile(pytest.File):
    """A suite; its cases are built when they run."""

    def collect(self) -> Iterator[CaseItem]:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        engine = self.config.getoption("--guise-engine")
        try:
            chosen = suite.load(self.path)
            mode = planning.Mode(chosen.personality, engine)
            cases = planning.plan(chosen, mode, Path(cache) / "guise" / "compat")
            known = Baseline(load(chosen.baseline_of(mode.kernel)), engine)
        except CompatError as error:
            raise self.CollectError(str(error)) from None
        for planned in cases:
            yield CaseItem.from_parent(self, name=planned.name, planned=planned, known=known)


class CaseFailed(Exception):
    """What failed in a case and is not known to."""


class CaseItem(pytest.Item):
    """One case: it fails when a test in it fails that is not a known failure."""

    def __init__(self, *, planned: planning.Planned, known: Baseline, **others: Any) -> None:
        super().__init__(**others)
        self._planned = planned
        self._known = known

    def runtest(self) -> None:
        case = self._planned.prepare()
        runs: tuple[Ended, ...] = (Ended(stopped="start", reason=case.problem),)
        if not case.problem:
            worker = Worker()
            try:
                runs = worker.run(case.commands)
            finally:
                worker.close()
        tests = readers.read(self._planned.recipe.reader, runs)
        self.add_report_section("call", "output", runs[0].text)
        bad = [
            test
            for test in tests
            if test.status.bad and self._known.find(full_name(self.name, test.name)) is None
        ]
        if bad:
            raise CaseFailed(
                "\n".join(
                    f"{test.status}: {full_name(self.name, test.name)}: {test.message}".rstrip(": ")
                    for test in bad
                )
            )
        if tests and all(test.status in (Status.SKIPPED, Status.UNSUPPORTED) for test in tests):
            pytest.skip(tests[0].message or "skipped")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, CaseFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
