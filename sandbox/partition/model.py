"""What is to be simulated: engines, partitions and their loads.  Times in seconds, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SHARED = "shared"  # the name of the pool of engines that are dispatched


class Dispatching(StrEnum):
    """When an engine changes hands.

    timer: a slice lasts to its end even when the partition waits (wait completion); event: it ends when the
    partition waits, and an interrupt for a partition that is behind takes an engine from one that is
    ahead; window: as event, with each partition's entitlement renewed every window.
    """

    TIMER = "timer"
    EVENT = "event"
    WINDOW = "window"


@dataclass(frozen=True)
class Load:
    """What a logical processor does: compute for `burst`, wait for `think`, over again; both exponential.

    Without `think` it never waits.  `working_set` is what it touches in the cache; `steady` makes the times
    constant.
    """

    burst: float
    think: float = 0.0
    working_set: float = 0.0
    steady: bool = False


@dataclass(frozen=True)
class Partition:
    """`processors` logical ones.  A dedicated partition owns as many engines; a shared one has a weight,
    an entitlement in engines where the system knows them, and is held to it when capped.
    """

    name: str
    load: Load
    processors: int = 1
    weight: float = 128
    entitlement: float | None = None
    capped: bool = False
    dedicated: bool = False


@dataclass(frozen=True)
class Engines:
    """The hardware and its dispatcher.

    `switch` is the time of one dispatch, `cache` and `fill` the size of an engine's cache and the bytes
    per second at which it is filled; `fixed` the share of time that intercepts take from every partition.
    """

    count: int
    dispatching: Dispatching = Dispatching.EVENT
    slice: float = 0.0125
    window: float = 0.01
    switch: float = 20e-6
    cache: float = 1 << 20
    fill: float = 2e9
    fixed: float = 0.0


@dataclass
class Usage:
    """What one partition got.

    `effective` is time for its own work, `dispatched` the time that it held engines; the rest is
    overhead or, with timer dispatching, waiting.  `waited` sums interrupt latencies: from ready to running.
    """

    name: str
    effective: float = 0.0
    dispatched: float = 0.0
    idle: float = 0.0
    switches: int = 0
    warm_up: float = 0.0
    bursts: int = 0
    interrupts: int = 0
    waited: float = 0.0
    longest: float = 0.0
    stopped: float | None = None
    last_burst: float = 0.0

    @property
    def overhead(self) -> float:
        """Dispatch time less effective time and less waiting on the engine, as a share of effective time."""
        return (self.dispatched - self.effective - self.idle) / self.effective if self.effective else 0.0

    @property
    def latency(self) -> float:
        """Mean seconds from an interrupt to the partition's next instruction."""
        return self.waited / self.interrupts if self.interrupts else 0.0


@dataclass(frozen=True)
class Outcome:
    """All partitions after so many seconds."""

    seconds: float
    usage: dict[str, Usage]
    events: list[tuple[float, str]] = field(default_factory=list)

    @property
    def effective(self) -> float:
        return sum(each.effective for each in self.usage.values())
