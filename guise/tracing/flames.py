"""Where the time of calls goes, for flame graphs: collapsed stacks, and speedscope's own form.

With user-space stacks (-k) a call stands on its callers; without, on its thread.
"""

from __future__ import annotations

import json

from guise.tracing.events import CallEvent, Event, Thread

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def _frames(event: CallEvent) -> tuple[str, ...]:
    """Outermost first."""
    callers = tuple(_plain(frame) for frame in reversed(event.stack))
    return (_program(event.thread), f"thread {event.thread.thread}", *callers, event.call.name)


def _program(thread: Thread) -> str:
    return _plain(f"{thread.program.rpartition('/')[2]}[{thread.process}]")


def _plain(text: str) -> str:
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return shown.replace(";", "_").replace("\n", "_")


class Collapsed:
    """`program;thread;...;call microseconds`, one line per stack, as flamegraph.pl reads it."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, ...], int] = {}

    def begin(self) -> str:
        return ""

    def add(self, event: Event) -> str:
        if isinstance(event, CallEvent):
            frames = _frames(event)
            self._totals[frames] = self._totals.get(frames, 0) + event.duration
        return ""

    def end(self) -> str:
        lines = (
            f"{';'.join(frame.replace(' ', '_') for frame in frames)} {max(1, total // 1000)}\n"
            for frames, total in sorted(self._totals.items())
        )
        return "".join(lines)


class Speedscope:
    """One profile per thread, in the order of time: each call is a sample that weighs what it took."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._threads: dict[tuple[int, int], tuple[str, list[list[int]], list[int]]] = {}

    def begin(self) -> str:
        return ""

    def add(self, event: Event) -> str:
        if isinstance(event, CallEvent):
            key = (event.thread.process, event.thread.thread)
            name = f"{_program(event.thread)} thread {event.thread.thread}"
            _, samples, weights = self._threads.setdefault(key, (name, [], []))
            frames = _frames(event)[2:]
            samples.append([self._numbers.setdefault(frame, len(self._numbers)) for frame in frames])
            weights.append(event.duration)
        return ""

    def end(self) -> str:
        profiles = [
            {
                "type": "sampled", "name": name, "unit": "nanoseconds", "startValue": 0,
                "endValue": sum(weights), "samples": samples, "weights": weights,
            }
            for name, samples, weights in self._threads.values()
        ]  # fmt: skip
        whole = {
            "$schema": _SCHEMA, "exporter": "guise trace", "name": "guise trace", "activeProfileIndex": 0,
            "shared": {"frames": [{"name": name} for name in self._numbers]}, "profiles": profiles,
        }  # fmt: skip
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"
