"""Counts and times of calls without decoding any: for summaries and profiles, at memory speed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from personality import _core
from personality.tracing import records

ALL = 0xFFFFFFFF
"""The kernel and number of an entry that is about all calls."""

_ROOM = 1024
_NO_MEMORY = -2


@dataclass(frozen=True, slots=True)
class Entry:
    """`process` 0: of all processes.  Times in ns; `moved` is the sum of results above 0."""

    process: int
    kernel: int
    number: int
    calls: int
    errors: int
    total: int
    least: int
    median: int
    high: int
    most: int
    moved: int


class Tally:
    """Collects calls, by call and by process."""

    def __init__(self) -> None:
        self._tally = _core.ffi.gc(_core.lib.core_tally_new(), _core.lib.core_tally_free)
        self._others = _core.ffi.new("unsigned[]", _ROOM)
        self._count = _core.ffi.new("unsigned *")
        self._entry = _core.ffi.new("long long[11]")

    def scan(self, data: bytes, slot: int) -> Iterator[records.Record]:
        """Count the calls among one slot's records; yields the records that are no calls.

        Raises records.DamagedRecord and MemoryError.
        """
        while data:
            done = _core.lib.core_tally_scan(
                self._tally, data, len(data), slot, self._others, _ROOM, self._count
            )
            self._check(done)
            for at in self._others[0 : self._count[0]]:
                yield records.one(data, at, int.from_bytes(data[at : at + 4], "little"))
            data = data[done:]

    def enter(self, process: int, record: records.Record) -> None:
        """Count one call.  Raises MemoryError."""
        self._check(
            _core.lib.core_tally_enter(
                self._tally, process, record.kernel, record.number, record.duration, record.result
            )
        )

    def entries(self) -> list[Entry]:
        found = []
        for i in range(_core.lib.core_tally_count(self._tally)):
            _core.lib.core_tally_entry(self._tally, i, self._entry)
            found.append(Entry(*self._entry))
        return found

    @staticmethod
    def _check(done: int) -> None:
        if done == _NO_MEMORY:
            raise MemoryError
        if done < 0:
            raise records.DamagedRecord("the bytes are no records")
