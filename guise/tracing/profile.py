"""`--profile`: what a run needed, as one small JSON object that models and comparisons start from.

Calls come from the trace, CPU time and faults from what each process reports of itself, memory from
looking at the processes while they run.  docs/trace-format.md describes every member, and
docs/profile.schema.json checks it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from guise.tracing.summary import Counts
from personality.tracing import layout
from sandbox.workload import host_mark
from syscalls import load
from syscalls.model import Call

SCHEMA = 1
WINDOW = 0.25
"""Seconds between two looks at memory."""

_AREA = b"guise-trace"
Json = dict[str, Any]


class Watch:
    """Looks at the run's processes from time to time: memory, and what those that get killed have used."""

    def __init__(self) -> None:
        self._next = 0.0
        self.touched: list[int] = []
        self.resident: list[int] = []
        self.threads = 0
        self.used: dict[int, dict[str, int]] = {}

    def look(self, processes: Iterable[int], proc: str) -> None:
        """At most once in a window; `processes` that are gone from the folder `proc` are left out."""
        now = time.monotonic()
        if now < self._next:
            return
        whole_window = self._next != 0.0
        self._next = now + WINDOW
        touched = resident = threads = found = 0
        for process in processes:
            seen = _memory(f"{proc}/{process}")
            if seen is None:
                continue
            found += 1
            resident += seen[0]
            touched += seen[1]
            threads += _usage(f"{proc}/{process}", process, self.used)
        if found:
            self.resident.append(resident)
            self.threads = max(self.threads, threads)
            if whole_window:
                self.touched.append(touched)


def _memory(folder: str) -> tuple[int, int] | None:
    """Bytes resident, and touched since the last look, less the trace's own; None: it is gone."""
    resident = touched = 0
    ours = False
    try:
        with open(f"{folder}/smaps", "rb") as file:
            for line in file:
                if line.startswith(b"Rss:") and not ours:
                    resident += int(line.split()[1])
                elif line.startswith(b"Referenced:") and not ours:
                    touched += int(line.split()[1])
                elif line[:1] in b"0123456789abcdef":
                    ours = _AREA in line
        with open(f"{folder}/clear_refs", "wb") as file:
            file.write(b"1")
    except OSError:
        return None
    return resident * 1024, touched * 1024


def _usage(folder: str, process: int, used: dict[int, dict[str, int]]) -> int:
    """Remember what a process has used so far, should it not live to tell; how many threads it has."""
    try:
        with open(f"{folder}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open(f"{folder}/status", "rb") as file:
            status = dict(line.split(b":", 1) for line in file if b":" in line)
    except OSError:
        return 0
    tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    used[process] = {
        "user": int(fields[11]) * tick,
        "system": int(fields[12]) * tick,
        "minor_faults": int(fields[7]),
        "major_faults": int(fields[9]),
        "voluntary_switches": int(status.get(b"voluntary_ctxt_switches", b"0")),
        "involuntary_switches": int(status.get(b"nonvoluntary_ctxt_switches", b"0")),
    }
    return int(fields[17])


def build(
    counts: Counts, watch: Watch, command: tuple[str, ...], wall: float, status: int, lost: int
) -> Json:
    """The whole object; `wall` in seconds, `status` a wait status."""
    used = _total_usage(counts, watch)
    calls = [_call(counts, entry) for entry in counts.calls()]
    peak = max([*watch.resident, used["resident"] if not watch.resident else 0])
    return {
        "profile": SCHEMA,
        "command": list(command),
        "directory": os.getcwd(),
        "recorded_on": host_mark(),
        "kernels": sorted({call["kernel"] for call in calls}),
        "status": os.waitstatus_to_exitcode(status),
        "host": _host(),
        "wall_seconds": round(wall, 6),
        "cpu": {"user_seconds": used["user"] / 1e9, "system_seconds": used["system"] / 1e9},
        "processes": len(counts.programs),
        "threads": {"started": len(counts.threads), "most_at_a_time": max(watch.threads, 1)},
        "programs_executed": counts.executed + 1,
        "signals": counts.signals,
        "calls": calls,
        "classes": _classes(calls),
        "faults": {"minor": used["minor_faults"], "major": used["major_faults"]},
        "context_switches": {
            "voluntary": used["voluntary_switches"], "involuntary": used["involuntary_switches"],
        },
        "io": {
            **_moved(calls),
            "storage_read_bytes": used["storage_read"],
            "storage_written_bytes": used["storage_written"],
        },
        "memory": {
            "peak_resident_bytes": peak,
            "window_seconds": WINDOW,
            "touched_bytes": {
                "windows": len(watch.touched),
                "median": _quantile(watch.touched, 0.5),
                "p95": _quantile(watch.touched, 0.95),
                "most": max(watch.touched, default=0),
            },
        },
        "lost_calls": lost,
    }  # fmt: skip


def _host() -> Json:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {"processors": os.cpu_count() or 1, "memory_bytes": pages * size, "release": os.uname().release}


def _total_usage(counts: Counts, watch: Watch) -> dict[str, int]:
    total = dict.fromkeys(layout.USAGE_NAMES, 0)
    for process in counts.programs:
        began = dict(zip(layout.USAGE_NAMES, counts.began.get(process, ()), strict=False))
        ended = dict(zip(layout.USAGE_NAMES, counts.ended.get(process, ()), strict=False))
        ended = ended or watch.used.get(process, {})
        for name in layout.USAGE_NAMES:
            if name == "resident":
                total[name] = max(total[name], ended.get(name, 0))
            else:
                total[name] += max(0, ended.get(name, 0) - began.get(name, 0))
    return total


def _call(counts: Counts, entry: Any) -> Json:
    kernel = counts.kernels[entry.kernel]
    call = load(kernel).by_number.get(entry.number)
    direction = _direction(call) if call else ""
    return {
        "kernel": kernel,
        "call": counts.name(entry),
        "classes": sorted(call.tags - {"wait"}) if call else [],
        "count": entry.calls,
        "errors": entry.errors,
        "seconds": entry.total / 1e9,
        "median_seconds": entry.median / 1e9,
        "read_bytes": entry.moved if direction == "read" else 0,
        "written_bytes": entry.moved if direction == "write" else 0,
    }


def _direction(call: Call) -> str:
    """Whether the result counts bytes that went in or out of the process through a descriptor."""
    if call.result.name not in ("size", "ssize", "int") or not call.tags & {"desc", "net"}:
        return ""
    if call.result.name == "int" and not any(a.type.kind == "bytes" for a in call.arguments):
        return ""
    for argument in call.arguments:
        kind = argument.type
        if kind.kind == "bytes" or (kind.kind == "object" and kind.name in ("iovec", "msghdr")):
            return "write" if kind.direction == "in" else "read"
    return ""


def _classes(calls: list[Json]) -> Json:
    found: dict[str, Json] = {}
    for call in calls:
        for name in call["classes"]:
            entry = found.setdefault(name, {"count": 0, "errors": 0, "seconds": 0.0})
            for member in ("count", "errors", "seconds"):
                entry[member] += call[member]
    return dict(sorted(found.items()))


def _moved(calls: list[Json]) -> Json:
    of_network = [call for call in calls if "net" in call["classes"]]
    return {
        "read_bytes": sum(call["read_bytes"] for call in calls),
        "written_bytes": sum(call["written_bytes"] for call in calls),
        "network_received_bytes": sum(call["read_bytes"] for call in of_network),
        "network_sent_bytes": sum(call["written_bytes"] for call in of_network),
    }


def _quantile(values: list[int], part: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0
