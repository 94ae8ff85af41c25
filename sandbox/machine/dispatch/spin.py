"""Guests with several processors that spin on locks, and how dispatching helps or hurts them (SimPy).

A virtual processor that loses its real one while it holds a lock leaves the others of its guest spinning
for a whole turn (V. Uhlig et al., "Towards Scalable Multiprocessor Virtual Machines", VM 2004).  Strict
co-scheduling runs all of a guest's processors together or none; "yield" gives the processor away once it
has spun for a while (the pause-loop exit of later processors); "independent" does nothing about it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.machine.dispatch.library import simpy

POLICIES = ("independent", "co-scheduled", "yield")


@dataclass(frozen=True)
class Spin:
    """`guests` with `virtual` processors each share `real` ones; turns last `turn` seconds.

    Each virtual processor computes `outside` seconds (exponential), then holds the guest's one lock for
    `inside`.  `patience` is how long it spins before it yields.
    """

    guests: int = 2
    virtual: int = 4
    real: int = 4
    seconds: float = 2.0
    turn: float = 0.01
    outside: float = 200e-6
    inside: float = 20e-6
    patience: float = 20e-6
    policy: str = "independent"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"the policy is {self.policy}: it must be one of {', '.join(POLICIES)}")
        if (
            min(self.guests, self.virtual, self.real) < 1
            or min(self.seconds, self.turn, self.outside, self.inside) <= 0
        ):
            raise ValueError("guests, processors and times must be positive")
        if self.policy == "co-scheduled" and self.virtual > self.real:
            raise ValueError(f"{self.virtual} processors cannot be co-scheduled on {self.real}")


@dataclass(frozen=True)
class Outcome:
    """Lock sections a second, shares of the real processors by use, and the longest wait in seconds."""

    sections: float
    computed: float
    spun: float
    idle: float
    longest_wait: float


class _Lock:
    def __init__(self) -> None:
        self.holder: _Processor | None = None
        self.spinning: list[_Processor] = []


class _Processor:
    """A virtual processor: runs while it has a real one, is interrupted when it loses it."""

    def __init__(self, environment: Any, config: Spin, guest: int, lock: _Lock, random: Random) -> None:
        self.environment, self.config, self.guest, self.lock, self.random = (
            environment,
            config,
            guest,
            lock,
            random,
        )
        self.running = False
        self.gained = environment.event()
        self.lost = environment.event()
        self.granted = environment.event()
        self.computed = self.spun = self.longest = 0.0
        self.sections = 0
        self.yields = False
        environment.process(self._life())

    def give(self) -> None:
        self.running, gained = True, self.gained
        self.gained = self.environment.event()
        if self.lock.holder is None and self in self.lock.spinning:
            self._grant()
        gained.succeed()

    def take(self) -> None:
        self.running, lost = False, self.lost
        self.lost = self.environment.event()
        lost.succeed()

    def _life(self) -> Generator[Any, Any, None]:
        while True:
            yield from self._compute(self.random.expovariate(1 / self.config.outside))
            yield from self._acquire()
            yield from self._compute(self.config.inside)
            self.sections += 1
            self._release()

    def _compute(self, seconds: float) -> Generator[Any, Any, None]:
        while seconds > 1e-12:
            if not self.running:
                yield self.gained
                continue
            begun = self.environment.now
            yield self.environment.timeout(seconds) | self.lost
            seconds -= self.environment.now - begun
            self.computed += self.environment.now - begun

    def _acquire(self) -> Generator[Any, Any, None]:
        begun = self.environment.now
        if self.lock.holder is None:
            self.lock.holder = self
            return
        self.granted = self.environment.event()
        self.lock.spinning.append(self)
        granted = self.granted
        while not granted.triggered:
            if not self.running:
                yield self.gained | granted
                continue
            since = self.environment.now
            waits = granted | self.lost
            if self.config.policy == "yield":
                waits = waits | self.environment.timeout(self.config.patience)
            yield waits
            self.spun += self.environment.now - since
            spun_enough = self.environment.now - since >= self.config.patience
            if self.config.policy == "yield" and self.running and spun_enough and not granted.triggered:
                self.yields = True
        self.longest = max(self.longest, self.environment.now - begun)

    def _release(self) -> None:
        """A waiter that runs takes the lock; otherwise it is free until one of them runs again."""
        self.lock.holder = None
        for waiter in self.lock.spinning:
            if waiter.running:
                waiter._grant()
                return

    def _grant(self) -> None:
        self.lock.holder = self
        self.lock.spinning.remove(self)
        self.granted.succeed()


def run(config: Spin) -> Outcome:
    """Follow every lock section."""
    environment = simpy().Environment()
    random = Random(config.seed)
    locks = [_Lock() for _ in range(config.guests)]
    processors = [
        _Processor(environment, config, guest, locks[guest], random)
        for guest in range(config.guests)
        for _ in range(config.virtual)
    ]
    environment.process(_dispatch(environment, config, processors))
    environment.run(until=config.seconds)
    capacity = config.seconds * config.real
    computed, spun = (sum(getattr(one, name) for one in processors) for name in ("computed", "spun"))
    return Outcome(
        sections=sum(one.sections for one in processors) / config.seconds,
        computed=computed / capacity,
        spun=spun / capacity,
        idle=max(0.0, 1 - (computed + spun) / capacity),
        longest_wait=max(one.longest for one in processors),
    )


def _dispatch(environment: Any, config: Spin, processors: list[_Processor]) -> Generator[Any, Any, None]:
    """Turns, staggered as on real processors unless guests are co-scheduled."""
    if config.policy == "co-scheduled":
        yield from _gangs(environment, config, processors)
    queue = deque(processors)
    slots: list[_Processor | None] = [None] * config.real
    ends = [config.turn * (at + 1) / config.real for at in range(config.real)]
    for at in range(min(config.real, len(queue))):
        slots[at] = queue.popleft()
        slots[at].give()  # type: ignore[union-attr]
    step = config.patience if config.policy == "yield" else config.turn / config.real
    while True:
        yield environment.timeout(step)
        for at, processor in enumerate(slots):
            over = environment.now >= ends[at] - 1e-12
            if processor is None or not (over or processor.yields):
                continue
            if over:
                ends[at] += config.turn
            processor.yields = False
            if queue:
                processor.take()
                queue.append(processor)
                slots[at] = queue.popleft()
                slots[at].give()  # type: ignore[union-attr]


def _gangs(environment: Any, config: Spin, processors: list[_Processor]) -> Generator[Any, Any, None]:
    """As many whole guests at a time as fit."""
    guests = deque([one for one in processors if one.guest == guest] for guest in range(config.guests))
    together = min(config.guests, config.real // config.virtual)
    while True:
        for guest in list(guests)[:together]:
            for processor in guest:
                processor.give()
        yield environment.timeout(config.turn)
        for _ in range(together):
            for processor in guests[0]:
                processor.take()
            guests.rotate(-1)
