"""Shadow page tables: what the processor really uses while the guest believes in its own.

Filled on demand from the guest's tables (a hidden fault each), kept coherent by write-protecting
the pages that hold guest tables (a traced write each), one set per guest CR3, apart for user and
supervisor.  The mechanism is that of Adams and Agesen 2006, section 2.4, and of KVM's shadow MMU.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.machine.x86.layout import PAGE
from sandbox.machine.x86.paging import Access, Memory, PageFault, Translation, walk
from sandbox.machine.x86.processor import MONITOR

Key = tuple[int, int, int, bool]  # cr0, cr3, page, user


class TracedWrite(PageFault):
    """The guest stored into a page that holds its page tables: for the monitor, not for the guest."""


@dataclass
class _Entry:
    frame: int
    writable: bool


class ShadowSpace:
    """A Space over shadow tables.  `control` gives the guest's CR0 and CR3."""

    def __init__(
        self,
        memory: Memory,
        control: Callable[[], tuple[int, int]],
        flush: Callable[[], None],
        events: Counter[str],
    ) -> None:
        self.memory, self.control, self.flush, self.events = memory, control, flush, events
        self.entries: dict[Key, _Entry] = {}
        self.by_place: dict[int, set[Key]] = {}  # a guest table entry -> what was made from it
        self.traced: set[int] = set()  # frames that hold guest tables

    def translate(self, address: int, access: Access, user: bool) -> Translation:
        page = address & ~(PAGE - 1)
        if address >= MONITOR:
            if user:
                raise PageFault(address, 4)
            return Translation(page, True)
        key = (*self.control(), page, user)
        entry = self.entries.get(key)
        if entry is None or (access is Access.WRITE and not entry.writable):
            entry = self._fill(key, address, access)
        return Translation(entry.frame, entry.writable)

    def _fill(self, key: Key, address: int, access: Access) -> _Entry:
        cr0, cr3, _, user = key
        found = walk(self.memory, cr0, cr3, address, access, user)
        self._trace(found.tables)
        if access is Access.WRITE and found.frame in self.traced:
            raise TracedWrite(address, 2)
        self.events["shadow fill"] += 1
        entry = self.entries[key] = _Entry(found.frame, found.writable and found.frame not in self.traced)
        for place in found.places:
            self.by_place.setdefault(place, set()).add(key)
        return entry

    def _trace(self, frames: tuple[int, ...]) -> None:
        """Write-protect pages that turned out to hold tables."""
        fresh = set(frames) - self.traced
        if fresh:
            self.traced |= fresh
            for entry in self.entries.values():
                if entry.frame in fresh:
                    entry.writable = False
            self.flush()

    def written(self, physical: int) -> None:
        """A guest table entry changed: what was made from it is stale."""
        for key in self.by_place.pop(physical & ~3, set()):
            self.entries.pop(key, None)
        self.flush()

    def invalidate(self, address: int) -> None:
        """INVLPG."""
        page = address & ~(PAGE - 1)
        for user in (False, True):
            self.entries.pop((*self.control(), page, user), None)
        self.flush()
