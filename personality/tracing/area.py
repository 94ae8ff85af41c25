"""The reader's side of the trace area: create it, say what is wanted, empty the rings.

Two locks on the file say who is alive, and the host gives them back whatever way a process ends: the
reader's own, and one that all guests share because they share the description it was taken on.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
from typing import NamedTuple

from personality.tracing import layout

SLOTS = 1024
RING_SIZE = 1 << 20

_FLOCK = struct.Struct("hhqqi4x")
_GET_LOCK, _SET_LOCK = 36, 37  # F_OFD_*: locks of a description, not of a process
_FUTEX, _FUTEX_WAKE = 202, 1


class Chunk(NamedTuple):
    """Whole records out of one slot's ring; `open`: one record, of a call that never ended."""

    slot: int
    data: bytes
    open: bool = False


class Area:
    """A new trace area.  `guests` is the descriptor that guests inherit: close it once they have it."""

    def __init__(self, *, slots: int = SLOTS, ring_size: int = RING_SIZE, lossy: bool = False) -> None:
        self.guests = os.memfd_create("guise-trace")
        self._slot_size = layout.PAGE + ring_size
        self._mask = ring_size - 1
        os.ftruncate(self.guests, layout.HEADER_SIZE + slots * self._slot_size)
        self._file = os.open(f"/proc/self/fd/{self.guests}", os.O_RDWR | os.O_CLOEXEC)
        _lock(self.guests, layout.GUESTS_BYTE, fcntl.F_RDLCK)
        _lock(self._file, layout.READER_BYTE, fcntl.F_WRLCK)
        self._memory = mmap.mmap(self._file, 0)
        layout.HEADER.pack_into(
            self._memory, 0, layout.MAGIC, layout.VERSION, 0, int(lossy), 0, 0, slots, 32,
            self._slot_size, ring_size, 0, 0,
        )  # fmt: skip
        self._words = memoryview(self._memory).cast("Q")
        self._futex = ctypes.CDLL(None).syscall
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        for kernel in range(layout.KERNELS):
            self.want(kernel, None)

    def want(self, kernel: int, numbers: set[int] | None) -> None:
        """Record only these calls of a guest kernel (None: all); takes effect at once."""
        wanted = bytearray(layout.CALLS)
        for number in range(layout.CALLS) if numbers is None else numbers:
            wanted[number] = 1
        start = layout.WANTED_OFFSET + kernel * layout.CALLS
        self._memory[start : start + layout.CALLS] = bytes(wanted)

    def limit(self, *, only: int = 0, least_duration: int = 0, text: int = 32) -> None:
        """layout.ONLY_*, the shortest call in ns, and how many bytes of a buffer are taken."""
        struct.pack_into("<IQ", self._memory, layout.ONLY_OFFSET, only, least_duration)
        struct.pack_into("<I", self._memory, layout.TEXT_LIMIT_OFFSET, text)

    def has_guests(self) -> bool:
        """Whether any guest process is left; only after `guests` was closed here."""
        answer = fcntl.fcntl(
            self._file, _GET_LOCK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, layout.GUESTS_BYTE, 1, 0)
        )
        return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)

    def drain(self) -> list[Chunk]:
        """Everything complete so far, in order per slot; makes room and wakes writers that wait."""
        chunks = []
        for slot in range(self._claimed()):
            start = self._slot(slot)
            state, _pid, _tid, waiting, _dropped, _kernel, head, _open, tail = layout.SLOT.unpack_from(
                self._memory, start
            )
            if state == layout.SLOT_FREE:
                continue
            if head != tail:
                chunks.append(Chunk(slot, self._bytes(start, tail, head)))
                self._words[(start + layout.SLOT_TAIL_OFFSET) // 8] = head
                if waiting:
                    self._wake(start)
            elif state == layout.SLOT_ENDED:
                self._free(start)
        return chunks

    def bury(self, *, everybody: bool = False) -> list[Chunk]:
        """Free the slots of threads that were killed; what they were doing, as open chunks.

        `everybody`: no guest is left, so that nobody need be looked for (and zombies do not count).
        """
        chunks = []
        for slot in range(self._claimed()):
            start = self._slot(slot)
            state, pid, tid, _waiting, _dropped, _kernel, head, open_, tail = layout.SLOT.unpack_from(
                self._memory, start
            )
            if state != layout.SLOT_USED or tail != head:
                continue
            if not everybody and os.path.exists(f"/proc/{pid}/task/{tid}"):
                continue
            # It may have gone on between the two looks: only what has not moved since is final.
            if layout.SLOT.unpack_from(self._memory, start)[6] != head:
                continue
            if open_ == head + 1:
                chunks.append(Chunk(slot, self._open_record(start, head), open=True))
            self._free(start)
        return chunks

    def losses(self) -> int:
        """Calls that were not recorded: dropped from full rings, or of threads without a slot."""
        lost: int = self._words[layout.REFUSED_OFFSET // 8]
        for slot in range(self._claimed()):
            lost += layout.SLOT.unpack_from(self._memory, self._slot(slot))[4]
        return lost

    def stop(self) -> None:
        """Guests go on without writing."""
        struct.pack_into("<I", self._memory, layout.OFF_OFFSET, 1)
        for slot in range(self._claimed()):
            self._wake(self._slot(slot))

    def leave(self) -> None:
        """In a forked child that is no reader: let go of what would keep the reader's lock."""
        self._words.release()
        self._memory.close()
        os.close(self._file)

    def _claimed(self) -> int:
        return int(struct.unpack_from("<I", self._memory, layout.NEXT_SLOT_OFFSET)[0])

    def _slot(self, number: int) -> int:
        return layout.HEADER_SIZE + number * self._slot_size

    def _free(self, start: int) -> None:
        struct.pack_into("<Q", self._memory, start + 72, 0)  # no call is open
        struct.pack_into("<I", self._memory, start + layout.SLOT_STATE_OFFSET, layout.SLOT_FREE)

    def _bytes(self, start: int, tail: int, head: int) -> bytes:
        ring = start + layout.PAGE
        first, last = tail & self._mask, head & self._mask
        if first < last:
            return self._memory[ring + first : ring + last]
        return self._memory[ring + first : ring + self._mask + 1] + self._memory[ring : ring + last]

    def _open_record(self, start: int, head: int) -> bytes:
        at = start + layout.PAGE + (head & self._mask)
        (size,) = struct.unpack_from("<I", self._memory, at)
        return self._memory[at : at + min(size, layout.LARGEST_RECORD)]

    def _wake(self, start: int) -> None:
        struct.pack_into("<I", self._memory, start + layout.SLOT_WAITING_OFFSET, 0)
        word = ctypes.c_void_p(self._start + start + layout.SLOT_WAITING_OFFSET)
        self._futex(_FUTEX, word, _FUTEX_WAKE, 1, None, None, 0)


def _lock(descriptor: int, byte: int, kind: int) -> None:
    fcntl.fcntl(descriptor, _SET_LOCK, _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0))
