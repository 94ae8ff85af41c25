"""The event-cost model, fitted on one published row: the Linux build of Xen, SOSP 2003.

A system adds to a workload, for each event, a number of *crossings* into its monitor, which its design
fixes, times the cost of one crossing, which is the same for all its events:

    T = native + unit * sum(count[event] * crossings[event])

The unit is the one number that is fitted for each system, so that the Linux build comes out as published.
The workloads' counts were taken on a machine and with programs of today.  `scale` is how many native
seconds of 2003 stand for one of theirs: it is chosen so that the build's events, at the native costs that
lmbench published, take the 7 % of its time that the paper says it spends in the operating system.  It is
below 1, though machines are faster now: a compiler of today computes more between two events, and lmbench's
costs are the best case.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sandbox import systems
from sandbox.cost import classics, published
from sandbox.style import Event, Workload
from sandbox.systems.model import System

COLUMN_SYSTEMS = {"xen": "xen", "vmware": "vmware-workstation", "uml": "uml"}


@cache
def native_costs() -> Mapping[Event, float]:
    """Seconds per event natively in 2003, from lmbench's native column."""
    rows = published.benchmarks()
    return {
        Event.SYSTEM_CALL: rows["null"].figures["native"] * 1e-6,
        Event.PAGE_FAULT: rows["page-fault"].figures["native"] * 1e-6,
        Event.CONTEXT_SWITCH: rows["ctx-2p-0K"].figures["native"] * 1e-6,
    }


@cache
def scale() -> float:
    """Native processor seconds of 2003 for one of the machine that recorded the classics."""
    build = classics.load(published.load("sosp2003")["fitted"])
    system = sum(build.events.get(event, 0.0) * cost for event, cost in native_costs().items())
    share: float = published.load("sosp2003")["system_share"]
    return system / (share * build.busy)


def crossings(system: System, events: Mapping[Event, float]) -> float:
    """How often such events enter the monitor."""
    return sum(
        count * system.crossings[event].crossings
        for event, count in events.items()
        if event in system.crossings
    )


def density(load: Workload) -> Mapping[Event, float]:
    """Events for each native processor second of 2003."""
    seconds = load.busy * scale()
    return {event: count / seconds for event, count in load.events.items()}


@cache
def unit(column: str) -> float:
    """Seconds of one crossing in 2003, fitted on the Linux build alone."""
    data = published.load("sosp2003")
    row = published.benchmarks()[data["fitted"]]
    system = systems.load(COLUMN_SYSTEMS[column])
    entered = crossings(system, density(classics.load(row.workload)))
    return (row.stretch(column) - 1) / entered


def kappa(column: str) -> float:
    """The simpler model, T = user + kappa * system, fitted on the same row."""
    data = published.load("sosp2003")
    share: float = data["system_share"]
    return 1 + (published.benchmarks()[data["fitted"]].stretch(column) - 1) / share


def stretch(row: published.Benchmark, column: str) -> float:
    """What the event model says of one row."""
    system = systems.load(COLUMN_SYSTEMS[column])
    if row.seconds is None:
        return 1 + unit(column) * crossings(system, density(classics.load(row.workload)))
    busy = row.seconds + unit(column) * crossings(system, row.events)
    if row.wire:
        return max(row.wire, busy) / row.wire
    return busy / row.seconds


def kappa_stretch(row: published.Benchmark, column: str) -> float:
    """What the simpler model says of one row: an operation of lmbench is all system time.

    Shares of system time are the recorded ones, times what makes the build's the published 7 %.
    """
    if row.seconds is None:
        data = published.load("sosp2003")
        load, build = classics.load(row.workload), classics.load(data["fitted"])
        share: float = load.system / load.busy * data["system_share"] / (build.system / build.busy)
        return 1 + (kappa(column) - 1) * share
    busy = row.seconds * kappa(column)
    if row.wire:
        return max(row.wire, busy) / row.wire
    return busy / row.seconds
