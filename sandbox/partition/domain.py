"""A domain of thousands of guests, followed by rates (SimPy): one event per burst, none per slice.

Between two events the set of busy guests does not change, so each of them computes at a constant rate:
its weighted share of the engines, at most its cap.  All busy guests of one kind have the same rate, so a
clock per kind, which runs at that rate, says when each of them is done.  Slices do not appear; what
they cost does: while more guests are busy than there are engines, each slice pays for a switch.  Guests
that idle still take timer ticks, unless they are tickless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING

from sandbox.partition import library
from sandbox.partition.shares import divide

if TYPE_CHECKING:
    import simpy

_TINY = 1e-9


@dataclass(frozen=True)
class Kind:
    """`guests` of one kind: `burst` seconds of work (exponential), then a wait of `think` seconds.

    `cap` is in engines; a guest with one virtual processor cannot use more than one.
    """

    name: str
    guests: int
    burst: float
    think: float
    weight: float = 128
    cap: float = 1.0


@dataclass(frozen=True)
class Costs:
    """Seconds: a slice and one switch between guests, and the ticks of an idle guest."""

    slice: float = 0.01
    switch: float = 30e-6
    ticks: float = 0.0
    tick: float = 5e-6


@dataclass
class Served:
    """What one kind got: bursts done, their work and the time that they took."""

    name: str
    bursts: int = 0
    work: float = 0.0
    time: float = 0.0
    slowest: float = 0.0

    @property
    def stretch(self) -> float:
        """How many times as long a burst took as on an engine of its own."""
        return self.time / self.work if self.work else 0.0


@dataclass(frozen=True)
class DomainOutcome:
    """After `seconds` of virtual time.  `busy` is the share of the engines in use, on average."""

    seconds: float
    guests: int
    engines: int
    busy: float
    most_active: int
    served: dict[str, Served]


class _Group:
    """The busy guests of one kind, the earliest to be done first, and their clock."""

    __slots__ = ("burst", "cap", "clock", "heap", "kind", "rate", "served", "think", "weight")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.cap = kind.cap
        self.weight = kind.weight
        self.burst = 1 / kind.burst
        self.think = 1 / kind.think
        self.clock = 0.0
        self.rate = kind.cap
        self.heap: list[tuple[float, int, float, float]] = []  # clock at the end, number, begin, work
        self.served = Served(kind.name)


class Domain:
    """One simulation.  It runs a few million events, so its inner functions are written out."""

    def __init__(
        self, engines: int, kinds: Sequence[Kind], costs: Costs | None = None, seed: int = 1
    ) -> None:
        self._costs = costs or Costs()
        self._engines = engines
        self._environment = library.simpy().Environment()
        self._groups = [_Group(kind) for kind in kinds]
        self._guests = sum(kind.guests for kind in kinds)
        self._draw = Random(seed).expovariate
        self._now = 0.0
        self._due = float("inf")
        self._active = 0
        self._most = 0
        self._used = 0.0
        self._use = 0.0
        self._wanted = 0.0  # what the busy guests would use, each at its cap
        self._contended = False
        number = 0
        for group in self._groups:
            for _ in range(group.kind.guests):
                number += 1
                self._sleep(group, number, self._draw(group.think))

    def run(self, seconds: float) -> DomainOutcome:
        """Simulate from the start to a time."""
        self._environment.run(until=seconds)
        self._advance()
        return DomainOutcome(
            seconds=seconds,
            guests=self._guests,
            engines=self._engines,
            busy=self._used / seconds / self._engines,
            most_active=self._most,
            served={group.kind.name: group.served for group in self._groups},
        )

    def _sleep(self, group: _Group, number: int, seconds: float) -> None:
        timeout = self._environment.timeout(seconds, (group, number))
        timeout.callbacks.append(self._arrive)

    def _arrive(self, event: simpy.Event) -> None:
        group: _Group
        group, number = event.value  # type: ignore[misc]  # what _sleep gave it
        self._advance()
        work = self._draw(group.burst)
        end = group.clock + work
        heap = group.heap
        heappush(heap, (end, number, self._now, work))
        self._active += 1
        if self._active > self._most:
            self._most = self._active
        self._wanted += group.cap
        if self._contended or self._wanted > self._capacity():
            self._share()
            self._plan()
        else:  # everybody keeps the rate: only the new one can be done earlier than planned
            self._use += group.cap
            if heap[0][1] == number:
                self._look_at(self._now + work / group.rate)

    def _advance(self) -> None:
        """Let every clock run to the present."""
        now = self._environment.now
        elapsed = now - self._now
        self._now = now
        self._used += elapsed * self._use
        for group in self._groups:
            group.clock += elapsed * group.rate

    def _share(self) -> None:
        """New rates: the caps while there is room for all, weighted shares while there is not."""
        capacity = self._capacity()
        self._contended = self._wanted > capacity
        if self._contended:
            claims = [(len(group.heap), group.weight, group.cap) for group in self._groups]
            for group, rate in zip(self._groups, divide(capacity, claims), strict=True):
                group.rate = rate
            self._use = sum(group.rate * len(group.heap) for group in self._groups)
        else:
            for group in self._groups:
                group.rate = group.cap
            self._use = self._wanted

    def _plan(self) -> None:
        """A look-up when the next guest will be done."""
        soonest = float("inf")
        for group in self._groups:
            if group.heap:
                seconds = (group.heap[0][0] - group.clock) / group.rate
                if seconds < soonest:
                    soonest = seconds
        self._look_at(self._now + max(soonest, 0.0))

    def _look_at(self, at: float) -> None:
        if at < self._due - _TINY:  # a look-up that is planned too early finds nobody, and plans the next
            self._due = at
            timeout = self._environment.timeout(at - self._now, at)
            timeout.callbacks.append(self._look)

    def _look(self, event: simpy.Event) -> None:
        if event.value != self._due:
            return  # an earlier one has taken its place
        self._due = float("inf")
        self._advance()
        now = self._now
        for group in self._groups:
            heap, served = group.heap, group.served
            while heap and heap[0][0] <= group.clock + _TINY:
                _, number, began, work = heappop(heap)
                self._active -= 1
                self._wanted -= group.cap
                took = now - began
                served.bursts += 1
                served.work += work
                served.time += took
                if took > served.slowest:
                    served.slowest = took
                self._sleep(group, number, self._draw(group.think))
        if self._contended:
            self._share()
        else:
            self._use = self._wanted
        self._plan()

    def _capacity(self) -> float:
        """Engines less switches and ticks."""
        costs = self._costs
        capacity = float(self._engines)
        if self._active > self._engines:
            capacity *= costs.slice / (costs.slice + costs.switch)
        if costs.ticks:
            capacity -= (self._guests - self._active) * costs.ticks * costs.tick
            capacity = max(capacity, 0.01 * self._engines)  # ticks alone would starve everybody
        return capacity
