"""Which server goes onto which host: first fit, the largest first, over all resources at once.

First fit decreasing needs at most 11/9 of the fewest hosts, plus one, for one resource (Johnson 1973).
Beside the hosts stands what the sizing rule says of all servers together, by resource.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.consolidation.servers import Server
from sandbox.consolidation.sizing import demand, needed

_SLACK = 1e-9


class TooLarge(ValueError):
    """A server that fits onto no host: one sentence."""


@dataclass(frozen=True)
class Room:
    """What a host offers, and how a fit is judged.

    `capacity` by resource: units of CPU, disks, adapters, bytes of memory.  `target` is the share of the
    shared ones to aim at, `percentile` the share of the time in which it must hold, `buffer` a reserve on
    top of what is needed, as a share of it; `most` the guests that the style allows per host.
    """

    capacity: Mapping[str, float]
    target: float = 0.5
    percentile: float = 0.95
    buffer: float = 0.0
    most: int | None = None

    def limit(self, resource: str) -> float:
        """What may be used of a resource."""
        share = 1.0 if resource == "memory" else self.target
        return self.capacity[resource] * share / (1 + self.buffer)


@dataclass
class Placement:
    """One host of the plan."""

    servers: list[Server] = field(default_factory=list)

    def uses(self, resource: str, percentile: float) -> float:
        """What its servers need of a resource together."""
        series = [each.samples[resource] for each in self.servers if resource in each.samples]
        return demand(series, percentile)[0] if series else 0.0


@dataclass(frozen=True)
class Need:
    """What all servers need of a resource together, the units that the sizing rule gives, and why."""

    demand: float
    units: int
    in_phase: bool


@dataclass(frozen=True)
class Plan:
    """Hosts with their servers, and the needs by resource."""

    hosts: tuple[Placement, ...]
    needs: Mapping[str, Need]


def pack(servers: Sequence[Server], room: Room) -> Plan:
    """Raises TooLarge."""
    resources = [name for name in room.capacity if any(name in each.samples for each in servers)]
    hosts: list[Placement] = []
    for server in sorted(servers, key=lambda each: (-_size(each, room, resources), each.name)):
        if not _fits(Placement(), server, room, resources):
            raise TooLarge(_too_large(server, room, resources))
        place = next((host for host in hosts if _fits(host, server, room, resources)), None)
        if place is None:
            place = Placement()
            hosts.append(place)
        place.servers.append(server)
    return Plan(tuple(hosts), {name: _need(servers, name, room) for name in resources})


def _need(servers: Sequence[Server], resource: str, room: Room) -> Need:
    series = [each.samples[resource] for each in servers if resource in each.samples]
    total, in_phase = demand(series, room.percentile)
    if resource == "memory":
        return Need(total, math.ceil(total / room.limit("memory")), in_phase)
    return Need(total, needed([total * (1 + room.buffer)], room.target), in_phase)


def _fits(host: Placement, server: Server, room: Room, resources: Sequence[str]) -> bool:
    together = Placement([*host.servers, server])
    if room.most is not None and len(together.servers) > room.most:
        return False
    return all(together.uses(name, room.percentile) <= room.limit(name) + _SLACK for name in resources)


def _size(server: Server, room: Room, resources: Sequence[str]) -> float:
    """The largest share of a host that it needs of anything."""
    alone = Placement([server])
    return max((alone.uses(name, room.percentile) / room.limit(name) for name in resources), default=0.0)


def _too_large(server: Server, room: Room, resources: Sequence[str]) -> str:
    alone = Placement([server])
    worst = max(resources, key=lambda name: alone.uses(name, room.percentile) / room.limit(name))
    return (
        f"{server.name} fits onto no host: it needs {_amount(worst, alone.uses(worst, room.percentile))} of "
        f"{worst}, and {_amount(worst, room.limit(worst))} may be used: take larger hosts or a higher target"
    )


def _amount(resource: str, value: float) -> str:
    return f"{value / 2**30:.1f} GiB" if resource == "memory" else f"{value:.2f} units"
