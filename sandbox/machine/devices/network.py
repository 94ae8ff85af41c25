"""Sending packets through an emulated network card, or through a ring shared with the host (SimPy).

Every register of an emulated card that the guest's driver touches is an exit.  With a ring the
guest writes a descriptor and goes on; it notifies the host only when the host has run dry, and the host
interrupts only when the guest waits for room, so under load one crossing serves many packets (Xen, SOSP
2003, section 3.5).  Guest and host's end share one processor, as in the paper's measurement.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from sandbox.machine.dispatch.library import simpy

KINDS = ("native", "emulated", "ring")


@dataclass(frozen=True)
class Network:
    """Packets of `size` bytes over a wire of `wire` bits a second.

    Seconds: `packet` the guest's own work per packet, `exit` a crossing and back with the card's emulation,
    `accesses` exits a packet on an emulated card (and `interrupt` one interrupt), `backend` the host's
    work per packet on a ring, `crossing` one notification.  Costs are assumed, of the order of
    Sugerman et al., USENIX 2001 (hosted I/O), and Xen's paper.
    """

    kind: str = "ring"
    seconds: float = 0.2
    size: int = 1500
    wire: float = 1e9
    goodput: float = 0.897
    packet: float = 4e-6
    accesses: int = 4
    exit: float = 8e-6
    interrupt: float = 4e-6
    backend: float = 3e-6
    crossing: float = 3e-6
    slots: int = 256

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"the card is {self.kind}: it must be one of {', '.join(KINDS)}")
        if min(self.seconds, self.size, self.wire, self.goodput) <= 0 or self.slots < 1:
            raise ValueError("seconds, sizes, rates and slots must be positive")

    @property
    def on_wire(self) -> float:
        """Seconds of one packet; `goodput` is what headers and gaps leave of the wire (Xen's 897 Mb/s)."""
        return 8 * self.size / (self.wire * self.goodput)


@dataclass(frozen=True)
class Outcome:
    """Mb/s sent, the processor's busy share, and crossings a packet."""

    megabits: float
    busy: float
    crossings: float
    packets: int


class _Link:
    """The wire: packets go one after the other; `room` packets may wait for it."""

    def __init__(self, environment: Any, config: Network) -> None:
        self.environment, self.config = environment, config
        self.queue = simpy().Store(environment, capacity=config.slots)
        self.sent = 0
        environment.process(self._send())

    def _send(self) -> Generator[Any, Any, None]:
        while True:
            yield self.queue.get()
            yield self.environment.timeout(self.config.on_wire)
            self.sent += 1


class _Meter:
    def __init__(self, environment: Any) -> None:
        self.processor = simpy().Resource(environment, capacity=1)
        self.environment = environment
        self.busy = 0.0
        self.crossings = 0

    def work(self, seconds: float) -> Generator[Any, Any, None]:
        with self.processor.request() as turn:
            yield turn
            yield self.environment.timeout(seconds)
            self.busy += seconds


def run(config: Network) -> Outcome:
    """Send as fast as it goes for `seconds`."""
    environment = simpy().Environment()
    link, meter = _Link(environment, config), _Meter(environment)
    if config.kind == "ring":
        ring = simpy().Store(environment, capacity=config.slots)
        environment.process(_ring_guest(config, meter, ring))
        environment.process(_ring_host(config, meter, ring, link))
    else:
        environment.process(_card_guest(config, meter, link))
    environment.run(until=config.seconds)
    megabits = 8e-6 * link.sent * config.size / config.seconds
    return Outcome(megabits, meter.busy / config.seconds, meter.crossings / max(link.sent, 1), link.sent)


def _card_guest(config: Network, meter: _Meter, link: _Link) -> Generator[Any, Any, None]:
    """A driver that programs a card for each packet; natively that costs no crossing."""
    crossings = (config.accesses + 1) if config.kind == "emulated" else 0
    extra = config.accesses * config.exit + config.interrupt if crossings else 0.0
    while True:
        yield from meter.work(config.packet + extra)
        meter.crossings += crossings
        yield link.queue.put(1)


def _ring_guest(config: Network, meter: _Meter, ring: Any) -> Generator[Any, Any, None]:
    while True:
        yield from meter.work(config.packet)
        if not ring.items:  # the host has run dry: wake it
            meter.crossings += 1
            yield from meter.work(config.crossing)
        yield ring.put(1)


def _ring_host(config: Network, meter: _Meter, ring: Any, link: _Link) -> Generator[Any, Any, None]:
    while True:
        if len(ring.items) >= config.slots:  # the guest waits for room: wake it once there is some
            meter.crossings += 1
            yield from meter.work(config.crossing)
        batch = [(yield ring.get())]
        while ring.items and len(batch) < config.slots:
            batch.append((yield ring.get()))
        yield from meter.work(config.backend * len(batch))
        for _ in batch:
            yield link.queue.put(1)
