"""Records as the runtime wrote them: bytes in, small values out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from personality.tracing import layout


class Capture(NamedTuple):
    """What one argument pointed at: `data`, taken at the call's entry or (`out`) at its end."""

    argument: int
    data: bytes
    out: bool
    truncated: bool
    fault: bool


class Record(NamedTuple):
    """One record.  Times in ns of CLOCK_MONOTONIC; `result` as the runtime's handlers return it."""

    kind: int
    state: int
    number: int
    kernel: int
    start: int
    duration: int
    result: int
    second: int
    values: tuple[int, ...]
    captures: tuple[Capture, ...]

    @property
    def end(self) -> int:
        return self.start + self.duration


class DamagedRecord(Exception):
    """The bytes cannot be a record."""


def parse(data: bytes) -> Iterator[Record]:
    """The records in `data`, gaps left out.  Raises DamagedRecord."""
    position = 0
    while position < len(data):
        if len(data) - position < 8:
            raise DamagedRecord("a record is cut off")
        size = int.from_bytes(data[position : position + 4], "little")
        if size < 8 or size % 8 or position + size > len(data):
            raise DamagedRecord(f"a record of {size} bytes where {len(data) - position} are left")
        if data[position + 4] != layout.PAD:
            yield _record(data, position, size)
        position += size


def _record(data: bytes, position: int, size: int) -> Record:
    end = position + size
    if size < layout.RECORD.size:
        raise DamagedRecord(f"a record of {size} bytes")
    (
        _size, kind, state, count, captures, number, kernel, start, duration, result, second,
    ) = layout.RECORD.unpack_from(data, position)  # fmt: skip
    at = position + layout.RECORD.size
    if at + 8 * count > end:
        raise DamagedRecord("a record's arguments are cut off")
    values = tuple(int.from_bytes(data[at + 8 * i : at + 8 * i + 8], "little") for i in range(count))
    at += 8 * count
    found = []
    for _ in range(captures):
        if at + layout.CAPTURE.size > end:
            raise DamagedRecord("a record's data is cut off")
        argument, flags, _pad, length = layout.CAPTURE.unpack_from(data, at)
        at += layout.CAPTURE.size
        if at + length > end:
            raise DamagedRecord("a record's data is cut off")
        found.append(
            Capture(
                argument,
                data[at : at + length],
                bool(flags & layout.CAPTURE_OUT),
                bool(flags & layout.CAPTURE_TRUNCATED),
                bool(flags & layout.CAPTURE_FAULT),
            )
        )
        at += (length + 7) & ~7
    return Record(kind, state, number, kernel, start, duration, result, second, values, tuple(found))
