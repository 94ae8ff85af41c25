"""A workload as a file: what `guise trace --profile` writes (`sandbox.recorded`), or this shorter form.

    {"format": "guise-profile", "version": 1,
     "name": "gcc build", "kernel": "linux",
     "command": ["make", "-j2"], "directory": "/home/me/project", "recorded_on": host_mark(),
     "seconds": {"elapsed": 3.1, "user": 4.4, "system": 0.6},
     "calls": {"openat": 8123, "read": 4410},
     "faults": {"minor": 91022, "major": 3},
     "switches": {"voluntary": 411, "involuntary": 98},
     "processes": 41, "threads": 44, "signals": 40,
     "io": {"disk_reads": 12, "disk_writes": 90, "disk_bytes": 4128768,
            "network_operations": 0, "network_bytes": 0},
     "memory": {"working_set": 211812352, "image": 31457280, "dirty_rate": 0}}

Only format, version, name, seconds, calls and memory.working_set must be there; what is left out
counts as not recorded, and the comparison says so.  Times are seconds, sizes bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sandbox import recorded
from sandbox.recorded import PACKET, TICK
from sandbox.style import Event, Workload
from sandbox.values import ProfileError, as_number, as_object, as_text, as_words

__all__ = ["ProfileError", "host_mark", "parse", "read"]

FORMAT = "guise-profile"
VERSION = 1


def read(path: Path) -> Workload:
    """Raises OSError, and ProfileError for what is no profile."""
    data = path.read_bytes()
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"it is not JSON ({error})") from None
    found = parse(value)
    return found if found.name else replace(found, name=path.stem)


def parse(value: object) -> Workload:
    """Raises ProfileError."""
    top = as_object(value, "the profile")
    if "profile" in top:
        return recorded.parse(top)
    if top.get("format") != FORMAT:
        raise ProfileError(f'it is no profile of `guise trace --profile`, and its "format" is not "{FORMAT}"')
    if top.get("version") != VERSION:
        raise ProfileError(f"it is of version {top.get('version')}, and this Guise reads version {VERSION}")
    seconds = as_object(top.get("seconds"), '"seconds"')
    calls = {
        name: int(as_number(count, f'"calls.{name}"'))
        for name, count in as_object(top.get("calls"), '"calls"').items()
    }
    memory = as_object(top.get("memory"), '"memory"')
    inputs = as_object(top.get("io", {}), '"io"')
    user = as_number(seconds.get("user"), '"seconds.user"')
    system = as_number(seconds.get("system"), '"seconds.system"')
    if user + system < 1e-6:
        raise ProfileError("it used no processor time: run something longer")
    events, uncounted = _events(top, calls, inputs, user + system)
    return Workload(
        name=as_text(top.get("name"), '"name"'),
        origin="recorded",
        elapsed=as_number(seconds.get("elapsed"), '"seconds.elapsed"'),
        user=user,
        system=system,
        events=events,
        working_set=int(as_number(memory.get("working_set"), '"memory.working_set"')),
        calls=calls,
        image=int(as_number(memory.get("image", 0), '"memory.image"')),
        disk_bytes=int(as_number(inputs.get("disk_bytes", 0), '"io.disk_bytes"')),
        network_bytes=int(as_number(inputs.get("network_bytes", 0), '"io.network_bytes"')),
        dirty_rate=as_number(memory.get("dirty_rate", 0), '"memory.dirty_rate"'),
        processors=max(1, int(as_number(top.get("processors", 1), '"processors"'))),
        kernel=as_text(top.get("kernel", "linux"), '"kernel"'),
        command=as_words(top.get("command", []), '"command"'),
        directory=as_text(top.get("directory", ""), '"directory"', empty=True),
        recorded_on=as_text(top.get("recorded_on", ""), '"recorded_on"', empty=True),
        uncounted=uncounted,
    )


def host_mark() -> str:
    """What tells this host from others without naming it; "" where it has no identity.

    A profile with this mark was recorded here, so its command may be run again without asking.
    """
    try:
        identity = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return hashlib.sha256(f"{FORMAT} {identity}".encode()).hexdigest()[:32] if identity else ""


def _events(
    top: Mapping[str, object], calls: Mapping[str, int], inputs: Mapping[str, object], busy: float
) -> tuple[dict[Event, float], frozenset[Event]]:
    """Counts by class.  Every page fault ends in one page-table write; timer ticks come from busy time."""
    events: dict[Event, float] = {
        Event.SYSTEM_CALL: float(sum(calls.values())),
        Event.INTERRUPT: busy * TICK,
    }
    uncounted = set()
    if "faults" in top:
        faults = as_object(top["faults"], '"faults"')
        count = sum(as_number(faults.get(kind, 0), f'"faults.{kind}"') for kind in ("minor", "major"))
        events[Event.PAGE_FAULT] = count
        events[Event.PAGE_TABLE_WRITE] = count
    else:
        uncounted |= {Event.PAGE_FAULT, Event.PAGE_TABLE_WRITE}
    if "switches" in top:
        switches = as_object(top["switches"], '"switches"')
        events[Event.CONTEXT_SWITCH] = sum(
            as_number(switches.get(kind, 0), f'"switches.{kind}"') for kind in ("voluntary", "involuntary")
        )
    else:
        uncounted.add(Event.CONTEXT_SWITCH)
    if "signals" in top:
        events[Event.EXCEPTION] = as_number(top["signals"], '"signals"')
    if "io" in top:
        events[Event.DEVICE] = sum(
            as_number(inputs.get(kind, 0), f'"io.{kind}"') for kind in ("disk_reads", "disk_writes")
        )
        events[Event.PACKET] = max(
            as_number(inputs.get("network_operations", 0), '"io.network_operations"'),
            as_number(inputs.get("network_bytes", 0), '"io.network_bytes"') / PACKET,
        )
    else:
        uncounted |= {Event.DEVICE, Event.PACKET}
    return {event: count for event, count in events.items() if count}, frozenset(uncounted)
