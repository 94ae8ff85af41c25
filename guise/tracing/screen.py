"""`guise trace --live`: a terminal view of a run while it goes on, made with Textual.

Processes on the left, calls as they happen on the right, and tabs for the counts and for what the program
writes.  The program has no terminal: it reads nothing, and its output goes to its own tab.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import DataTable, Header, Input, Label, RichLog, TabbedContent, TabPane

from guise.trace_options import Settings
from guise.tracing import ExpressionError, filters, session, text
from guise.tracing.events import Assembler, CallEvent, EndEvent, Event, StartEvent
from guise.tracing.live import Run, end_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guise.sandbox_options import Enter

_KEPT = 20_000
_SHOWN_AT_ONCE = 400
_INTERVAL = 0.1
_ALL = 0


class Totals:
    """Calls, errors and time by name."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}

    def add(self, event: CallEvent) -> None:
        row = self.rows.setdefault(event.call.name, [0, 0, 0, 0])
        row[0] += 1
        row[1] += bool(event.call.outcome.error)
        row[2] += event.duration
        row[3] = max(row[3], event.duration)


class TraceView(App[None]):
    """Shows the events that `events` brings each time it is called; None: there will be no more."""

    TITLE = "guise trace"
    CSS = """
    #processes { width: 34; border-right: solid $primary; }
    #calls, #output { height: 1fr; }
    Horizontal { height: 1fr; }
    #state { height: 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("slash", "filter", "Filter"),
        Binding("escape", "calls", "Calls"),
        Binding("space", "pause", "Pause"),
        Binding("a", "everybody", "All processes"),
    ]

    def __init__(
        self, events: Callable[[], list[Event] | None], output: Callable[[], str], kernels: list[object]
    ) -> None:
        super().__init__()
        self._source = events
        self._output = output
        self._kernels = kernels
        self._printer = text.Printer(text.Style(times="relative", durations=True))
        self._kept: deque[tuple[Event, str]] = deque(maxlen=_KEPT)
        self._totals = Totals()
        self._processes: dict[int, tuple[str, int, str]] = {}
        self._chosen = _ALL
        self._filter: filters.Filter | None = None
        self._search: re.Pattern[str] | None = None
        self._paused = False
        self._waiting: list[str] = []
        self.over = False

    def compose(self) -> ComposeResult:
        yield Header(show_clock=False)
        with Horizontal():
            yield DataTable(id="processes", cursor_type="row")
            with TabbedContent():
                with TabPane("Calls", id="tab-calls"):
                    yield RichLog(id="calls", max_lines=_KEPT, wrap=False)
                with TabPane("Summary", id="tab-summary"):
                    yield DataTable(id="summary", cursor_type="row")
                with TabPane("Output", id="tab-output"):
                    yield RichLog(id="output", max_lines=_KEPT, wrap=True)
        yield Label("", id="state")
        yield Input(
            placeholder="filter: openat,close   %net   errno=ENOENT   path~REGEX   or text", id="filter"
        )

    def on_mount(self) -> None:
        self.query_one("#processes", DataTable).add_columns("process", "calls", "program")
        self.query_one("#summary", DataTable).add_columns("call", "calls", "errors", "total ms", "max ms")
        self.query_one("#calls").focus()
        self.set_interval(_INTERVAL, self._tick)

    def _tick(self) -> None:
        events = [] if self.over else self._source()
        if events is None:
            self.over = True
            events = []
        for event in events:
            self._take(event)
        self._refill()
        said = self._output()
        if said:
            self.query_one("#output", RichLog).write(said.rstrip("\n"))
        if events or self.over:
            self._show_processes()
            self._show_summary()
        state = "ended" if self.over else "paused" if self._paused else "running"
        count = sum(row[0] for row in self._totals.rows.values())
        self.query_one("#state", Label).update(f" {state}   {count} calls   {len(self._processes)} processes")

    def _take(self, event: Event) -> None:
        process = event.thread.process
        program, calls, state = self._processes.get(process, ("", 0, ""))
        if isinstance(event, StartEvent):
            program = event.thread.program.rpartition("/")[2]
        elif isinstance(event, EndEvent):
            state = event.signal or f"exit {event.status}"
        elif isinstance(event, CallEvent):
            calls += 1
            self._totals.add(event)
        self._processes[process] = (program, calls, state)
        line = self._printer.add(event).removesuffix("\n")
        if not line:
            return
        self._kept.append((event, line))
        if self._passes(event, line):
            self._waiting.append(line)

    def _passes(self, event: Event, line: str) -> bool:
        if self._chosen not in (_ALL, event.thread.process):
            return False
        if self._search is not None and not self._search.search(line):
            return False
        if self._filter is None or not isinstance(event, CallEvent):
            return self._filter is None
        return self._filter.accepts(event)

    def _refill(self) -> None:
        """A terminal shows so many lines at a time; the newest are what it shows."""
        if self._paused or not self._waiting:
            return
        log = self.query_one("#calls", RichLog)
        for line in self._waiting[-_SHOWN_AT_ONCE:]:
            log.write(line)
        self._waiting.clear()

    def _again(self) -> None:
        """From what is kept, with another filter."""
        self.query_one("#calls", RichLog).clear()
        self._waiting = [line for event, line in self._kept if self._passes(event, line)]
        self._refill()

    def _show_processes(self) -> None:
        table = self.query_one("#processes", DataTable)
        row = table.cursor_row
        table.clear()
        for process, (program, calls, state) in self._processes.items():
            table.add_row(str(process), str(calls), f"{program} {state}".strip(), key=str(process))
        if row < table.row_count:
            table.move_cursor(row=row)

    def _show_summary(self) -> None:
        table = self.query_one("#summary", DataTable)
        table.clear()
        for name, (calls, errors, total, most) in sorted(
            self._totals.rows.items(), key=lambda item: -item[1][2]
        ):
            table.add_row(name, str(calls), str(errors or ""), f"{total / 1e6:.2f}", f"{most / 1e6:.3f}")

    def on_data_table_row_selected(self, chosen: DataTable.RowSelected) -> None:
        if chosen.data_table.id == "processes" and chosen.row_key.value:
            self._chosen = int(chosen.row_key.value)
            self._again()

    def on_input_submitted(self, entered: Input.Submitted) -> None:
        self._filter = self._search = None
        wanted = entered.value.strip()
        if wanted:
            try:
                self._filter = filters.parse([wanted], self._kernels)  # type: ignore[arg-type]
            except ExpressionError as error:
                try:
                    self._search = re.compile(wanted)
                except re.error:
                    self.notify(str(error), severity="error")
                else:
                    self.notify("no filter: searching for this text")
        self._again()
        self.query_one("#calls").focus()

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def action_calls(self) -> None:
        self.query_one("#calls").focus()

    def action_pause(self) -> None:
        self._paused = not self._paused
        self._refill()

    def action_everybody(self) -> None:
        self._chosen = _ALL
        self._again()


def _batches(rounds: Iterator[list[Event]]) -> Callable[[], list[Event] | None]:
    return lambda: next(rounds, None)


def show(settings: Settings, enter: Enter | None) -> int:
    """Until the user quits; the program's own status.  Raises ExpressionError and LaunchError."""
    if settings.show:
        return _show_recording(settings)
    plan = session.Plan(settings, enter)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)

    def detach() -> None:
        null = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate((null, writer, writer)):
            os.dup2(descriptor, number)
        os.setsid()

    run = plan.start(detach, foreground=False)
    os.close(writer)
    kernels = session.kernels()
    assembler = Assembler(tuple(abi.kernel for abi in kernels), wants=_wants(plan.chosen))
    view = TraceView(_batches(_live_events(run, assembler, plan)), lambda: _read(reader), list(kernels))
    view.run()
    if not view.over:
        run.kill()
    run.abandon()
    return end_as(run.status) if view.over else 0


def _wants(chosen: filters.Filter | None) -> Callable[..., bool] | None:
    if chosen is None or not chosen.needs_reader:
        return None
    return lambda thread, record, names: chosen.wants(thread.process, thread.thread, names, record)


def _live_events(run: Run, assembler: Assembler, plan: session.Plan) -> Iterator[list[Event]]:
    for chunks in run.rounds(patient=False):
        yield list(assembler.round(plan.redacted(chunks)))
    yield list(assembler.round([], last=True))


def _show_recording(settings: Settings) -> int:
    from guise.tracing import recorded
    from personality.tracing.recording import Reader

    chosen = session.chosen(settings)
    with open(settings.show, "rb") as file:
        reader = Reader(file, settings.show)
        events = [event for event in recorded.events(reader) if chosen is None or _accepted(chosen, event)]
    batches = iter([events[at : at + 5000] for at in range(0, len(events), 5000)])
    TraceView(_batches(batches), lambda: "", list(session.kernels())).run()
    return 0


def _accepted(chosen: filters.Filter, event: Event) -> bool:
    return not isinstance(event, CallEvent) or chosen.accepts(event)


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, 65536).decode("utf-8", "replace")
    except BlockingIOError:
        return ""
