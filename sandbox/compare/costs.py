"""What a system's monitor adds to a workload, event class by event class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sandbox.cost import calibration, holdout, published
from sandbox.style import Event, EventCost, Host, Workload
from sandbox.systems.model import Cost, System

# What enters the kernel, and so a monitor that emulates its privileged instructions.
_KERNEL = (
    Event.SYSTEM_CALL, Event.PAGE_FAULT, Event.CONTEXT_SWITCH, Event.EXCEPTION, Event.DEVICE, Event.PACKET,
    Event.INTERRUPT,
)  # fmt: skip


def costs(system: System, load: Workload, host: Host) -> tuple[EventCost, ...]:
    """One for each class that costs something.  Raises NotInstalled where a simulator is missing."""
    cost = system.cost
    if cost.kind in ("fitted", "cycles", "nanoseconds"):
        return _crossings(system, load, *_unit(cost, host))
    if cost.kind == "stretch":
        return _spread(
            load, _stretched(cost, load), 0.5, 1.5, f"privileged instructions emulated: {cost.source}"
        )
    if cost.kind == "claim":
        least, most = cost.numbers["least"] * load.busy, cost.numbers["most"] * load.busy
        added = least + (most - least) * load.system / load.busy
        low, high = (least / added, most / added) if added else (1.0, 1.0)
        return _spread(load, added, low, high, cost.source)
    if cost.kind == "dispatch":
        return _dispatched(system, load, host)
    if cost.kind == "dedicated":
        return _spread(
            load, cost.numbers["fixed_share"] * load.busy, 1.0, 1.0, cost.source, (Event.INTERRUPT,)
        )
    return ()


def kappa_of(cost: Cost) -> float:
    """How many times as long system time takes, from a published stretch of everything and the share of it.

    Assists in microcode run a share of the monitor's own time some times as fast: with 79.55 % at 10:1 the
    monitor takes 1 / 3.5 of its time.
    """
    numbers = cost.numbers
    monitor = (numbers["stretch"] - 1) / numbers["system_share"]
    if "assisted_share" in numbers:
        share = numbers["assisted_share"]
        monitor *= 1 - share + share / numbers["assist_factor"]
    return 1 + monitor


def _stretched(cost: Cost, load: Workload) -> float:
    return (kappa_of(cost) - 1) * load.system


def _unit(cost: Cost, host: Host) -> tuple[float, float, float]:
    """Seconds of one crossing on this host, least and most as factors of it."""
    if cost.kind == "fitted":
        cycles = calibration.unit(cost.column) * published.load("sosp2003")["hertz"]
        wrong = _median_errors()[cost.column]
        return cycles / host.hertz, 1 / (1 + wrong), 1 + wrong
    if cost.kind == "cycles":
        cycles = cost.numbers["cycles"]
        trips = published.load("agesen2012")["round_trip"].values()
        return cycles / host.hertz, min(1.0, min(trips) / cycles), max(trips) / cycles
    each = cost.numbers["nanoseconds"]
    least, most = cost.numbers.get("least", each), cost.numbers.get("most", each)
    return each * 1e-9, least / each, most / each


@cache
def _median_errors() -> Mapping[str, float]:
    """How wrong the fitted models are on the published rows that they were not fitted on."""
    return {each.column: each.median for each in holdout.summaries()}


def _crossings(system: System, load: Workload, unit: float, low: float, high: float) -> tuple[EventCost, ...]:
    found = []
    for event, count in load.events.items():
        crossing = system.crossings.get(event)
        if crossing is None or not crossing.crossings:
            continue
        each = crossing.crossings * unit
        found.append(EventCost(event, count, each, each * low, each * high, crossing.why))
    return tuple(found)


def _spread(
    load: Workload, added: float, low: float, high: float, why: str, among: tuple[Event, ...] = _KERNEL
) -> tuple[EventCost, ...]:
    """Where only a total is known: shared out over the events by their number."""
    events = {event: load.events[event] for event in among if load.events.get(event)}
    count = sum(events.values())
    if not count or not added:
        return ()
    each = added / count
    return tuple(
        EventCost(event, number, each, each * low, each * high, why) for event, number in events.items()
    )


def _dispatched(system: System, load: Workload, host: Host) -> tuple[EventCost, ...]:
    """By simulating it: partitions that do this, four to each engine, 70 % busy together."""
    from sandbox.partition.dispatcher import simulate
    from sandbox.partition.model import Dispatching, Engines, Load, Partition

    numbers = system.cost.numbers
    waits = load.events.get(Event.CONTEXT_SWITCH, 0.0) + load.events.get(Event.DEVICE, 0.0)
    burst = min(max(load.busy / (waits + 1), _SHORTEST), _LONGEST)
    count = 4 * host.processors
    each = 0.7 / 4
    partition = Load(burst, burst * (1 - each) / each, min(load.working_set, _CACHED))
    window = system.cost.dispatching == Dispatching.WINDOW
    hardware = Engines(
        host.processors,
        Dispatching(system.cost.dispatching),
        slice=numbers["slice"],
        switch=numbers["switch"],
        fixed=numbers["fixed_share"],
    )
    outcome = simulate(
        hardware,
        [Partition(f"p{number}", partition, entitlement=0.25 if window else None) for number in range(count)],
        max(0.5, 200 * burst),
    )
    dispatches = sum(usage.switches for usage in outcome.usage.values())
    overhead = sum(usage.dispatched - usage.effective - usage.idle for usage in outcome.usage.values())
    warm_up = sum(usage.warm_up for usage in outcome.usage.values())
    if not dispatches or not outcome.effective:
        return ()
    number = dispatches * load.busy / outcome.effective
    each_dispatch = overhead / dispatches
    why = (
        f"simulated, {count} partitions on {host.processors} engines, bursts of {burst * 1e3:.2g} ms: "
        f"{numbers['switch'] * 1e6:.0f} us to switch, {warm_up / dispatches * 1e6:.0f} us to fill the cache "
        "again, and the intercepts"
    )
    return (EventCost(Event.DISPATCH, number, each_dispatch, numbers["switch"], 2 * each_dispatch, why),)


# Seconds of a burst that the simulator is asked about.  A switch inside the guest does not give the engine
# up: on a busy partition the next task is ready, so many waits make one busy period, here of 2 ms at least.
_SHORTEST, _LONGEST = 2e-3, 0.1
_CACHED = 256 << 10  # bytes of a working set that are in use within one burst
