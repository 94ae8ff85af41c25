"""The display of a run under way: a bar on a terminal, a line for each case that went wrong elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING

from guise.compat.baseline import Baseline
from guise.compat.model import Result, Status, full_name

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_SHOWN = 5  # failures named for one case while it runs; reports have them all


class Progress:
    """`with Progress(...) as display: display.add(result)`."""

    def __init__(self, title: str, total: int, done: int, known: Baseline) -> None:
        self._title = title
        self._total = total
        self._done = done
        self._known = known
        self._counts: Counter[Status] = Counter()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        if self._done:
            print(f"{self._title}: resuming, {self._done} of {self._total} cases are done", file=sys.stderr)
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[counts]}"),
                progress.TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=self._total, completed=self._done, counts="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, result: Result) -> None:
        """One more case is done."""
        self._done += 1
        self._counts.update(test.status for test in result.tests)
        lines = []
        for test in result.tests:
            name = full_name(result.case, test.name)
            alike = test.natively is not None and test.natively.bad
            if test.status.bad and not alike and self._known.find(name) is None:
                said = (test.message.splitlines() or [""])[0]
                flaky = "flaky, " if test.flaky else ""
                lines.append(f"{flaky}{test.status}: {name}" + (f": {said}" if said else ""))
        if len(lines) > _SHOWN:
            lines[_SHOWN:] = [f"{result.case}: and {len(lines) - _SHOWN} more"]
        if self._bar is not None and self._task is not None:
            from rich.text import Text

            for line in lines:
                self._bar.console.print(Text(line))
            counts = ", ".join(f"{count} {status}" for status, count in self._counts.most_common())
            self._bar.update(self._task, completed=self._done, counts=counts)
        else:
            for line in lines:
                print(f"[{self._done}/{self._total}] {line}", file=sys.stderr)
