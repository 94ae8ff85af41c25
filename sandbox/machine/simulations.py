"""The simulators by name: each with its parameters, and a table that contrasts the ways of doing the thing.

A parameter is a field of the simulator's configuration; `--set NAME=VALUE` changes one for every row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sandbox.machine.devices import network
from sandbox.machine.dispatch import spin, ticks
from sandbox.machine.memory import balloon, nested, sharing, tax, tlb

Row = tuple[str, ...]


class BadSetting(ValueError):
    """A parameter that the simulator does not have, or a value that it cannot take: one sentence."""


@dataclass(frozen=True)
class Table:
    columns: Row
    rows: tuple[Row, ...]
    says: str


@dataclass(frozen=True)
class Simulation:
    """`config` has the parameters; `table` runs it, in all the variants that are worth comparing."""

    name: str
    what: str
    config: Any
    table: Callable[[Any], Table]

    def parameters(self) -> dict[str, Any]:
        return {field.name: getattr(self.config, field.name) for field in fields(self.config)}

    def run(self, settings: Mapping[str, str]) -> Table:
        """Raises BadSetting, and NotInstalled where SimPy is needed."""
        kinds = {field.name: str(field.type) for field in fields(self.config)}
        changes = {name: _value(name, text, kinds) for name, text in settings.items()}
        try:
            return self.table(replace(self.config, **changes))
        except BadSetting:
            raise
        except ValueError as error:
            raise BadSetting(str(error)) from None


def _value(name: str, text: str, kinds: Mapping[str, str]) -> Any:
    if name not in kinds:
        raise BadSetting(f"there is no parameter {name}: there are {', '.join(kinds)}")
    made, wanted = _KINDS[kinds[name]]
    try:
        value = made(text)
    except ValueError:
        raise BadSetting(f"{name} is {text}: it must be {wanted}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise BadSetting(f"{name} is {text}: it must be {wanted}")
    return value


def _truth(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(text)
    return text == "yes"


_KINDS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (_truth, "yes or no"),
    "str": (str, "a word"),
}


def _nested(config: nested.Nested) -> Table:
    squeeze = max(0, config.guest_frames - config.host_frames)
    variants = [
        *((f"host {policy}", replace(config, host=policy)) for policy in nested.POLICIES),
        ("handshake, 30 % dirty", replace(config, handshake=True, dirty=0.3)),
        (f"balloon of {squeeze}", replace(config, balloon=squeeze)),
    ]
    rows = []
    for name, variant in variants:
        found = nested.run(variant)
        share = f"{found.double_paged / max(found.guest_faults, 1):.0%}"
        rows.append((name, f"{found.guest_faults:,}", f"{found.host_page_ins:,}", share, f"{found.all:,}"))
    return Table(
        ("way", "guest faults", "host page-ins", "double-paged", "in all"), tuple(rows),
        "an LRU under an LRU brings in nearly every frame that is about to be given up; a balloon does not",
    )  # fmt: skip


def _reclaim(config: balloon.Reclaim) -> Table:
    rows, before = [], ""
    for moment in balloon.reclaim(config):
        if moment.state != before or moment.second == config.seconds - 1:
            rows.append((
                str(moment.second), f"{moment.free:.1%}", moment.state, f"{moment.ballooned:,.0f}",
                f"{moment.paged:,.0f}", f"{moment.unmet:,.0f}",
            ))  # fmt: skip
        before = moment.state
    columns = ("second", "free", "state", "ballooned MB", "paged MB", "unmet MB")
    return Table(columns, tuple(rows), "each row is a change of the host's state")


def _balloon(config: balloon.Overhead) -> Table:
    sizes = (32, 64, 96, 128)
    found = balloon.overheads(config, sizes)
    rows = tuple((str(size), f"{found[size]:.1%}") for size in sizes)
    return Table(
        ("MB ballooned", "slower than configured so"), rows,
        "ESX measured 1.4 % (32 MB) to 4.4 % (128 MB of 256): tables sized at boot explain a part of that",
    )  # fmt: skip


def _sharing(config: sharing.Population) -> Table:
    rows = []
    for guests in (1, 2, 5, config.guests):
        found = sharing.run(replace(config, guests=guests))
        rows.append((str(guests), f"{found.shared:.1%}", f"{found.reclaimed:.1%}", f"{found.copies:,}"))
    return Table(("guests", "shared", "reclaimed", "copies"), tuple(rows), "after four passes at random")


@dataclass(frozen=True)
class Taxed:
    """Two guests with equal shares that would each like `wants` MB of a host's `memory`."""

    memory: float = 360
    wants: float = 256
    idle: float = 40
    seconds: float = 1800

    def __post_init__(self) -> None:
        if min(self.memory, self.wants, self.seconds) <= 0 or not 0 <= self.idle <= self.wants:
            raise ValueError("sizes and seconds must be positive, and a guest uses no more than it wants")


