"""Records as the runtime wrote them: bytes in, small values out."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from personality.tracing import layout


class Capture(NamedTuple):
    """What one argument pointed at: `data`, taken at the call's entry or (`out`) at its end.

    `address` is not 0 for what was behind a pointer in a struct.
    """

    argument: int
    data: bytes
    out: bool
    truncated: bool
    fault: bool
    address: int = 0


class Record(NamedTuple):
    """One record.  Times in ns of CLOCK_MONOTONIC; `result` as the runtime's handlers return it."""

    kind: int
    state: int
    number: int
    kernel: int
    flags: int
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
            yield one(data, position, size)
        position += size


def one(data: bytes, position: int, size: int) -> Record:
    """The record of `size` bytes at a position.  Raises DamagedRecord."""
    end = position + size
    if size < layout.RECORD.size:
        raise DamagedRecord(f"a record of {size} bytes")
    (
        _size, kind, state, count, captures, number, kernel, flags, start, duration, result, second,
    ) = layout.RECORD.unpack_from(data, position)  # fmt: skip
    at = position + layout.RECORD.size
    if at + 8 * count > end:
        raise DamagedRecord("a record's arguments are cut off")
    values = _WORDS[count].unpack_from(data, at) if count < len(_WORDS) else ()
    at += 8 * count
    found = []
    for _ in range(captures):
        if at + layout.CAPTURE.size > end:
            raise DamagedRecord("a record's data is cut off")
        argument, how, _pad, length = layout.CAPTURE.unpack_from(data, at)
        at += layout.CAPTURE.size
        if at + length > end:
            raise DamagedRecord("a record's data is cut off")
        address, bytes_ = 0, data[at : at + length]
        if how & layout.CAPTURE_NESTED:
            address, bytes_ = int.from_bytes(bytes_[:8], "little"), bytes_[8:]
        found.append(
            Capture(
                argument,
                bytes_,
                bool(how & layout.CAPTURE_OUT),
                bool(how & layout.CAPTURE_TRUNCATED),
                bool(how & layout.CAPTURE_FAULT),
                address,
            )
        )
        at += (length + 7) & ~7
    return Record(
        kind, state, number, kernel, flags, start, duration, result, second, values, tuple(found)
    )  # fmt: skip


_WORDS = tuple(struct.Struct(f"<{count}Q") for count in range(17))
