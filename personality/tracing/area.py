"""The reader's side of the trace area: create it, say what is wanted, empty the rings.

Two locks on the file say who is alive, and the host gives them back whatever way a process ends: the
reader's own, and one that all guests share because they share the description it was taken on.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

from personality.tracing import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from personality.tracing.futexes import Futexes
    from personality.tracing.ticks import Ticks

    Taker = Callable[[int, list[memoryview]], None]
    """Takes a slot's whole records, in one piece or two, before the memory is the writer's again."""

LARGE_SLOTS, LARGE_RING = 512, 1 << 20
SMALL_SLOTS, SMALL_RING = 8192, 1 << 16
LARGEST_RING = 1 << 26

_FLOCK = struct.Struct("hhqqi4x")
_GET_LOCK, _SET_LOCK = 36, 37  # F_OFD_*: locks of a description, not of a process


class Chunk:
    """Whole records out of one slot's ring; `open`: one record, of a call that never ended."""

    __slots__ = ("data", "open", "slot")

    def __init__(self, slot: int, data: bytes, open: bool = False) -> None:
        self.slot = slot
        self.data = data
        self.open = open


class Policy:
    """What guests do about their calls.  `wanted` and `tamper` are by (kernel, call number), in the words
    of trace.h; a call that is in neither is recorded and left alone when `everything` is set."""

    __slots__ = ("data", "everything", "offsets", "tamper", "wanted")

    def __init__(
        self, everything: bool = True, wanted: Mapping[tuple[int, int], int] | None = None,
        tamper: Mapping[tuple[int, int], int] | None = None,
        offsets: tuple[int, int, int, int] = (0, 0, 0, 0), data: bytes = b"",
    ) -> None:  # fmt: skip
        self.everything = everything
        self.wanted = wanted or {}
        self.tamper = tamper or {}
        self.offsets = offsets
        self.data = data


