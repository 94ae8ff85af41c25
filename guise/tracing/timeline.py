"""Events in the JSON form that Chrome's and Perfetto's viewers load: one track per thread."""

from __future__ import annotations

import json
from collections.abc import Iterator

from guise.tracing import text
from guise.tracing.events import CallEvent, EndEvent, Event, LostEvent, SignalEvent, StartEvent


class Timeline:
    """One file.  Times there are microseconds since the first event: since the host's start they would be too
    large, after some weeks, for the nanoseconds behind the point, and calls would seem to overlap.
    """

    def __init__(self) -> None:
        self._separator = ""
        self._first: int | None = None

    def begin(self) -> str:
        return '{"displayTimeUnit":"ns","traceEvents":[\n'

    def add(self, event: Event) -> str:
        pieces = []
        if self._first is None:
            self._first = event.start
        for entry in _entries(event, self._first):
            pieces.append(self._separator + json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
            self._separator = ",\n"
        return "".join(pieces)

    def end(self) -> str:
        return "\n]}\n"


def _entries(event: Event, first: int) -> Iterator[dict[str, object]]:
    thread = event.thread
    since = (event.start - first) / 1000
    where: dict[str, object] = {"pid": thread.process, "tid": thread.thread, "ts": since}
    if isinstance(event, StartEvent):
        name = thread.program.rpartition("/")[2].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        label = {"name": f"{name} ({thread.kernel})"}
        yield {"ph": "M", "name": "process_name", **where, "args": label}
        yield {"ph": "M", "name": "thread_name", **where, "args": {"name": f"{name} {thread.thread}"}}
    elif isinstance(event, CallEvent):
        arguments: dict[str, object] = {name: text.render(value) for name, value in event.call.arguments}
        arguments["result"] = text.outcome(event.call.outcome)
        if event.tampered:
            arguments["tampered"] = ", ".join(event.tampered)
        if event.stack:
            arguments["callers"] = list(event.stack)
        yield {
            "ph": "X", "name": event.call.name, "cat": ",".join(sorted(event.call.tags)) or "call", **where,
            "dur": event.duration / 1000, "args": arguments,
        }  # fmt: skip
    elif isinstance(event, SignalEvent):
        yield {"ph": "i", "s": "t", "name": event.name or str(event.number), "cat": "signal", **where}
    elif isinstance(event, EndEvent):
        name = f"killed by {event.signal}" if event.signal else f"exit {event.status}"
        yield {"ph": "i", "s": "p", "name": name, "cat": "process", **where}
    elif isinstance(event, LostEvent):
        yield {"ph": "i", "s": "t", "name": f"{event.count} calls lost", "cat": "lost", **where}
