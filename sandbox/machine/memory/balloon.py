"""How a host takes memory back: a balloon in each guest, and paging when that is too slow.

C. A. Waldspurger, "Memory Resource Management in VMware ESX Server", OSDI 2002, section 3 and 6.3: the
host acts by how much of its memory is free: above 6 % it does nothing, below 4 % it balloons, below 2 % it
pages as well, below 1 % guests over their target are stopped (M).  The driver inflates in steps.  A
ballooned guest is slower than one that was configured small, because its kernel sized its tables by
the memory that it saw at boot: 1.4 % (32 MB of 256 MB taken) to 4.4 % (128 MB taken) with dbench (V).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from sandbox.machine.memory.nested import zipf

STATES = (("high", 0.06), ("soft", 0.04), ("hard", 0.02), ("low", 0.01))  # ESX: names and thresholds, M


def state(free: float) -> str:
    """The host's state by the free share of its memory.

    Thresholds are the points where the next state begins: 5 % free is still "high".
    """
    if free >= STATES[1][1]:
        return "high"
    if free >= STATES[2][1]:
        return "soft"
    if free >= STATES[3][1]:
        return "hard"
    return "low"


@dataclass(frozen=True)
class Reclaim:
    """Guests of `memory` MB that start to use `demand` MB a second each on a host of `host` MB.

    `rate` is what a balloon takes a second, `paging` what the host can page out, in MB a guest (assumed).
    """

    host: float = 4096
    guests: int = 20
    memory: float = 256
    demand: float = 16
    rate: float = 8
    paging: float = 2
    seconds: int = 60

    def __post_init__(self) -> None:
        if (
            min(self.host, self.guests, self.memory, self.seconds) <= 0
            or min(self.demand, self.rate, self.paging) < 0
        ):
            raise ValueError("sizes, guests and seconds must be positive, and rates not negative")


@dataclass(frozen=True)
class Moment:
    """The host at one second: free share, state, MB ballooned and paged so far, MB asked and not given."""

    second: int
    free: float
    state: str
    ballooned: float
    paged: float
    unmet: float


def reclaim(config: Reclaim) -> list[Moment]:
    """Follow the host second by second until the guests have all they can."""
    used = ballooned = paged = 0.0
    reclaiming = False
    moments = []
    for second in range(config.seconds):
        wanted = min(config.guests * config.demand, config.guests * config.memory - used)
        given = min(wanted, max(0.0, config.host - (used - ballooned - paged)))
        used += given
        free = 1 - (used - ballooned - paged) / config.host
        now = state(free)
        missing = max(0.0, (STATES[0][1] - free) * config.host)
        reclaiming = now != "high" or (reclaiming and free < STATES[0][1])  # until well above the threshold
        if reclaiming:
            step = min(config.guests * config.rate, missing, used - ballooned - paged)
            ballooned += step
            missing -= step
        if now in ("hard", "low"):
            paged += min(config.guests * config.paging, missing)
        moments.append(Moment(second, free, now, ballooned, paged, wanted - given))
    return moments


@dataclass(frozen=True)
class Overhead:
    """A file server (dbench's kind) in a guest of `configured` MB of which `ballooned` are taken.

    `tables` is the share of memory that its kernel set aside at boot for tables (page structures, hashes):
    assumed, 3 %.  `hit` and `miss` are the microseconds of a request in and out of its cache (assumed).
    """

    configured: int = 256
    ballooned: int = 128
    files: int = 320
    skew: float = 0.8
    requests: int = 60_000
    tables: float = 0.03
    hit: float = 50
    miss: float = 250
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.ballooned < self.configured or not 0 <= self.tables < 0.5:
            raise ValueError("a balloon takes less than the guest has, and tables less than half of it")


def overhead(config: Overhead) -> float:
    """How much longer the ballooned guest takes than one configured to what is left: 0.03 is 3 %."""
    left = config.configured - config.ballooned
    small, large = (left - config.tables * size for size in (left, config.configured))
    return _seconds(config, large) / _seconds(config, small) - 1


def _seconds(config: Overhead, cache: float) -> float:
    """Time for all requests with a cache of so many MB, in quarters of a MB."""
    random, frames = Random(config.seed), int(4 * cache)
    kept: OrderedDict[int, None] = OrderedDict()
    total = 0.0
    for block in zipf(4 * config.files, config.skew, config.requests, random):
        if block in kept:
            kept.move_to_end(block)
            total += config.hit
            continue
        total += config.miss
        if len(kept) >= frames:
            kept.popitem(last=False)
        kept[block] = None
    return total


def overheads(config: Overhead, sizes: Sequence[int]) -> dict[int, float]:
    """The overhead at several sizes of balloon."""
    return {size: overhead(replace(config, ballooned=size)) for size in sizes}