class Area:
    """A new trace area.  `guests` is the descriptor that guests inherit: close it once they have it."""

    def __init__(
        self, *, full: int = layout.FULL_WAIT, options: int = layout.WITH_NAMES, text_limit: int = 32,
        stack_limit: int = 8192, policy: Policy | None = None, ring: int = LARGE_RING,
    ) -> None:  # fmt: skip
        policy = policy or Policy()
        # Where guests' processes are found, by the numbers that they have for themselves.
        self.processes = "/proc"
        self.guests = os.memfd_create("guise-trace")
        self._rings = (ring, min(ring, SMALL_RING))
        self._sizes = (layout.PAGE + self._rings[0], layout.PAGE + self._rings[1])
        self._slots_at = (
            (layout.HEADER_SIZE + len(policy.data) + layout.PAGE - 1) // layout.PAGE * layout.PAGE
        )
        total = self._slots_at + LARGE_SLOTS * self._sizes[0] + SMALL_SLOTS * self._sizes[1]
        os.ftruncate(self.guests, total)
        self._file = os.open(f"/proc/self/fd/{self.guests}", os.O_RDWR | os.O_CLOEXEC)
        _lock(self.guests, layout.GUESTS_BYTE, fcntl.F_RDLCK)
        _lock(self._file, layout.READER_BYTE, fcntl.F_WRLCK)
        self._memory = mmap.mmap(self._file, 0)
        layout.HEADER.pack_into(
            self._memory, 0, layout.MAGIC, layout.VERSION, 0, full, options, LARGE_SLOTS + SMALL_SLOTS,
            LARGE_SLOTS, text_limit, stack_limit, self._slots_at, *self._rings, 0, 0, 0, 0,
        )  # fmt: skip
        self._words = memoryview(self._memory).cast("Q")
        self._ticks: Ticks | None = None
        self._kept_futexes: Futexes | None = None
        self._set(policy)

    def _set(self, policy: Policy) -> None:
        for offset, table, otherwise in (
            (layout.WANTED_OFFSET, policy.wanted, int(policy.everything)),
            (layout.TAMPER_OFFSET, policy.tamper, 0),
        ):
            if otherwise:
                filled = struct.pack("<H", otherwise) * layout.KERNELS * layout.CALLS
                self._memory[offset : offset + len(filled)] = filled
            for (kernel, number), value in table.items():
                struct.pack_into("<H", self._memory, offset + 2 * (kernel * layout.CALLS + number), value)
        layout.POLICY.pack_into(self._memory, layout.POLICY_OFFSET, *policy.offsets)
        self._memory[layout.HEADER_SIZE : layout.HEADER_SIZE + len(policy.data)] = policy.data

    def has_guests(self) -> bool:
        """Whether any guest process is left; only after `guests` was closed here."""
        answer = fcntl.fcntl(
            self._file, _GET_LOCK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, layout.GUESTS_BYTE, 1, 0)
        )
        return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)

    def drain(self) -> list[Chunk]:
        """Everything complete so far, in order per slot; makes room and wakes writers that wait."""
        chunks: list[Chunk] = []
        self.hand_on(lambda slot, pieces: chunks.append(Chunk(slot, b"".join(pieces))))
        return chunks

    def hand_on(self, take: Taker) -> bool:
        """The same, without a copy; whether there was anything.

        What `take` raises leaves its slot as it was.
        """
        found = False
        self._measure()
        self._rest(1)  # a ring that is half full after its turn ends the rest before it has begun
        for slot, start, fields in self._used():
            state, head, tail = fields[0], fields[9], fields[11]
            if head != tail:
                found = True
                take(slot, self._pieces(start, fields[8], tail, head))
                self._words[(start + layout.SLOT_TAIL_OFFSET) // 8] = head
                if struct.unpack_from("<I", self._memory, start + layout.SLOT_WAITING_OFFSET)[0]:
                    self._wake(start)
            elif state == layout.SLOT_ENDED:
                self._free(slot, start)
        return found

    def rest(self, seconds: float) -> None:
        """Wait that long, or until a ring has become half full since the last look, or a signal comes."""
        self._futexes().wait(layout.READER_RESTS_OFFSET, 1, seconds)
        self._rest(0)

    def snapshot(self, *, ended_only: bool = False) -> list[Chunk]:
        """What rings that overwrite themselves hold now.  `ended_only`: of threads that are gone, whose
        slots become free again."""
        chunks = []
        self._measure()
        for slot, start, fields in self._used():
            if ended_only and fields[0] != layout.SLOT_ENDED:
                continue
            head, tail = fields[9], fields[11]
            data = self._bytes(start, fields[8], tail, head) if head != tail else b""
            overtaken = self._words[(start + layout.SLOT_TAIL_OFFSET) // 8] - tail
            chunks.append(Chunk(slot, self._introduction(start) + data[overtaken:]))
            if ended_only:
                self._words[(start + layout.SLOT_TAIL_OFFSET) // 8] = head
                self._free(slot, start)
        return chunks

    def bury(self, *, everybody: bool = False) -> list[Chunk]:
        """Free the slots of threads that were killed; what they were doing, as open chunks.

        `everybody`: no guest is left, so that nobody need be looked for (and zombies do not count).
        """
        chunks = []
        for slot, start, fields in self._used():
            state, pid, tid, head, open_, tail = *fields[:3], *fields[9:12]
            if state != layout.SLOT_USED or tail != head:
                continue
            if not everybody and os.path.exists(f"{self.processes}/{pid}/task/{tid}"):
                continue
            # It may have gone on between the two looks: only what has not moved since is final.
            if layout.SLOT.unpack_from(self._memory, start)[9] != head:
                continue
            if open_ == head + 1:
                chunks.append(Chunk(slot, self._open_record(start, fields[8], head), open=True))
            self._free(slot, start)
        return chunks

    def open_calls(self) -> list[Chunk]:
        """The calls in progress, where nobody writes any more."""
        return [
            Chunk(slot, self._open_record(start, fields[8], fields[9]), open=True)
            for slot, start, fields in self._used()
            if fields[10] == fields[9] + 1
        ]

    def losses(self) -> int:
        """Calls that were not recorded: dropped from full rings, or of threads without a slot."""
        lost: int = self._words[layout.REFUSED_OFFSET // 8]
        for slot in range(self._claimed()):
            lost += layout.SLOT.unpack_from(self._memory, self._slot(slot))[4]
        return lost

    def unmapped(self) -> int:
        """Processes that could not be traced for want of address space."""
        return int(struct.unpack_from("<I", self._memory, layout.UNMAPPED_OFFSET)[0])

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

    def claimed(self) -> int:
        """How many slots were ever in use at a time."""
        return self._claimed()

    def _measure(self) -> None:
        if self._ticks is None:
            from personality.tracing.ticks import Ticks

            self._ticks = Ticks()
        rate = self._ticks.rate()
        if rate:
            self._words[layout.TICK_RATE_OFFSET // 8] = rate

    def _used(self) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        for slot in range(self._claimed()):
            start = self._slot(slot)
            fields = layout.SLOT.unpack_from(self._memory, start)
            if fields[0] != layout.SLOT_FREE and fields[8] != 0:
                yield slot, start, fields

    def _claimed(self) -> int:
        return int(struct.unpack_from("<I", self._memory, layout.NEXT_SLOT_OFFSET)[0])

    def _slot(self, number: int) -> int:
        large = min(number, LARGE_SLOTS)
        return self._slots_at + large * self._sizes[0] + (number - large) * self._sizes[1]

    def _free(self, slot: int, start: int) -> None:
        struct.pack_into("<Q", self._memory, start + layout.SLOT_OPEN_OFFSET, 0)  # no call is open
        struct.pack_into("<I", self._memory, start + layout.SLOT_STATE_OFFSET, layout.SLOT_FREE)

    def _introduction(self, start: int) -> bytes:
        at = start + layout.SLOT_INTRODUCTION_OFFSET
        (size,) = struct.unpack_from("<I", self._memory, at)
        return self._memory[at : at + size]

    def _rest(self, whether: int) -> None:
        struct.pack_into("<I", self._memory, layout.READER_RESTS_OFFSET, whether)

    def _bytes(self, start: int, size: int, tail: int, head: int) -> bytes:
        return b"".join(self._pieces(start, size, tail, head))

    def _pieces(self, start: int, size: int, tail: int, head: int) -> list[memoryview]:
        ring = (start + layout.PAGE) // 8
        first, last, end = ring + (tail & (size - 1)) // 8, ring + (head & (size - 1)) // 8, ring + size // 8
        if first < last:
            return [self._words[first:last]]
        return [self._words[first:end], self._words[ring:last]]

    def _open_record(self, start: int, size: int, head: int) -> bytes:
        """b"" when nobody knows whether it is wanted."""
        at = start + layout.PAGE + (head & (size - 1))
        fields = layout.RECORD.unpack_from(self._memory, at)
        if fields[7] & layout.UNDECIDED:
            return b""
        return self._memory[at : at + min(fields[0], layout.LARGEST_RECORD)]

    def _wake(self, start: int) -> None:
        struct.pack_into("<I", self._memory, start + layout.SLOT_WAITING_OFFSET, 0)
        self._futexes().wake(start + layout.SLOT_WAITING_OFFSET)

    def _futexes(self) -> Futexes:
        if self._kept_futexes is None:
            from personality.tracing.futexes import Futexes  # when the program has been started already

            self._kept_futexes = Futexes(self._memory)
        return self._kept_futexes


def _lock(descriptor: int, byte: int, kind: int) -> None:
    fcntl.fcntl(descriptor, _SET_LOCK, _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0))
