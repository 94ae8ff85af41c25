"""Workload profiles: what is read from a file, and the sentence for what cannot be."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import workload
from sandbox.recorded import PACKET, REQUEST, TICK
from sandbox.style import Event

GOOD: dict[str, Any] = {
    "format": "guise-profile",
    "version": 1,
    "name": "gcc build",
    "kernel": "linux",
    "command": ["make"],
    "directory": "/src",
    "seconds": {"elapsed": 3.0, "user": 4.0, "system": 1.0},
    "calls": {"openat": 100, "read": 50},
    "faults": {"minor": 900, "major": 100},
    "switches": {"voluntary": 30, "involuntary": 12},
    "signals": 3,
    "io": {"disk_reads": 4, "disk_writes": 5, "network_bytes": 14480, "network_operations": 2},
    "memory": {"working_set": 1 << 20},
}


def test_counts_become_event_classes() -> None:
    load = workload.parse(GOOD)
    assert load.busy == 5.0
    assert load.events == {
        Event.SYSTEM_CALL: 150,
        Event.PAGE_FAULT: 1000,
        Event.PAGE_TABLE_WRITE: 1000,
        Event.CONTEXT_SWITCH: 42,
        Event.EXCEPTION: 3,
        Event.DEVICE: 9,
        Event.PACKET: 10,  # bytes fill more packets than there were operations
        Event.INTERRUPT: 5.0 * TICK,
    }
    assert not load.uncounted


TRACED: dict[str, Any] = {
    "profile": 1,
    "command": ["./server", "--port", "1"],
    "kernels": ["freebsd", "linux"],
    "wall_seconds": 2.0,
    "cpu": {"user_seconds": 1.0, "system_seconds": 0.5},
    "signals": 2,
    "calls": [
        {"call": "read", "classes": ["desc"], "count": 10, "read_bytes": 10, "written_bytes": 0},
        {"call": "sendto", "classes": ["net"], "count": 30, "read_bytes": 0, "written_bytes": 9},
        {"call": "read", "classes": ["desc"], "count": 5, "read_bytes": 1, "written_bytes": 0},
    ],
    "faults": {"minor": 700, "major": 50},
    "context_switches": {"voluntary": 8, "involuntary": 2},
    "io": {
        "storage_read_bytes": REQUEST, "storage_written_bytes": 3 * REQUEST,
        "network_received_bytes": 10 * PACKET, "network_sent_bytes": 90 * PACKET,
    },
    "memory": {"peak_resident_bytes": 5 << 20, "touched_bytes": {"windows": 3, "p95": 9 << 20}},
    "directory": "/src",
    "recorded_on": "abc",
}  # fmt: skip


def test_the_profile_of_a_traced_run(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    file.write_text(json.dumps(TRACED))
    load = workload.read(file)
    assert (load.name, load.kernel, load.directory, load.recorded_on) == ("server", "freebsd", "/src", "abc")
    assert (load.elapsed, load.busy, load.working_set) == (2.0, 1.5, 9 << 20)
    assert load.calls == {"read": 15, "sendto": 30}
    assert load.events == {
        Event.SYSTEM_CALL: 45,
        Event.PAGE_FAULT: 750,
        Event.PAGE_TABLE_WRITE: 750,
        Event.CONTEXT_SWITCH: 10,
        Event.EXCEPTION: 2,
        Event.DEVICE: 4,
        Event.PACKET: 100,  # bytes fill more packets than there were calls
        Event.INTERRUPT: 1.5 * TICK,
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"profile": 2}, "version 2"),
        ({"cpu": {"user_seconds": 0, "system_seconds": 0}}, "no processor time"),
        ({"calls": {}}, '"calls" is not a list'),
        ({"calls": [{"call": "read"}]}, '"count" is not a number'),
        ({"memory": {}}, '"memory.touched_bytes" is not an object'),
        ({"kernels": "linux"}, "is not a list of words"),
    ],
)
def test_a_damaged_profile_of_a_traced_run(change: dict[str, Any], says: str) -> None:
    with pytest.raises(workload.ProfileError) as error:
        workload.parse({**TRACED, **change})
    assert says in str(error.value)


def test_what_was_not_recorded_is_named() -> None:
    shorter = {name: part for name, part in GOOD.items() if name not in ("faults", "switches", "io")}
    load = workload.parse(shorter)
    assert load.uncounted == {
        Event.PAGE_FAULT, Event.PAGE_TABLE_WRITE, Event.CONTEXT_SWITCH, Event.DEVICE, Event.PACKET,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], "other", "guise-profile"),
        (["version"], 9, "version 9"),
        (["seconds"], [], '"seconds" is not an object'),
        (["seconds", "user"], "much", '"seconds.user" is not a number'),
        (["seconds", "user"], -1, "at least 0"),
        (["seconds", "user"], float("nan"), "at least 0"),
        (["seconds"], {"elapsed": 0, "user": 0, "system": 0}, "no processor time"),
        (["calls", "read"], True, '"calls.read" is not a number'),
        (["memory"], {}, '"memory.working_set" is not a number'),
        (["name"], "", '"name" is not a text'),
        (["command"], "make", '"command" is not a list'),
        (["faults"], 3, '"faults" is not an object'),
    ],
)
def test_a_damaged_profile_gets_one_sentence(path: list[str], value: object, says: str) -> None:
    damaged = copy.deepcopy(GOOD)
    place = damaged
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(workload.ProfileError) as error:
        workload.parse(damaged)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null"])
def test_a_file_that_is_no_profile(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "profile.json"
    file.write_bytes(text)
    with pytest.raises(workload.ProfileError):
        workload.read(file)


def test_reads_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(GOOD))
    assert workload.read(file) == workload.parse(GOOD)
