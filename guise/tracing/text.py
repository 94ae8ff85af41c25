"""Events as lines that people know from strace."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from guise.tracing import signal_codes
from guise.tracing.events import CallEvent, EndEvent, Event, LostEvent, SignalEvent
from syscalls.values import (
    Change,
    Data,
    DecodedCall,
    Descriptor,
    Flags,
    Integer,
    Items,
    Members,
    Outcome,
    Pointer,
    Symbol,
    Text,
    Value,
)

_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
_MOST_RECORDS = 16  # of a list; JSON has them all
_MOST_MEMBERS = 8  # of a struct; JSON has them all
_COLOUR = re.compile("\x1b\\[\\d*m")


@dataclass(frozen=True)
class Style:
    """What a line shows.  `times`: "" none, "relative" since the first event, "clock" the time of day."""

    colour: bool = False
    times: str = ""
    durations: bool = False
    column: int = 60
    """Where host calls stand."""


def quote(data: bytes) -> str:
    """Bytes as a C string literal."""
    shown = "".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data)
    return f'"{shown}"'


def _plain(data: bytes) -> str:
    """What a descriptor stands for, between < and >; only a path can have these in it otherwise."""
    hidden = b"<>" if data.startswith(b"/") else b""
    return "".join(chr(b) if 32 <= b < 127 and b not in hidden else f"\\x{b:02x}" for b in data)


def _arguments(decoded: DecodedCall) -> str:
    """NetBSD aligns some arguments by others that mean nothing."""
    return ", ".join(render(value) for name, value in decoded.arguments if name not in ("pad", "PAD"))


def call(decoded: DecodedCall) -> str:
    """A call and how it ended, in one line."""
    return f"{decoded.name}({_arguments(decoded)}) = {outcome(decoded.outcome)}"


def render(value: Value) -> str:
    """One value as text."""
    return _RENDER[type(value)](value)


def _integer(value: Integer) -> str:
    if value.base == 8:
        return f"0{value.value:o}" if value.value else "0"
    return f"{value.value:#x}" if value.base == 16 else str(value.value)


def _flags(value: Flags) -> str:
    parts = list(value.names)
    if value.rest or not parts:
        parts.append(_integer(Integer(value.rest, value.base)) if value.rest else "0")
    return "|".join(parts)


def _data(value: Data) -> str:
    if value.length and not value.data:
        return f"/* {value.length} */"
    return quote(value.data) + ("..." if value.length > len(value.data) else "")


def _pointer(value: Pointer) -> str:
    if value.target is not None:
        return render(value.target)
    return f"{value.address:#x}" if value.address else "NULL"


def _items(value: Items) -> str:
    if value.missing is not None:
        return f"~[{', '.join(map(render, value.missing))}]"
    most = _MOST_RECORDS if value.values and isinstance(value.values[0], Members) else len(value.values)
    shown = [*map(render, value.values[:most])]
    return f"[{', '.join(shown + ['...'] * (value.truncated or most < len(value.values)))}]"


def _members(value: Members) -> str:
    members = value.members[:_MOST_MEMBERS]
    if value.brief:
        there = dict(value.members)
        members = tuple((name, there[name]) for name in value.brief if name in there)
    shown = [f"{name}={render(member)}" for name, member in members]
    return "{" + ", ".join(shown + ["..."] * (len(value.members) > len(members))) + "}"


_RENDER: dict[type, Callable[..., str]] = {
    Integer: _integer,
    Symbol: lambda v: v.name or str(v.value),
    Flags: _flags,
    Descriptor: lambda v: f"{v.value}<{_plain(v.name)}>" if v.name else str(v.value),
    Text: lambda v: quote(v.data) + ("..." if v.truncated else ""),
    Data: _data,
    Pointer: _pointer,
    Items: _items,
    Members: _members,
    Change: lambda v: f"{render(v.before)} => {render(v.after)}",
}


def outcome(value: Outcome) -> str:
    """What stands after the equals sign."""
    if value.state == "done" and value.error:
        text = f" ({value.error_text})" if value.error_text else ""
        return f"-1 {value.error}{text}"
    if value.state == "done" and value.value is not None:
        return render(value.value)
    return {"restarted": "? (interrupted, runs again)", "unfinished": "? (never ended)"}.get(value.state, "?")


class Printer:
    """Renders events; threads are named as soon as there is more than one."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._first = 0
        self._threads: set[int] = set()

    def begin(self) -> str:
        return ""

    def end(self) -> str:
        return ""

    def add(self, event: Event) -> str:
        """Lines, or "" for what text does not show."""
        self._first = self._first or event.start
        self._threads.add(event.thread.thread)
        body = self._body(event)
        if not body:
            return ""
        prefix = f"[{event.thread.thread}] " if len(self._threads) > 1 else ""
        lines = [self._dim(prefix + self._time(event)) + body]
        if isinstance(event, CallEvent):
            lines = self._beside(lines[0], event)
            lines += [self._dim(f" > {frame}") for frame in event.stack]
        return "\n".join(lines) + "\n"

    def _beside(self, line: str, event: CallEvent) -> list[str]:
        """Two columns: the call, and the host calls that it became."""
        if not event.host_calls:
            return [line]
        width = len(_COLOUR.sub("", line))
        gap = " " * max(1, self._style.column - width)
        blank = " " * max(width + 1, self._style.column)
        shown = [self._dim("| " + call(made)) for made in event.host_calls]
        return [line + gap + shown[0], *(blank + more for more in shown[1:])]

    def _time(self, event: Event) -> str:
        if self._style.times == "relative":
            return f"{(event.start - self._first) / 1e9:.6f} "
        if self._style.times == "clock":
            now = event.start + event.thread.real_time
            seconds = now // 1_000_000_000 % 86400
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{now % 10**9 // 1000:06} "
        return ""

    def _body(self, event: Event) -> str:
        if isinstance(event, CallEvent):
            made = event.call
            result = outcome(made.outcome)
            if "result" in event.tampered:
                result += " (injected)"
            elif event.tampered:
                result += f" ({', '.join(event.tampered)} injected)"
            took = self._dim(f" <{event.duration / 1e9:.6f}>") if self._style.durations else ""
            if made.outcome.error:
                result = self._paint("31", result)
            return f"{self._paint('1', made.name)}({_arguments(made)}) = {result}{took}"
        if isinstance(event, SignalEvent):
            code = signal_codes.name(event.name, event.code)
            sender = f", si_pid={event.sender}" if event.sender else ""
            name = event.name or str(event.number)
            return self._paint("33", f"--- {name} {{si_code={code}{sender}}} ---")
        if isinstance(event, EndEvent):
            if event.signal:
                return self._paint("31", f"+++ killed by {event.signal} +++")
            return self._dim(f"+++ exited with {event.status} +++")
        if isinstance(event, LostEvent):
            return self._paint("31", f"+++ {event.count} calls were not recorded here +++")
        return ""

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._style.colour and text else text

    def _dim(self, text: str) -> str:
        return self._paint("2", text)
