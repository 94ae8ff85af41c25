"""Who must give memory back: shares, and a tax on what lies idle (ESX, OSDI 2002, section 5).

The host takes from the guest that pays least for what it has: rho = S / (P (f + k (1 - f))), with S
shares, P pages, f the active fraction, and k = 1 / (1 - tau); tau is the tax rate, 75 % by default.  With
no tax only shares count; near 100 % only activity does.  Activity is sampled: 100 pages every 30 seconds
lose their mapping, and those that fault back were in use (V).  Three averages of the samples are kept,
and the highest counts, so that a guest that wakes is believed at once and one that rests only after a
while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

SAMPLE, PERIOD = 100, 30.0  # pages, seconds (V)
SLOW, FAST = 0.2, 0.7  # weights of the moving averages: assumed


@dataclass
class Client:
    """A guest: shares, MB that it would like, and what it really uses of what it has (MB)."""

    name: str
    shares: float
    wants: float
    active: float
    least: float = 0.0
    has: float = 0.0
    slow: float = 1.0
    fast: float = 1.0
    samples: list[float] = field(default_factory=list)

    @property
    def fraction(self) -> float:
        """The active share of its memory, as sampling believes it."""
        now = self.samples[-1] if self.samples else 1.0
        return max(self.slow, self.fast, now)

    def sample(self, random: Random) -> None:
        """Invalidate 100 pages, and count those that come back."""
        real = min(1.0, self.active / self.has) if self.has else 1.0
        touched = sum(random.random() < real for _ in range(SAMPLE)) / SAMPLE
        self.samples.append(touched)
        self.slow += SLOW * (touched - self.slow)
        self.fast += FAST * (touched - self.fast)

    def price(self, tax: float) -> float:
        """rho: shares per page, idle ones charged at k."""
        k = 1 / (1 - tax)
        cost = self.has * (self.fraction + k * (1 - self.fraction))
        return self.shares / cost if cost else float("inf")


class Broker:
    """A host of `memory` MB that moves memory from the lowest price to whoever wants it, `step` MB a time."""

    def __init__(self, memory: float, clients: Sequence[Client], tax: float = 0.75, seed: int = 1) -> None:
        if not 0 <= tax < 1:
            raise ValueError(f"the tax is {tax}: it must be at least 0 and less than 1")
        if sum(client.least for client in clients) > memory:
            raise ValueError("the guests' least sizes are more than the host has")
        self.memory, self.clients, self.tax = memory, list(clients), tax
        self.random, self.step = Random(seed), 1.0

    def tick(self) -> None:
        """One sampling period: sample everybody, then move memory until the prices agree."""
        for client in self.clients:
            client.sample(self.random)
        for _ in range(int(self.memory / self.step)):
            if not self._move():
                break

    def run(self, seconds: float) -> dict[str, float]:
        """MB that each client has after so long."""
        for _ in range(round(seconds / PERIOD)):
            self.tick()
        return {client.name: client.has for client in self.clients}

    def _move(self) -> bool:
        hungry = [client for client in self.clients if client.has + self.step <= client.wants]
        if not hungry:
            return False
        gainer = max(hungry, key=lambda client: client.price(self.tax))
        free = self.memory - sum(client.has for client in self.clients)
        if free >= self.step:
            gainer.has += self.step
            return True
        others = [one for one in self.clients if one is not gainer and one.has - self.step >= one.least]
        if not others:
            return False
        giver = min(others, key=lambda client: client.price(self.tax))
        if giver.price(self.tax) >= gainer.price(self.tax):
            return False
        giver.has -= self.step
        gainer.has += self.step
        return True
