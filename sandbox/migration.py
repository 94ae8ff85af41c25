"""Live migration by pre-copy, with dirty rates and adaptive bandwidth (Clark et al., NSDI 2005).

Memory is sent in rounds while the guest runs; what it writes meanwhile is sent in the next one.  A page
that has been written again before its turn in a round is left for the next.  When little is left, or
sending cannot keep up, the guest is stopped and the rest is sent at the highest rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

PAGE = 4096


class Writes(Protocol):
    """How a guest writes its memory: pages that are written at least once in a time."""

    def pages(self, seconds: float) -> float:
        """Distinct pages written in so many seconds."""
        ...


@dataclass(frozen=True)
class HotSet:
    """`hot` bytes of pages written again and again, uniformly, `rate` bytes of pages a second in all."""

    hot: float
    rate: float

    def pages(self, seconds: float) -> float:
        if self.hot <= 0:
            return 0.0
        return self.hot / PAGE * -math.expm1(-self.rate * seconds / self.hot)


@dataclass(frozen=True)
class Policy:
    """Rates in bits per second, sizes in bytes.  `skip` leaves out pages dirty at their turn."""

    least: float = 100e6
    most: float = 500e6
    step: float = 50e6
    enough: float = 256e3
    rounds: int = 30
    skip: bool = True


@dataclass(frozen=True)
class Round:
    """One round: what was sent, at which rate, how long it took and what was dirty at its end."""

    sent: float
    rate: float
    seconds: float
    dirty: float


@dataclass(frozen=True)
class Migration:
    """The rounds, and the stop: `last` bytes sent while the guest stood still for `downtime` seconds."""

    rounds: tuple[Round, ...]
    last: float
    downtime: float
    converged: bool

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.rounds) + self.downtime

    @property
    def sent(self) -> float:
        return sum(each.sent for each in self.rounds) + self.last


def migrate(memory: float, writes: Writes, policy: Policy, pause: float = 0.0) -> Migration:
    """Send `memory` bytes; `pause` is the part of the downtime that does not depend on what is left.

    Raises ValueError for a memory of nothing.
    """
    if memory <= 0:
        raise ValueError("a guest without memory cannot be moved")
    rounds: list[Round] = []
    left = float(memory)
    rate = policy.least
    while left > policy.enough and len(rounds) < policy.rounds:
        done = _round(left, rate, writes, skip=policy.skip)
        rounds.append(done)
        left = done.dirty
        wanted = 8 * done.dirty / done.seconds + policy.step if done.seconds else math.inf
        if wanted > policy.most:
            break
        rate = max(policy.least, wanted)
    downtime = pause + 8 * left / policy.most
    return Migration(tuple(rounds), left, downtime, converged=left <= policy.enough)


def _round(left: float, rate: float, writes: Writes, *, skip: bool) -> Round:
    """One round over `left` bytes.

    Pages lie anywhere in the order of sending, so one that is written at times spread over the round is
    dirty again at its turn with the average probability.  What is skipped stays dirty.
    """
    whole = 8 * left / rate
    skipped = 0.0
    if skip:
        steps = 16
        written = [min(left, PAGE * writes.pages(whole * (step + 0.5) / steps)) for step in range(steps)]
        skipped = sum(written) / steps
    sent = left - skipped
    seconds = 8 * sent / rate
    return Round(sent, rate, seconds, min(left, max(skipped, PAGE * writes.pages(seconds))))
