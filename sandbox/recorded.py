"""The profile that `guise trace --profile` writes (docs/profile.schema.json), as a workload.

Calls are counted in the run itself; processor time, faults and switches are what the kernel says of its
processes.  What it does not say is made from what it does: requests to a disk from the bytes, packets from
calls and bytes on sockets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.style import Event, Workload
from sandbox.values import ProfileError, as_number, as_object, as_text, as_words

VERSION = 1
PACKET = 1448  # payload bytes of a full TCP segment on Ethernet, MTU 1500 with timestamps
REQUEST = 64 << 10  # bytes of one request to a disk, assumed
TICK = 250  # timer interrupts per busy second: CONFIG_HZ of the usual distribution kernels


def parse(top: Mapping[str, object]) -> Workload:
    """Without a name: the file's is used.  Raises ProfileError."""
    if top["profile"] != VERSION:
        raise ProfileError(f"it is of version {top['profile']}, and this Guise reads version {VERSION}")
    cpu = as_object(top.get("cpu"), '"cpu"')
    user = as_number(cpu.get("user_seconds"), '"cpu.user_seconds"')
    system = as_number(cpu.get("system_seconds"), '"cpu.system_seconds"')
    if user + system < 1e-6:
        raise ProfileError("it used no processor time: run something longer")
    calls = _calls(top.get("calls"))
    inputs = as_object(top.get("io"), '"io"')
    storage = _sum(inputs, "storage_read_bytes", "storage_written_bytes")
    network = _sum(inputs, "network_received_bytes", "network_sent_bytes")
    memory = as_object(top.get("memory"), '"memory"')
    touched = as_object(memory.get("touched_bytes"), '"memory.touched_bytes"')
    peak = int(as_number(memory.get("peak_resident_bytes"), '"memory.peak_resident_bytes"'))
    return Workload(
        name="",
        origin="recorded",
        elapsed=as_number(top.get("wall_seconds"), '"wall_seconds"'),
        user=user,
        system=system,
        events=_events(top, calls, storage, network, user + system),
        # the run's pages come and go: what must be there is the most that was there, or was touched
        working_set=max(peak, int(as_number(touched.get("p95", 0), '"memory.touched_bytes.p95"'))),
        calls=_by_name(calls),
        disk_bytes=int(storage),
        network_bytes=int(network),
        kernel=_guest(as_words(top.get("kernels"), '"kernels"')),
        command=as_words(top.get("command"), '"command"'),
        directory=as_text(top.get("directory", ""), '"directory"', empty=True),
        recorded_on=as_text(top.get("recorded_on", ""), '"recorded_on"', empty=True),
    )


def _calls(value: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list):
        raise ProfileError('"calls" is not a list')
    calls = []
    for each in value:
        call = as_object(each, 'one of "calls"')
        as_text(call.get("call"), '"call"')
        as_number(call.get("count"), '"count"')
        calls.append(call)
    return calls


def _by_name(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for call in calls:
        found[call["call"]] = found.get(call["call"], 0) + int(call["count"])
    return found


def _events(
    top: Mapping[str, object],
    calls: Sequence[Mapping[str, Any]],
    storage: float,
    network: float,
    busy: float,
) -> dict[Event, float]:
    faults = _sum(as_object(top.get("faults"), '"faults"'), "minor", "major")
    switches = as_object(top.get("context_switches"), '"context_switches"')
    moving = sum(
        int(call["count"])
        for call in calls
        if "net" in call.get("classes", ()) and (call.get("read_bytes") or call.get("written_bytes"))
    )
    events = {
        Event.SYSTEM_CALL: float(sum(int(call["count"]) for call in calls)),
        Event.PAGE_FAULT: faults,
        Event.PAGE_TABLE_WRITE: faults,  # each of them ends in one
        Event.CONTEXT_SWITCH: _sum(switches, "voluntary", "involuntary"),
        Event.EXCEPTION: as_number(top.get("signals", 0), '"signals"'),
        Event.DEVICE: storage / REQUEST,
        Event.PACKET: max(float(moving), network / PACKET) if network else 0.0,
        Event.INTERRUPT: busy * TICK,
    }
    return {event: count for event, count in events.items() if count}


def _sum(values: Mapping[str, object], *names: str) -> float:
    return sum(as_number(values.get(name, 0), f'"{name}"') for name in names)


def _guest(kernels: tuple[str, ...]) -> str:
    """The foreign kernel where there is one: its programs are what cannot run just anywhere."""
    return next((kernel for kernel in kernels if kernel != "linux"), "linux")
