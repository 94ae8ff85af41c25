"""`--redact=REGEX`: what matches is overwritten in the records, before anything is made of them."""

from __future__ import annotations

import re

from personality.tracing import layout
from personality.tracing.area import Chunk

_REGISTERS = 64  # bytes before a captured stack


class Redactor:
    """Overwrites every match in what was captured with asterisks of the same length."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern.encode("utf-8", "surrogateescape"), re.DOTALL)

    def chunk(self, chunk: Chunk) -> Chunk:
        data = bytearray(chunk.data)
        position = 0
        while position + layout.RECORD.size <= len(data):
            fields = layout.RECORD.unpack_from(data, position)
            size, kind, count, captures = fields[0], fields[1], fields[3], fields[4]
            if size < 8:
                break  # the reader will say that it is damaged
            if kind in (layout.CALL, layout.DESCRIPTOR):
                self._record(data, position + layout.RECORD.size + 8 * count, captures)
            position += size
        return Chunk(chunk.slot, bytes(data), chunk.open)

    def _record(self, data: bytearray, at: int, captures: int) -> None:
        for _ in range(captures):
            if at + layout.CAPTURE.size > len(data):
                return
            argument, how, _, length = layout.CAPTURE.unpack_from(data, at)
            at += layout.CAPTURE.size
            registers = _REGISTERS if argument == layout.CAPTURE_STACK else 0
            start = at + max(registers, 8 * bool(how & layout.CAPTURE_NESTED))
            if argument != layout.CAPTURE_HOST:
                found = bytes(data[start : at + length])
                data[start : at + length] = self._pattern.sub(lambda m: b"*" * len(m[0]), found)
            at += (length + 7) & ~7