def _tax(config: Taxed) -> Table:
    rows = []
    for rate in (0.0, 0.25, 0.5, 0.75, 0.95):
        clients = [
            tax.Client("idle", 1, config.wants, config.idle),
            tax.Client("busy", 1, config.wants, config.wants),
        ]
        has = tax.Broker(config.memory, clients, rate).run(config.seconds)
        rows.append((f"{rate:.0%}", f"{has['idle']:.0f}", f"{has['busy']:.0f}"))
    return Table(
        ("tax", "idle guest, MB", "busy guest, MB"), tuple(rows), "ESX taxes 75 % unless told otherwise"
    )


def _tlb(config: tlb.Translations) -> Table:
    rows = []
    for tagged in (False, True):
        for remaps in (0.0, config.remaps, 20 * config.remaps):
            found = tlb.run(replace(config, tagged=tagged, remaps=remaps))
            rows.append((
                "tagged" if tagged else "flushed", f"{remaps:g}", f"{found.misses / found.references:.1%}",
                *(f"{found.cycles[kind]:.1f}" for kind in tlb.KINDS),
            ))  # fmt: skip
    columns = ("TLB", "remaps/1000", "misses", *(f"{kind}, cycles" for kind in tlb.KINDS))
    return Table(columns, tuple(rows), "cycles are a reference's share of walks and of shadow updates")


def _ticks(config: ticks.Ticks) -> Table:
    rows = []
    for policy in ticks.POLICIES:
        found = ticks.run(replace(config, policy=policy))
        rows.append((
            policy, f"{found.behind:.2f}", f"{found.worst:.2f}", f"{found.lost:,}", f"{found.interrupts:,}",
            f"{found.useful:.1%}",
        ))  # fmt: skip
    columns = ("timer", "behind at the end, s", "worst, s", "ticks lost", "interrupts", "useful")
    return Table(
        columns, tuple(rows), f"after {config.seconds:g} s of real time, mean of {config.guests} guests"
    )


def _idle(config: ticks.Ticks) -> Table:
    rows = []
    for kind in ticks.IDLE:
        found = ticks.run(replace(config, idle=kind))
        rows.append((kind, f"{found.useful:.1%}", f"{found.spun:.1%}"))
    return Table(("idle guests", "useful", "spun"), tuple(rows), "shares of the processor")


def _spin(config: spin.Spin) -> Table:
    rows = []
    for policy in spin.POLICIES:
        found = spin.run(replace(config, policy=policy))
        wait = f"{found.longest_wait * 1e3:.1f}"
        rows.append((policy, f"{found.sections:,.0f}", f"{found.computed:.1%}", f"{found.spun:.1%}", wait))
    columns = ("dispatching", "sections/s", "computed", "spun", "longest wait, ms")
    return Table(columns, tuple(rows), "a holder that is not dispatched keeps its whole guest spinning")


def _network(config: network.Network) -> Table:
    rows = []
    for kind in network.KINDS:
        found = network.run(replace(config, kind=kind))
        rows.append((kind, f"{found.megabits:.0f}", f"{found.busy:.0%}", f"{found.crossings:.2f}"))
    return Table(
        ("card", "Mb/s", "processor", "crossings a packet"), tuple(rows),
        "Xen's paper: 897 Mb/s natively and in Xen, 291 in VMware Workstation; costs here are assumed",
    )  # fmt: skip


_LIST: Sequence[Simulation] = (
    Simulation("nested-lru", "a pager under a pager, and the balloon's cure", nested.Nested(), _nested),
    Simulation("reclaim", "a host that runs out of memory, second by second", balloon.Reclaim(), _reclaim),
    Simulation("balloon", "what a ballooned guest loses", balloon.Overhead(), _balloon),
    Simulation("sharing", "pages of the same content, shared copy-on-write", sharing.Population(), _sharing),
    Simulation("idle-tax", "who must give memory back", Taxed(), _tax),
    Simulation("tlb", "translation natively, by shadow and by nested tables", tlb.Translations(), _tlb),
    Simulation("ticks", "a guest's clock while it is not dispatched", ticks.Ticks(), _ticks),
    Simulation(
        "idle", "guests that spin when they are idle", ticks.Ticks(think=0.1, policy="paravirtual"), _idle
    ),
    Simulation("spin", "guests that spin on locks, and co-scheduling", spin.Spin(seconds=1.0), _spin),
    Simulation("network", "an emulated card against a shared ring", network.Network(), _network),
)
SIMULATIONS: dict[str, Simulation] = {one.name: one for one in _LIST}
