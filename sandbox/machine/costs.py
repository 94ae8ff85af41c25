"""Named cost profiles: what each event that a monitor counted costs in cycles, and where that number is from.

Cycles come only from here, never from how long Python took.  Sources: AA = Adams and Agesen,
ASPLOS 2006, a 3.8 GHz Pentium 4 (Prescott); Agesen = Agesen et al. 2012, exit round trips; Xen =
Barham et al., SOSP 2003, on a 2.4 GHz Xeon.  M marks figures recalled from the paper, A what is
assumed here.  These profiles describe; sandbox.cost calibrates and publishes errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Cycles of one event, and the source."""

    cycles: float
    source: str


@dataclass(frozen=True)
class Profile:
    """Costs by the beginning of an event's name; the longest beginning that fits counts."""

    name: str
    what: str
    hertz: float
    events: Mapping[str, Cost]

    def cost(self, event: str) -> Cost:
        """The cost of one event.  Raises KeyError for an event that the profile does not know."""
        fits = [prefix for prefix in self.events if event == prefix or event.startswith(prefix + " ")]
        if not fits:
            raise KeyError(f"the cost profile {self.name} has no cost for the event {event!r}")
        return self.events[max(fits, key=len)]

    def cycles(self, instructions: float, events: Mapping[str, float]) -> float:
        """All cycles of a run: one per guest instruction, and each event's own."""
        return instructions + sum(self.cost(event).cycles * count for event, count in events.items())


def _profile(name: str, what: str, hertz: float, exit_cycles: float, exit_source: str) -> Profile:
    """One processor.  `exit_cycles` is a hardware exit and entry."""
    fault = Cost(889, "AA, native column: a divide error and its IRET, M")
    call = Cost(242, "AA, native column: a system call and its return, M")
    handled = 300  # A: finding out what trapped and carrying it out in software
    trap = Cost(fault.cycles + handled, "a fault and IRET (AA, M) and 300 cycles to emulate (A)")
    leave = Cost(exit_cycles + handled, f"{exit_source}, and 300 cycles to emulate (A)")
    callout = Cost(196, "AA, software column, `in`: emulated within the cache, M")
    hypercall = Cost(call.cycles + handled, "a software interrupt (AA, M) and 300 cycles to serve it (A)")
    fill = Cost(fault.cycles + handled, "a fault and IRET (AA, M) and 300 cycles to walk and fill (A)")
    return Profile(name, what, hertz, {
        # Natively.
        "system call": call,
        "exception": fault,
        "exception 14": Cost(1093, "AA, native column: a page fault, M"),
        "interrupt": fault,
        "in": Cost(3209, "AA, native column: IN from a device, M"),
        "out": Cost(3209, "as IN"),
        "hlt": Cost(0, "time asleep is no work"),
        # Trap and emulate, and what translation shares with it.
        "trap": trap,
        "trap hlt": trap,
        "reflect": Cost(2 * fault.cycles + handled, "in and out again (AA, M); 300 for the frame (A)"),
        "shadow fill": fill,
        "traced write": Cost(fault.cycles + 2 * handled, "a fault, emulation, and the shadow (A)"),
        # Translation.
        "callout": callout,
        "callout store": Cost(391, "AA, software column, `ptemod`: an adapted store, M"),
        "lookup": Cost(40, "AA, software column, `callret`: (51 - 11) for one return, M"),
        "chain": Cost(1000, "A: once per branch"),
        "translated block": Cost(1000, "A: decoding and writing, once per block"),
        "translated instruction": Cost(100, "A"),
        "retranslation": Cost(10_000, "A: once per adapted store"),
        "cache flush": Cost(10_000, "A"),
        # Paravirtualization.
        "direct system call": call,
        "hypercall": hypercall,
        "bounce": Cost(fault.cycles + handled, "a fault, and a frame built for the guest's handler (A)"),
        "validated update": Cost(100, "A: a look at the page's type and count"),
        "trapped update": trap,
        "ring entry": Cost(20, "A: a store, and half of its share of the consumer's work"),
        # Hardware assist.
        "exit": leave,
        "exit traced write": Cost(leave.cycles + handled, "an exit, emulation, and the shadow (A)"),
        "exit emulation": leave,
    })  # fmt: skip


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        _profile(
            "prescott", "Pentium 4, 3.8 GHz, first VT-x (2005)", 3.8e9, 3963, "Agesen 2012, Prescott, M"
        ),
        _profile("penryn", "Core 2, 45 nm (2008)", 3.0e9, 1266, "Agesen 2012, Penryn, M"),
        _profile("nehalem", "Core i7 (2008)", 3.0e9, 1009, "Agesen 2012, Nehalem, M"),
        _profile("westmere", "32 nm (2010)", 3.0e9, 761, "Agesen 2012, Westmere, M"),
        _profile("sandy-bridge", "32 nm (2011)", 3.0e9, 784, "Agesen 2012, Sandy Bridge, M"),
    )
}
