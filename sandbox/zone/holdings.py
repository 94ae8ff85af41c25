"""What the host keeps for a running zone beside its processes: a group, an interface, names, ports.

All of it is named after the zone's identity, and what there is of it stands in the zone's `running` file
before it is made, so that it can be taken away whatever happened.
"""

from __future__ import annotations

import os

from sandbox.zone import ZoneError, configuration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.resources import Limits
    from sandbox.zone.store import Zone

_NUMBERS = {"cpu-shares": int, "cpu-cap": float, "max-lwps": int, "io-weight": int}
_SIZES = ("memory", "swap")
NETWORK = "10.89.0.0/16"
"""Where addresses of zones come from that name none."""


def wanted(settings: Configuration) -> dict[str, Any]:
    """What of the `running` file says what is going to be there."""
    limited = any(settings.text(name) for name in (*_NUMBERS, *_SIZES, "dedicated-cpus"))
    limited = limited or bool(settings.items("io-limits"))
    return {"group": limited, "bridge": settings.text("net") == "bridge"}


def limits(settings: Configuration) -> Limits:
    """Raises ZoneError for what is out of range."""
    from sandbox.zone.resources import IoLimit, Limits

    values: dict[str, Any] = {
        name.replace("-", "_"): kind(settings.text(name))
        for name, kind in _NUMBERS.items()
        if settings.text(name)
    }
    values |= {name: configuration.size_of(settings.text(name)) for name in _SIZES if settings.text(name)}
    disks = [configuration.io_limit(text) for text in settings.items("io-limits")]
    named = {"read": "read_bytes", "write": "write_bytes"}
    return Limits(
        **values,
        dedicated_cpus=settings.text("dedicated-cpus") or None,
        io_limits=tuple(
            IoLimit(disk, **{named.get(name, name): number for name, number in most.items()})
            for disk, most in disks
        ),
    )


def check_processors(settings: Configuration) -> None:
    """Raises ZoneError when the zone is to run on what this host does not have."""
    wanted = settings.text("dedicated-cpus")
    if not wanted:
        return
    from sandbox.zone.resources import cpu_list, read_file

    there = read_file("/sys/devices/system/cpu/present").strip()  # offline ones may come
    if there and not cpu_list(wanted) <= cpu_list(there):
        raise ZoneError(f"dedicated-cpus={wanted}: this host has the processors {there}")


def limit(zone: Zone, settings: Configuration, running: dict[str, Any]) -> list[str]:
    """Hold process 1 and its children to come to the zone's limits; what this host cannot do.

    Raises ZoneError.
    """
    missing = []
    if running["group"]:
        from sandbox.zone.resources import Group

        group = Group(zone.identity)
        missing = [str(one) for one in group.create(limits(settings))]
        group.add(int(running["pid"]))
    return missing


def connect(zone: Zone, settings: Configuration, running: dict[str, Any]) -> None:
    """Give process 1 its network, and write it down in `running`.  Raises ZoneError."""
    pid = int(running["pid"])
    if running["bridge"]:
        from sandbox.zone import network

        with network.names(hosts(zone)) as known:
            others = {name: set(addresses) for name, addresses in known.items() if name != zone.name}
            used = [one for addresses in others.values() for one in addresses if ":" not in one]
            address = settings.text("address") or network.free_address(NETWORK, used)
            link = network.Link(address, settings.text("bridge") or "guise0", settings.text("address6"))
            own = [str(one.ip) for one in (link.interface, link.interface6) if one]
            for name, addresses in others.items():
                taken = addresses.intersection(own)
                if taken and _runs(zone, name):
                    raise ZoneError(f"zone {name} has the address {taken.pop()}: choose another, or none")
            known[zone.name] = own
        network.attach(zone.identity, pid, link)
        running["address"] = address
        zone.note("running", running)
        network.publish(
            pid, address.partition("/")[0], [network.Port.parse(text) for text in settings.items("port")]
        )


def _runs(zone: Zone, other: str) -> bool:
    return type(zone)(zone.store, other).running() is not None


def change(zone: Zone, settings: Configuration, running: dict[str, Any], pids: list[int]) -> list[str]:
    """Hold a running zone to other limits; what this host cannot do.  Raises ZoneError."""
    now = wanted(settings)["group"]
    if not now and not running.get("group"):
        return []
    from sandbox.zone.resources import Group

    group = Group(zone.identity)
    if running.get("group"):
        return [str(one) for one in group.change(limits(settings))]
    zone.note("running", {**running, "group": True})
    missing = [str(one) for one in group.create(limits(settings))]
    for pid in pids:
        group.add(pid)
    return missing


def join(zone_identity: str, running: dict[str, Any], pid: int) -> None:
    """Count a process that goes into the zone with the zone's.  Raises ZoneError."""
    if running.get("group"):
        from sandbox.zone.resources import Group

        Group(zone_identity).add(pid)


def release(zone: Zone, running: dict[str, Any]) -> None:
    """Take all of it away; its processes have ended.  Raises ZoneError."""
    if running.get("group"):
        from sandbox.zone.resources import Group

        group = Group(zone.identity)
        group.kill()
        group.remove()
    if running.get("bridge"):
        from sandbox.zone import network

        with network.names(hosts(zone)) as known:
            known.pop(zone.name, None)
        network.detach(zone.identity)


def hosts(zone: Zone) -> str:
    """The file that is the /etc/hosts of all zones on bridges; it stays.  Raises ZoneError."""
    from sandbox.zone import network

    path = os.path.join(zone.store, ".hosts")
    with network.names(path):
        return path
