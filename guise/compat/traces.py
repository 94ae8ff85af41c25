"""What recordings of a case's calls say: the calls as text, and where the guest's and the host's part.

Two kernels' programs never make the same calls: their libraries differ, and their threads run in no
certain order.  So calls are compared by what they name: the first call with a path (or with text for a
terminal) that both programs make, and that ends otherwise for the guest, is where to look.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from guise.tracing import recorded, text
from guise.tracing.events import CallEvent, Event
from personality.tracing import recording, records
from syscalls.values import Change, Data, Items, Members, Pointer, Text, Value

_KEPT = 256 << 10  # bytes of text
# One name for calls that do the same: kernels and their libraries prefer different ones.
_SAME = {
    "open": "openat",
    "stat": "fstatat",
    "lstat": "fstatat",
    "newfstatat": "fstatat",
    "statx": "fstatat",
    "access": "faccessat",
    "eaccess": "faccessat",
    "faccessat2": "faccessat",
    "readlink": "readlinkat",
    "mkdir": "mkdirat",
    "rmdir": "unlinkat",
    "unlink": "unlinkat",
    "rename": "renameat",
    "renameat2": "renameat",
    "link": "linkat",
    "symlink": "symlinkat",
    "chmod": "fchmodat",
    "fchmodat2": "fchmodat",
    "chown": "fchownat",
    "lchown": "fchownat",
    "mknod": "mknodat",
    "fexecve": "execve",
}
_VERSION = re.compile(r"^(freebsd\d+|compat_\d+|__?)_?|_?\d+$")
_FOLDER = re.compile(rb"guise-compat-[^/]+")


def as_text(data: bytes) -> bytes:
    """A recording as lines, the last ones of a long one."""
    kept: list[str] = []
    size = dropped = 0
    printer = text.Printer(text.Style(durations=True))
    for event in _events(data):
        line = printer.add(event).removesuffix("\n")
        if not line:
            continue
        kept.append(line)
        size += len(line) + 1
        while size > _KEPT:
            size -= len(kept[dropped]) + 1
            dropped += 1
    lines = kept[dropped:]
    if dropped:
        lines.insert(0, f"[{dropped} calls before these are left out]")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def first_difference(guest: bytes, native: bytes) -> str:
    """The first call that both make and that ends otherwise for the guest; "" when there is none."""
    ended: dict[tuple[str, tuple[bytes, ...]], list[str]] = defaultdict(list)
    for call in _calls(native):
        ended[_key(call)].append(_ending(call))
    made: dict[tuple[str, tuple[bytes, ...]], int] = defaultdict(int)
    for call in _calls(guest):
        key = _key(call)
        at, made[key] = made[key], made[key] + 1
        if at < len(ended[key]) and ended[key][at] != _ending(call):
            arguments = ", ".join(text.render(value) for _, value in call.call.arguments)
            return f"{call.call.name}({arguments}) ends with {_ending(call)}, natively with {ended[key][at]}"
    return ""


def _events(data: bytes) -> Iterator[Event]:
    """Up to the last whole one: a recording may have been cut."""
    try:
        yield from recorded.events(recording.Reader(io.BytesIO(data), "the recording"))
    except (recording.RecordingError, records.DamagedRecord):
        return


def _calls(data: bytes) -> Iterator[CallEvent]:
    """Those that say something to compare, in the order in which they were made."""
    calls = [event for event in _events(data) if isinstance(event, CallEvent) and _key(event)[1]]
    return iter(sorted(calls, key=lambda event: event.start))


def _key(event: CallEvent) -> tuple[str, tuple[bytes, ...]]:
    name = _VERSION.sub("", event.call.name)
    strings: list[bytes] = []
    for _, value in event.call.arguments:
        _collect(value, strings, console=name in ("write", "pwrite"))
    return _SAME.get(name, name), tuple(_FOLDER.sub(b"guise-compat", string) for string in strings)


def _collect(value: Value, found: list[bytes], *, console: bool) -> None:
    if isinstance(value, Text) or (console and isinstance(value, Data)):
        found.append(value.data)
    elif isinstance(value, Pointer) and value.target is not None:
        _collect(value.target, found, console=console)
    elif isinstance(value, Change):
        _collect(value.before, found, console=console)
    elif isinstance(value, Items | Members):
        parts: Iterable[Value] = (
            value.values if isinstance(value, Items) else (member for _, member in value.members)
        )
        for part in parts:
            _collect(part, found, console=console)


def _ending(event: CallEvent) -> str:
    return event.call.outcome.error or "success"
