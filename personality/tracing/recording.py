"""Recordings (`.guise` files): what the rings held, copied as it was, so that recording costs little.

A file is a header line of JSON and then chunks, each with a small head of its own.  A recording whose
writer was killed, or whose disk was full, is read up to its last whole chunk.
"""

from __future__ import annotations

import os
import struct
from _json import encode_basestring_ascii as quoted  # `json` reads as well, and takes long to import

from personality.tracing import layout
from personality.tracing.area import Chunk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Final

SIGNATURE: Final = b"GUISE-TRACE\n"
FORMAT = 1
_CHUNK = struct.Struct("<4sIQ")
_DATA, _OPEN, _END = b"DATA", b"OPEN", b"DONE"
_LARGEST_CHUNK = 1 << 30


class RecordingError(Exception):
    """The file is no recording that can be read: one sentence."""


class Header:
    """What every chunk of a recording needs to be understood."""

    __slots__ = ("command", "kernels", "records")

    def __init__(
        self, kernels: tuple[str, ...], command: tuple[str, ...], records: int = layout.VERSION
    ) -> None:
        self.kernels = kernels
        self.command = command
        self.records = records


class Ending:
    """How the run ended: the program's wait status, and how many calls were not recorded."""

    __slots__ = ("lost", "status")

    def __init__(self, status: int, lost: int) -> None:
        self.status = status
        self.lost = lost


class Writer:
    """Writes a recording to an open descriptor.  Raises OSError when the disk is full."""

    def __init__(self, descriptor: int, header: Header) -> None:
        self._descriptor = descriptor
        kernels = ", ".join(map(quoted, header.kernels))
        command = ", ".join(quoted(os.fsencode(word).decode("utf-8", "replace")) for word in header.command)
        about = (
            f'{{"format": {FORMAT}, "records": {header.records}, "kernels": [{kernels}], '
            f'"command": [{command}], "clock": "CLOCK_MONOTONIC ns"}}\n'
        )
        self._write(SIGNATURE + about.encode())

    def add(self, chunk: Chunk) -> None:
        kind = _OPEN if chunk.open else _DATA
        self._write(_CHUNK.pack(kind, chunk.slot, len(chunk.data)), chunk.data)

    def take(self, slot: int, pieces: list[memoryview]) -> None:
        """Complete records from where they are."""
        self._write(_CHUNK.pack(_DATA, slot, sum(piece.nbytes for piece in pieces)), *pieces)

    def finish(self, ending: Ending) -> None:
        data = b'{"status": %d, "lost": %d}' % (ending.status, ending.lost)
        self._write(_CHUNK.pack(_END, 0, len(data)), data)

    def _write(self, *pieces: bytes | memoryview) -> None:
        views = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
        while views:
            written = os.writev(self._descriptor, views)
            while views and written >= len(views[0]):
                written -= len(views.pop(0))
            if views:
                views[0] = views[0][written:]


class Reader:
    """Reads a recording.  `ending` is None until all was read, and stays so for a truncated one."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.ending: Ending | None = None
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise RecordingError(f"{name} is no recording of `guise trace -o FILE.guise`")
        import json

        try:
            about = json.loads(file.readline(1 << 20))
            if about["format"] != FORMAT or about["records"] != layout.VERSION:
                raise RecordingError(
                    f"{name} was recorded by another version of Guise (format {about['format']}."
                    f"{about['records']}, this one reads {FORMAT}.{layout.VERSION})"
                )
            self.header = Header(tuple(about["kernels"]), tuple(about["command"]), about["records"])
        except (ValueError, KeyError, TypeError):
            raise RecordingError(f"{name} is damaged: its first lines cannot be read") from None

    def chunks(self) -> Iterator[Chunk]:
        """Until the end, or the last whole chunk of a truncated file."""
        import json

        while True:
            head = self._file.read(_CHUNK.size)
            if len(head) < _CHUNK.size:
                return
            kind, slot, length = _CHUNK.unpack(head)
            if kind not in (_DATA, _OPEN, _END) or length > _LARGEST_CHUNK:
                return
            data = self._file.read(length)
            if len(data) < length:
                return
            if kind == _END:
                about = json.loads(data)
                self.ending = Ending(about["status"], about["lost"])
                return
            yield Chunk(slot, data, kind == _OPEN)
