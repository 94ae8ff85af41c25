"""A workload as a file: the JSON that `guise trace --profile` writes and `guise compare` reads.

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
import math
from collections.abc import Mapping
from pathlib import Path

from sandbox.style import Event, Workload

FORMAT = "guise-profile"
VERSION = 1
PACKET = 1448  # payload bytes of a full TCP segment on Ethernet, MTU 1500 with timestamps
TICK = 250  # timer interrupts per busy second: CONFIG_HZ of the usual distribution kernels


class ProfileError(ValueError):
    """A profile that cannot be understood: one sentence, without the file's name."""


def read(path: Path) -> Workload:
    """Raises OSError, and ProfileError for what is no profile."""
    data = path.read_bytes()
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"it is not JSON ({error})") from None
    return parse(value)


def parse(value: object) -> Workload:
    """Raises ProfileError."""
    top = _object(value, "the profile")
    if top.get("format") != FORMAT:
        raise ProfileError(f'its "format" is not "{FORMAT}": `guise trace --profile` writes one')
    if top.get("version") != VERSION:
        raise ProfileError(f"it is of version {top.get('version')}, and this Guise reads version {VERSION}")
    seconds = _object(top.get("seconds"), '"seconds"')
    calls = {
        name: int(_number(count, f'"calls.{name}"'))
        for name, count in _object(top.get("calls"), '"calls"').items()
    }
    memory = _object(top.get("memory"), '"memory"')
    inputs = _object(top.get("io", {}), '"io"')
    user = _number(seconds.get("user"), '"seconds.user"')
    system = _number(seconds.get("system"), '"seconds.system"')
    if user + system <= 0:
        raise ProfileError("it used no processor time: run something longer")
    events, uncounted = _events(top, calls, inputs, user + system)
    return Workload(
        name=_text(top.get("name"), '"name"'),
        origin="recorded",
        elapsed=_number(seconds.get("elapsed"), '"seconds.elapsed"'),
        user=user,
        system=system,
        events=events,
        working_set=int(_number(memory.get("working_set"), '"memory.working_set"')),
        calls=calls,
        image=int(_number(memory.get("image", 0), '"memory.image"')),
        disk_bytes=int(_number(inputs.get("disk_bytes", 0), '"io.disk_bytes"')),
        network_bytes=int(_number(inputs.get("network_bytes", 0), '"io.network_bytes"')),
        dirty_rate=_number(memory.get("dirty_rate", 0), '"memory.dirty_rate"'),
        processors=max(1, int(_number(top.get("processors", 1), '"processors"'))),
        kernel=_text(top.get("kernel", "linux"), '"kernel"'),
        command=_words(top.get("command", [])),
        directory=_text(top.get("directory", ""), '"directory"', empty=True),
        recorded_on=_text(top.get("recorded_on", ""), '"recorded_on"', empty=True),
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
        faults = _object(top["faults"], '"faults"')
        count = sum(_number(faults.get(kind, 0), f'"faults.{kind}"') for kind in ("minor", "major"))
        events[Event.PAGE_FAULT] = count
        events[Event.PAGE_TABLE_WRITE] = count
    else:
        uncounted |= {Event.PAGE_FAULT, Event.PAGE_TABLE_WRITE}
    if "switches" in top:
        switches = _object(top["switches"], '"switches"')
        events[Event.CONTEXT_SWITCH] = sum(
            _number(switches.get(kind, 0), f'"switches.{kind}"') for kind in ("voluntary", "involuntary")
        )
    else:
        uncounted.add(Event.CONTEXT_SWITCH)
    if "signals" in top:
        events[Event.EXCEPTION] = _number(top["signals"], '"signals"')
    if "io" in top:
        events[Event.DEVICE] = sum(
            _number(inputs.get(kind, 0), f'"io.{kind}"') for kind in ("disk_reads", "disk_writes")
        )
        events[Event.PACKET] = max(
            _number(inputs.get("network_operations", 0), '"io.network_operations"'),
            _number(inputs.get("network_bytes", 0), '"io.network_bytes"') / PACKET,
        )
    else:
        uncounted |= {Event.DEVICE, Event.PACKET}
    return {event: count for event, count in events.items() if count}, frozenset(uncounted)


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ProfileError(f"{what} is not an object")
    return value


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProfileError(f"{what} is not a number")
    if not math.isfinite(value) or value < 0:
        raise ProfileError(f"{what} is not a number of at least 0")
    return float(value)


def _text(value: object, what: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise ProfileError(f"{what} is not a text")
    return value


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ProfileError('"command" is not a list of words')
    return tuple(value)
