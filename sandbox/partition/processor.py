"""A logical processor as the dispatcher sees it: work to do, a share that it has used, and a state."""

from __future__ import annotations

from random import Random

from sandbox.partition.model import Partition, Usage


class Processor:
    """One logical processor of one partition.  `remaining` is what is left of its burst, in seconds."""

    __slots__ = (
        "alive", "allowance", "done", "engine", "idled", "number", "partition", "pool", "random", "ready_at",
        "ready_since", "remaining", "usage", "used", "weight",
    )  # fmt: skip

    def __init__(self, number: int, partition: Partition, pool: str, usage: Usage, random: Random) -> None:
        self.number = number
        self.partition = partition
        self.pool = pool
        self.usage = usage
        self.random = random
        self.weight = max(partition.weight, 1e-6) / partition.processors
        self.used = 0.0
        self.allowance = 0.0
        self.remaining = 0.0
        self.ready_since = 0.0
        self.ready_at: float | None = None  # when its wait will end
        self.engine: object | None = None  # where it ran last
        self.alive = True
        self.done = 0.0  # own work in the dispatch that is going on
        self.idled = 0.0

    def next_burst(self) -> None:
        self.remaining = self._time(self.partition.load.burst)

    def next_wait(self) -> float:
        return self._time(self.partition.load.think)

    def _time(self, mean: float) -> float:
        if mean <= 0 or self.partition.load.steady:
            return mean
        return self.random.expovariate(1 / mean)

    @property
    def due(self) -> float:
        """What it has used for each unit of weight: the least is next."""
        return self.used / self.weight
