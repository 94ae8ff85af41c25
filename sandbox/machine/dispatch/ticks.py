"""Virtual and real time: what becomes of a guest's clock while it is not dispatched (SimPy).

One processor, guests in turn.  Each guest's kernel counts timer ticks.  Ticks that fall due while it
waits are, by policy: "lost" (one stays pending, as on a real interrupt controller: the clock falls
behind), "caught up" (all are delivered when it runs again: the clock is right in the end, and late in
between), "virtual" (the timer counts the guest's own processor time: the clock says how long it ran), or
"paravirtual" (the guest is told real and virtual time, as Xen does, and asks for one interrupt when it
has something to do).  A guest whose idle loop spins never gives its turn back, so the others wait for
nothing (VM/370 guests, and DOS).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.machine.dispatch.library import simpy

POLICIES = ("lost", "caught up", "virtual", "paravirtual")
IDLE = ("halt", "spin")


@dataclass(frozen=True)
class Ticks:
    """`guests` on one processor for `seconds`; each computes `burst` seconds on average, then waits `think`.

    `hertz` ticks a second, each `handler` seconds of work; a turn is at most `turn` seconds, a switch
    costs `switch`.  Times are exponential; think = 0 is a guest that never rests.
    """

    guests: int = 4
    seconds: float = 20.0
    burst: float = 0.02
    think: float = 0.0
    hertz: float = 100.0
    policy: str = "lost"
    idle: str = "halt"
    turn: float = 0.03
    switch: float = 10e-6
    handler: float = 5e-6
    seed: int = 1

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"the policy is {self.policy}: it must be one of {', '.join(POLICIES)}")
        if self.idle not in IDLE:
            raise ValueError(f"idle guests {self.idle}: they must {' or '.join(IDLE)}")
        if self.guests < 1 or min(self.seconds, self.burst, self.hertz, self.turn) <= 0 or self.think < 0:
            raise ValueError(
                "guests, seconds, burst, hertz and turn must be positive, and think not negative"
            )


@dataclass
class Clock:
    """One guest's time: ticks counted and lost, the worst that it was behind, how long it ran (s)."""

    counted: int = 0
    lost: int = 0
    interrupts: int = 0
    worst: float = 0.0
    ran: float = 0.0
    useful: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """Over all guests: seconds behind at the end (mean) and at worst, counts, shares of the processor."""

    behind: float
    worst: float
    lost: int
    interrupts: int
    useful: float
    spun: float
    ticking: float


class _Guest:
    def __init__(self, config: Ticks, random: Random) -> None:
        self.config, self.random, self.clock = config, random, Clock()
        self.work = self.next_burst()
        self.wakes = 0.0  # when thinking ends
        self.seen = 0.0  # until when ticks were accounted for

    def next_burst(self) -> float:
        return self.random.expovariate(1 / self.config.burst)

    def ticks_between(self, start: float, end: float) -> int:
        hertz = self.config.hertz
        return int(end * hertz) - int(start * hertz)

    def dispatched(self, now: float) -> int:
        """Account for the time not dispatched; ticks to handle now."""
        missed, clock = self.ticks_between(self.seen, now), self.clock
        policy = self.config.policy
        delivered = 0
        if policy == "lost":
            delivered = min(missed, 1)
            clock.lost += missed - delivered
        elif policy == "caught up":
            delivered = missed
        elif policy == "paravirtual":
            delivered = min(missed, 1)
            clock.counted += missed - delivered  # it is told the real time
        if policy != "paravirtual":
            clock.worst = max(clock.worst, now - clock.counted / self.config.hertz)
        clock.counted += delivered
        clock.interrupts += delivered
        self.seen = now
        return delivered

    def ran(self, start: float, end: float) -> None:
        """Account for the time dispatched."""
        clock = self.clock
        if self.config.policy == "virtual":
            before = int(clock.ran * self.config.hertz)
            ticks = int((clock.ran + end - start) * self.config.hertz) - before
        else:
            ticks = self.ticks_between(self.seen, end)
        clock.ran += end - start
        clock.counted += ticks
        clock.interrupts += ticks
        self.seen = end
        if self.config.policy == "virtual":
            clock.worst = max(clock.worst, end - clock.counted / self.config.hertz)


def run(config: Ticks) -> Outcome:
    """Follow every turn."""
    environment = simpy().Environment()
    random = Random(config.seed)
    guests = [_Guest(config, random) for _ in range(config.guests)]
    environment.process(_processor(environment, config, guests))
    environment.run(until=config.seconds)
    clocks = [guest.clock for guest in guests]
    ends = [abs(config.seconds - clock.counted / config.hertz) for clock in clocks]
    useful, ran = (sum(getattr(clock, name) for clock in clocks) for name in ("useful", "ran"))
    ticking = sum(clock.interrupts for clock in clocks) * config.handler
    return Outcome(
        behind=sum(ends) / len(ends),
        worst=max(clock.worst for clock in clocks),
        lost=sum(clock.lost for clock in clocks),
        interrupts=sum(clock.interrupts for clock in clocks),
        useful=useful / config.seconds,
        spun=max(0.0, ran - useful - ticking) / config.seconds,
        ticking=ticking / config.seconds,
    )


def _processor(environment: Any, config: Ticks, guests: list[_Guest]) -> Generator[Any, Any, None]:
    """Give each guest its turn, round and round."""
    turns = deque(guests)
    while True:
        now = float(environment.now)
        ready = [guest for guest in turns if guest.wakes <= now or config.idle == "spin"]
        if not ready:
            soonest = min(guest.wakes for guest in guests)
            yield environment.timeout(max(soonest - now, 1e-9))
            continue
        guest = ready[0]
        turns.remove(guest)
        turns.append(guest)
        yield environment.timeout(config.switch)
        yield from _turn(environment, config, guest)


def _turn(environment: Any, config: Ticks, guest: _Guest) -> Generator[Any, Any, None]:
    start = float(environment.now)
    pending = guest.dispatched(start) * config.handler
    if pending:
        yield environment.timeout(pending)
    left = config.turn
    while left > 0:
        now = float(environment.now)
        if guest.wakes > now:  # idle, and its loop spins
            step = min(left, guest.wakes - now)
            yield environment.timeout(step)
            left -= step
            continue
        step = min(left, guest.work)
        yield environment.timeout(step)
        guest.clock.useful += step
        guest.work -= step
        left -= step
        if guest.work <= 1e-12:
            guest.work = guest.next_burst()
            if config.think:
                guest.wakes = float(environment.now) + guest.random.expovariate(1 / config.think)
                if config.idle == "halt":
                    break
    guest.ran(start, float(environment.now))
