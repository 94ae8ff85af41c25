"""A named system as a Style: the model's answer for one workload on one host."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox import systems
from sandbox.compare.costs import costs
from sandbox.compare.density import density
from sandbox.cost import migrations
from sandbox.migration import HotSet, migrate
from sandbox.style import Estimate, Event, Form, Host, Move, Workload
from sandbox.systems.model import System

_PAGE = 4096


@dataclass(frozen=True)
class Modelled:
    """Keeps the protocol `sandbox.style.Style`."""

    system: System

    @property
    def form(self) -> Form:
        return self.system.form

    @property
    def name(self) -> str:
        return self.system.name

    def estimate(self, workload: Workload, host: Host) -> Estimate:
        """Raises NotInstalled where a simulator is needed and missing."""
        system = self.system
        events = costs(system, workload, host)
        added = sum(each.seconds for each in events)
        return Estimate(
            form=system.form,
            system=system.name,
            native=workload.busy,
            busy=workload.busy + added,
            events=events,
            footprint=system.guest_memory,
            fixed=system.fixed_memory,
            density=density(system, workload, host, added / workload.busy),
            isolation=system.isolation,
            fault_domain=system.fault_domain,
            heterogeneity=system.heterogeneity,
            start=system.start,
            move=_move(system, workload),
            notes=tuple(obstacles(system, workload)),
        )


def style(name: str) -> Modelled:
    """Raises UnknownSystem."""
    return Modelled(systems.load(name))


def obstacles(system: System, load: Workload) -> list[str]:
    """Why this program cannot run there as it is; the cost is then that of one built for it."""
    found = []
    if system.processor != "x86":
        found.append(f"its processors are {system.processor}: the program has to be built for them")
    bits = system.rule("guest bits")
    if (
        bits is not None
        and bits.only is not None
        and load.bits not in bits.only
        and system.processor == "x86"
    ):
        found.append(f"{bits.text} ({bits.source}; {bits.label}), and the program has {load.bits} bits")
    kernel = system.rule("guest kernel")
    if kernel is not None and kernel.only is not None:
        known = {"ported": {"linux"}}.get(str(kernel.only[0]), set(kernel.only))
        if load.kernel not in known:
            found.append(
                f"{kernel.text} ({kernel.source}; {kernel.label}), and the program's is {load.kernel}"
            )
    return found


def _move(system: System, load: Workload) -> Move:
    """Live where the system can, by the pre-copy model with NSDI 2005's policy."""
    if not system.live:
        return Move(system.move)
    period, pause = migrations.fitted()
    seconds = max(load.elapsed, 1e-9)
    written = load.dirty_rate or load.events.get(Event.PAGE_FAULT, 0.0) * _PAGE / seconds
    memory = load.working_set + system.guest_memory.value
    hot = min(float(load.working_set), written * period)
    moved = migrate(memory, HotSet(hot, written), migrations.policy(), pause)
    return Move(system.move, moved.seconds, moved.downtime, moved.sent)
