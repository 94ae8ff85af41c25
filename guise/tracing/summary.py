"""Counts and times per call (`-c`), and the collapsed stacks that flame graphs are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from guise.tracing.events import CallEvent, Event, Thread

COLUMNS = ("call", "calls", "errors", "total ms", "min us", "median us", "p99 us", "max us")


class Summary:
    """Collects events; `rows` once they are all there."""

    def __init__(self) -> None:
        self._durations: dict[str, list[int]] = {}
        self._errors: dict[str, int] = {}

    def add(self, event: Event) -> None:
        if isinstance(event, CallEvent):
            name = event.call.name
            self._durations.setdefault(name, []).append(event.duration)
            self._errors[name] = self._errors.get(name, 0) + bool(event.call.outcome.error)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """One row per call, the one that took longest first, and the total."""
        order = sorted(self._durations, key=lambda name: -sum(self._durations[name]))
        for name in order:
            yield _row(name, self._durations[name], self._errors[name])
        if len(order) > 1:
            every = [duration for durations in self._durations.values() for duration in durations]
            yield _row("total", every, sum(self._errors.values()))


def _row(name: str, durations: Sequence[int], errors: int) -> tuple[str, ...]:
    ordered = sorted(durations)
    count = len(ordered)
    places = (0, count // 2, min(count - 1, count * 99 // 100), count - 1)
    microseconds = [f"{ordered[place] / 1000:.1f}" for place in places]
    return (name, str(count), str(errors) if errors else "", f"{sum(ordered) / 1e6:.2f}", *microseconds)


def stacks(events: Iterable[Event]) -> Iterator[str]:
    """`program;thread;call microseconds`, one line per distinct stack: the form of Brendan Gregg's tools."""
    totals: dict[str, int] = {}
    for event in events:
        if isinstance(event, CallEvent):
            stack = f"{_frame(event.thread)};thread {event.thread.thread};{event.call.name}"
            totals[stack] = totals.get(stack, 0) + event.duration
    for stack, duration in sorted(totals.items()):
        yield f"{stack} {max(1, duration // 1000)}\n"


def _frame(thread: Thread) -> str:
    name = thread.program.rpartition("/")[2].replace(";", "_").replace(" ", "_")
    return f"{name}[{thread.process}]".encode("utf-8", "surrogateescape").decode("utf-8", "replace")
