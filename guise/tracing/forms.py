"""The forms of output: each takes events one after the other and gives text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from guise.tracing.events import Event


class Form(Protocol):
    """`begin`, then `add` for each event, then `end`: pieces of one file."""

    def begin(self) -> str: ...
    def add(self, event: Event) -> str: ...
    def end(self) -> str: ...


Factory = Callable[[], Form]


def factory(form: str, *, colour: bool, times: str, durations: bool) -> Factory:
    """How to make the form of that name; only what is used is imported."""
    if form == "json":
        from guise.tracing.ndjson import Lines

        return Lines
    if form == "chrome":
        from guise.tracing.timeline import Timeline

        return Timeline
    if form in ("stacks", "speedscope"):
        from guise.tracing.flames import Collapsed, Speedscope

        return Collapsed if form == "stacks" else Speedscope
    from guise.tracing import text

    return lambda: text.Printer(text.Style(colour, times, durations))
