"""What zones, machines and partitions share, so that one workload can be put through all three.

A *workload* is what a program asked of its kernel, counted by event class.  A *style* answers what the
same workload would cost in its surroundings, event class by event class, and what else a person who
must choose wants to know: memory, how many fit, what fails together, what may run in it, how long a
start and a move take.  Everything here is plain data; the answers come from `sandbox.zone` (measured),
`sandbox.machine` and `sandbox.partition` (modelled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Event(StrEnum):
    """What a workload makes its kernel do; the rows that a `perf kvm stat` of it would have."""

    SYSTEM_CALL = "system call"
    PAGE_FAULT = "page fault"
    PAGE_TABLE_WRITE = "page-table write"
    CONTEXT_SWITCH = "context switch"
    EXCEPTION = "exception"
    PRIVILEGED = "privileged instruction"
    DEVICE = "device operation"
    PACKET = "network packet"
    INTERRUPT = "interrupt"
    DISPATCH = "dispatch"


class Label(StrEnum):
    """How far a number can be trusted."""

    SEEN = "V"
    RECALLED = "M"
    CLAIM = "claim"
    MEASURED = "measured"
    MODEL = "model"


class Form(StrEnum):
    """One of Savit's forms of virtualization."""

    ZONE = "zone"
    MACHINE = "machine"
    PARTITION = "partition"


class RuleError(ValueError):
    """A configuration that the system does not allow: one sentence that names the system and its rule."""


@dataclass(frozen=True)
class Figure:
    """A number with its unit and where it comes from."""

    value: float
    unit: str
    label: Label
    source: str

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("a figure needs a source")


@dataclass(frozen=True)
class Host:
    """The computer that guests share: logical processors, bytes of memory, cycles per second."""

    processors: int
    memory: int
    hertz: float
    name: str = "this host"


@dataclass(frozen=True)
class Workload:
    """What one run of a program asked of its kernel.  Times in seconds, sizes in bytes, natively.

    `user` and `system` are processor time over all threads; `elapsed` is wall time.  `events` counts by
    class; a class that is absent did not occur or was not counted (`uncounted` names those).
    `calls` counts system calls by name.  `working_set` is what the run touched, `image` the
    files that it was loaded from.  `dirty_rate` is the bytes per second that it writes to distinct pages;
    `recorded_on` the mark of the host where it ran (`sandbox.workload.host_mark`).
    """

    name: str
    origin: str
    elapsed: float
    user: float
    system: float
    events: Mapping[Event, float]
    working_set: int
    calls: Mapping[str, int] = field(default_factory=dict)
    image: int = 0
    disk_bytes: int = 0
    network_bytes: int = 0
    dirty_rate: float = 0.0
    processors: int = 1
    bits: int = 64
    kernel: str = "linux"
    command: tuple[str, ...] = ()
    directory: str = ""
    recorded_on: str = ""
    uncounted: frozenset[Event] = frozenset()

    @property
    def busy(self) -> float:
        """Processor seconds."""
        return self.user + self.system


@dataclass(frozen=True)
class EventCost:
    """What one class of events adds to a workload: `each` seconds on average, between `least` and `most`."""

    event: Event
    count: float
    each: float
    least: float
    most: float
    reason: str

    @property
    def seconds(self) -> float:
        return self.count * self.each


@dataclass(frozen=True)
class Density:
    """How many such guests fit on a host, and what stops the next one."""

    guests: int
    limit: str


@dataclass(frozen=True)
class Move:
    """Moving a running guest to another host; without `seconds` it cannot, and `how` says why."""

    how: str
    seconds: float | None = None
    downtime: float | None = None
    bytes_sent: float | None = None


@dataclass(frozen=True)
class Estimate:
    """One workload in one system.  `measured` says that `busy` and `native` were timed, not modelled.

    `native` and `busy` are processor seconds without and with the system.  `footprint` is the memory, in
    bytes, that one guest takes beyond its programs; `fixed` what the system takes once per host.
    """

    form: Form
    system: str
    native: float
    busy: float
    events: tuple[EventCost, ...]
    footprint: Figure
    fixed: Figure
    density: Density
    isolation: str
    fault_domain: str
    heterogeneity: str
    start: Figure
    move: Move
    measured: bool = False
    notes: tuple[str, ...] = ()

    @property
    def overhead(self) -> float:
        """What is added, as a share of the native time: 0.05 is five percent."""
        return self.busy / self.native - 1 if self.native else 0.0


class Style(Protocol):
    """A named system of one form that a workload can be put into."""

    @property
    def form(self) -> Form: ...

    @property
    def name(self) -> str: ...

    def estimate(self, workload: Workload, host: Host) -> Estimate:
        """Raises RuleError where the system's rules forbid the workload or the host."""
        ...
