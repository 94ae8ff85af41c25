"""The terminal view, driven without a terminal: what it shows of a run, and what its filter leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from guise.tracing import recorded
from guise.tracing.events import Event
from personality.tracing.recording import Reader
from syscalls import load

pytest.importorskip("textual", reason="needs Textual: pip install 'guise[live]'")

from textual.widgets import DataTable, Input, RichLog

from guise.tracing.screen import TraceView


def test_calls_processes_summary_and_filter(recording: Path) -> None:
    with recording.open("rb") as file:
        batches = iter([list(recorded.events(Reader(file, str(recording))))])

    async def scenario() -> None:
        def more() -> list[Event] | None:
            return next(batches, None)

        view = TraceView(more, lambda: "", [load("freebsd"), load("linux")])
        async with view.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.5)
            log = view.query_one("#calls", RichLog)
            everything = "\n".join(line.text for line in log.lines)
            assert "connect(" in everything
            assert "+++ exited with 5 +++" in everything
            assert view.query_one("#processes", DataTable).row_count == 3
            summary = view.query_one("#summary", DataTable)
            rows = {summary.get_row_at(i)[0] for i in range(summary.row_count)}
            assert {"open", "wait4", "fork"} <= rows
            await pilot.press("slash")
            view.query_one("#filter", Input).value = "errno=EFAULT"
            await pilot.press("enter")
            await pilot.pause(0.3)
            shown = [line.text for line in log.lines]
            assert len(shown) == 1
            assert "EFAULT" in shown[0]
            await pilot.press("q")

    asyncio.run(scenario())
