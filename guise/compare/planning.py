"""`guise compare --plan SERVERS`: which servers share which host."""

from __future__ import annotations

import re
from pathlib import Path

from guise.cli import UsageError, complain
from guise.output import print_json, print_table, size
from sandbox import systems
from sandbox.consolidation import packing, servers

_DEFAULT_ROOM = "cpu=2,disk=1,network=1"


def room(words: str, target: float, percentile: float, buffer: float, system: str) -> packing.Room:
    """What a host offers, from "cpu=4,memory=16GiB,disk=2".  Raises UsageError, UnknownSystem."""
    capacity = {}
    for word in (words or _DEFAULT_ROOM).split(","):
        name, _, value = word.partition("=")
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
        if name.strip() not in servers.RESOURCES or not match or float(match[1]) <= 0:
            raise UsageError(
                f"{word} says nothing about a host: write for instance --room cpu=4,memory=16GiB,disk=2"
            )
        capacity[name.strip()] = (
            float(match[1]) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}[match[2].upper()]
        )
    for name, share, least in (("--target", target, 0.0), ("--percentile", percentile, 0.0)):
        if not least < share <= 1:
            raise UsageError(f"{name} takes a share above 0 and at most 1 (or 100%), not {share:g}")
    if buffer < 0:
        raise UsageError(f"--buffer takes a share of at least 0, not {buffer:g}")
    most = None
    if system:
        rules = [systems.load(system).rule(each) for each in ("guests", "guests per processor")]
        limits = [
            int(rule.most * (capacity.get("cpu", 1) if rule.quantity == "guests per processor" else 1))
            for rule in rules
            if rule is not None and isinstance(rule.most, int | float)
        ]
        most = min(limits, default=None)
    return packing.Room(capacity, target, percentile, buffer, most)


def show(path: str, offered: packing.Room, *, as_json: bool) -> int:
    """0; 1 for a list that cannot be read or packed."""
    try:
        listed = servers.read(Path(path))
        plan = packing.pack(listed, offered)
    except OSError as error:
        return complain(f"{path} cannot be read: {(error.strerror or str(error)).lower()}", 1)
    except (servers.ServersError, packing.TooLarge) as error:
        return complain(f"{path}: {error}", 1)
    if as_json:
        print_json(_as_json(plan, offered))
        return 0
    for name, need in plan.needs.items():
        how = (
            "their peaks, for they are busy together"
            if need.in_phase
            else f"{offered.percentile:.0%} of the time"
        )
        amount = size(int(need.demand)) if name == "memory" else f"{need.demand:.2f} units"
        aim = "" if name == "memory" else f" at {offered.target:.0%} each"
        unit = "hosts" if name == "memory" else "units"
        print(f"{name}: {len(listed)} servers need {amount} ({how}): {need.units} {unit}{aim}")
    print_table(
        ("host", "servers", *plan.needs, "which"),
        (
            (
                str(number),
                str(len(host.servers)),
                *(_used(host, name, offered) for name in plan.needs),
                ", ".join(server.name for server in host.servers),
            )
            for number, host in enumerate(plan.hosts, 1)
        ),
    )
    return 0


def _used(host: packing.Placement, name: str, offered: packing.Room) -> str:
    return f"{host.uses(name, offered.percentile) / offered.capacity[name]:.0%}"


def _as_json(plan: packing.Plan, offered: packing.Room) -> dict[str, object]:
    return {
        "needs": {
            name: {"demand": need.demand, "units": need.units, "in_phase": need.in_phase}
            for name, need in plan.needs.items()
        },
        "hosts": [
            {
                "servers": [server.name for server in host.servers],
                "used": {
                    name: host.uses(name, offered.percentile) / offered.capacity[name] for name in plan.needs
                },
            }
            for host in plan.hosts
        ],
    }
