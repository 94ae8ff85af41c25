"""Translation: what a TLB miss costs natively, under shadow and under nested tables, and what flushes cost.

A miss reads one entry per level: 4 natively and with shadow tables (which map all the way), (n+1)(m+1)-1
= 24 with nested tables of n = m = 4 levels, since every guest entry has to be found by a host walk first
(Bhargava et al., ASPLOS 2008).  Shadow tables pay instead for each change of the guest's tables.  A world
switch empties an untagged TLB; tagged ones (VPID, ASID) keep each guest's entries.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from random import Random

from sandbox.machine.memory.nested import zipf

KINDS = ("native", "shadow", "nested")


def references(kind: str, guest_levels: int = 4, host_levels: int = 4) -> int:
    """Memory references of one walk."""
    if kind == "nested":
        return (guest_levels + 1) * (host_levels + 1) - 1
    return guest_levels


@dataclass(frozen=True)
class Translations:
    """Guests that take turns on one processor.

    Each has `pages` pages used by a Zipf law, `entries` TLB entries in all; a turn is `turn` references.
    `remaps` is guest page-table changes a thousand references.  Cycles are assumed: `reference` one
    memory reference of a walk (mostly in cache), `exit` what a shadow update costs (Agesen 2012: 784 plus
    handling).
    """

    guests: int = 2
    pages: int = 2000
    skew: float = 1.0
    entries: int = 1024
    turn: int = 1_000
    turns: int = 100
    remaps: float = 1.0
    tagged: bool = False
    reference: float = 5
    exit: float = 1500
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.guests, self.pages, self.entries, self.turn, self.turns) < 1 or self.remaps < 0:
            raise ValueError("guests, pages, entries and turns must be positive, and remaps not negative")


@dataclass(frozen=True)
class Cost:
    """Misses of all references, and cycles a reference by kind of translation."""

    references: int
    misses: int
    cycles: dict[str, float]


def run(config: Translations) -> Cost:
    """Follow every reference through one TLB (fully associative, LRU)."""
    random = Random(config.seed)
    kept: OrderedDict[tuple[int, int], None] = OrderedDict()
    misses = changes = 0
    streams = [
        zipf(config.pages, config.skew, config.turn * config.turns, random) for _ in range(config.guests)
    ]
    for _ in range(config.turns):
        for guest, stream in enumerate(streams):
            if not config.tagged:
                kept.clear()
            for _ in range(config.turn):
                key = (guest, next(stream))
                if key in kept:
                    kept.move_to_end(key)
                else:
                    misses += 1
                    if len(kept) >= config.entries:
                        kept.popitem(last=False)
                    kept[key] = None
                if random.random() < config.remaps / 1000:
                    changes += 1
                    kept.pop(key, None)
    total = config.guests * config.turn * config.turns
    cycles = {kind: misses * references(kind) * config.reference / total for kind in KINDS}
    cycles["shadow"] += changes * config.exit / total
    return Cost(total, misses, cycles)
