"""What Go's runtime knows of a program's functions (.gopclntab): there even when symbols were stripped."""

from __future__ import annotations

import bisect
import struct

_MAGIC_118, _MAGIC_120 = 0xFFFFFFF0, 0xFFFFFFF1
_HEADER = struct.Struct("<IHBBQQQQQQQQ")
_PAIR = struct.Struct("<II")


class GoTable:
    """Functions of one image.  Raises ValueError when the section has an unknown form."""

    def __init__(self, data: bytes, text: int) -> None:
        """`text` is where the code starts, for tables that do not say."""
        if len(data) < _HEADER.size:
            raise ValueError("too short")
        (
            magic, _, self._quantum, pointer, count, _files, start, names, _units, _file_names, self._deltas,
            self._functions,
        ) = _HEADER.unpack_from(data)  # fmt: skip
        if magic not in (_MAGIC_118, _MAGIC_120) or pointer != 8:
            raise ValueError(f"unknown form {magic:#x}")
        self._data = data
        self._names = names
        self._text = start or text
        end = self._functions + 8 * count
        self._table = list(_PAIR.iter_unpack(data[self._functions : end]))
        self._starts = [offset for offset, _ in self._table]

    def find(self, place: int) -> tuple[str, int, int] | None:
        """(name, offset in it, bytes of its frame) for an address of the image."""
        offset = place - self._text
        index = bisect.bisect_right(self._starts, offset) - 1
        if offset < 0 or index < 0:
            return None
        start, at = self._table[index]
        entry = self._functions + at
        (name_at,) = struct.unpack_from("<i", self._data, entry + 4)
        (deltas,) = struct.unpack_from("<I", self._data, entry + 16)
        where = self._names + name_at
        name = self._data[where : self._data.index(0, where)].decode("utf-8", "replace")
        return name, offset - start, self._frame(self._deltas + deltas, offset - start)

    def _frame(self, at: int, offset: int) -> int:
        """How far %rsp is below the return address there."""
        value, place = -1, 0
        first = True
        while True:
            delta, at = self._number(at)
            if delta == 0 and not first:
                return 0
            first = False
            value += -(delta >> 1) - 1 if delta & 1 else delta >> 1
            step, at = self._number(at)
            place += step * self._quantum
            if offset < place:
                return max(value, 0)

    def _number(self, at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value, at
