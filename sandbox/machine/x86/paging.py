"""Two-level 32-bit page tables: walk, rights, accessed and dirty bits (Intel SDM 3, chapter 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sandbox.machine.x86.layout import PAGE
from sandbox.machine.x86.state import PAGING, WRITE_PROTECT

PRESENT, WRITABLE, USER, ACCESSED, DIRTY = 1, 2, 4, 0x20, 0x40


class Access(Enum):
    READ = "read"
    WRITE = "write"
    FETCH = "fetch"


class PageFault(Exception):
    """A translation that the page tables refuse: vector 14 with this error code, and the address for CR2."""

    def __init__(self, address: int, error: int) -> None:
        super().__init__(f"page fault at {address:#x}, error {error}")
        self.address = address
        self.error = error


class Memory(Protocol):
    """Physical memory."""

    def read(self, address: int, size: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None: ...


@dataclass(frozen=True)
class Translation:
    """One page: its frame, and the rights that a TLB entry may hold."""

    frame: int
    writable: bool  # true only when the dirty bit is set already, so that the first write walks again
    places: tuple[int, ...] = ()  # where the entries that were used stand

    @property
    def tables(self) -> tuple[int, ...]:
        """The frames of the tables that were read."""
        return tuple(place & ~(PAGE - 1) for place in self.places)


def walk(
    memory: Memory, cr0: int, cr3: int, address: int, access: Access, user: bool, mark: bool = True
) -> Translation:
    """Translate as the processor does, setting accessed and dirty bits if `mark`.  Raises PageFault."""
    if not cr0 & PAGING:
        return Translation(address & ~(PAGE - 1), True)
    write = access is Access.WRITE
    places = [(cr3 & ~0xFFF) + 4 * (address >> 22)]
    entries = [_entry(memory, places[0], address, write, user)]
    places.append((entries[0] & ~0xFFF) + 4 * (address >> 12 & 0x3FF))
    entries.append(_entry(memory, places[1], address, write, user))
    rights = entries[0] & entries[1]
    if user and not rights & USER:
        raise PageFault(address, _error(True, write, user))
    may_write = bool(rights & WRITABLE) or not (user or cr0 & WRITE_PROTECT)
    if write and not may_write:
        raise PageFault(address, _error(True, write, user))
    wanted = (ACCESSED, ACCESSED | DIRTY if write else ACCESSED)
    for place, entry, bits in zip(places, entries, wanted, strict=True):
        if mark and entry & bits != bits:
            memory.write(place, (entry | bits).to_bytes(4, "little"))
    dirty = bool((entries[1] | wanted[1]) & DIRTY)
    return Translation(entries[1] & ~0xFFF, may_write and dirty, tuple(places))


def _entry(memory: Memory, place: int, address: int, write: bool, user: bool) -> int:
    entry = int.from_bytes(memory.read(place, 4), "little")
    if not entry & PRESENT:
        raise PageFault(address, _error(False, write, user))
    return entry


def _error(present: bool, write: bool, user: bool) -> int:
    return present * 1 | write * 2 | user * 4


class Linear:
    """Guest memory by linear address, in pieces that do not cross pages, as the kernel (or user) sees it."""

    def __init__(
        self, memory: Memory, translate: Callable[[int, Access, bool], int], user: bool = False
    ) -> None:
        self.memory = memory
        self.translate = translate  # (address, access, user) -> physical address of that byte
        self.user = user

    def read(self, address: int, size: int) -> bytes:
        parts = []
        while size:
            here = min(size, PAGE - address % PAGE)
            parts.append(self.memory.read(self.translate(address, Access.READ, self.user), here))
            address, size = address + here, size - here
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        while data:
            here = min(len(data), PAGE - address % PAGE)
            self.memory.write(self.translate(address, Access.WRITE, self.user), data[:here])
            address, data = address + here, data[here:]

    def read_long(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    def write_long(self, address: int, value: int) -> None:
        self.write(address, (value & 0xFFFFFFFF).to_bytes(4, "little"))
