"""Which file of which controller holds a limit, in each version of cgroups, and what is written there."""

from __future__ import annotations

import os
from collections.abc import Iterator

from sandbox.zone import ZoneError
from sandbox.zone.resources.hierarchy import read_file
from sandbox.zone.resources.limits import IoLimit, Limits, Missing

PERIOD = 100_000  # microseconds
Setting = tuple[str, str, str]  # resource, file, text
_IO = (("read_bytes", "read_bps", "rbps"), ("write_bytes", "write_bps", "wbps"),
       ("reads", "read_iops", "riops"), ("writes", "write_iops", "wiops"))  # fmt: skip

CONTROLLERS = {
    "cpu_shares": ("cpu",), "cpu_cap": ("cpu",), "dedicated_cpus": ("cpuset",), "memory": ("memory",),
    "swap": ("memory",), "max_lwps": ("pids",), "io_weight": ("blkio", "io"), "io_limits": ("blkio", "io"),
}  # fmt: skip
"""The controller of each limit: its name in version 1, and where it differs that in version 2."""


def settings(name: str, limits: Limits, version: int, folder: str) -> Iterator[Setting | Missing]:
    """What makes the limit `name` hold; its default where `limits` does not choose it."""
    value = getattr(limits, name)
    one = version == 1
    if name == "cpu_shares":
        weight = value or 100
        yield (
            (name, "cpu.shares", str(max(2, weight * 1024 // 100)))
            if one
            else (name, "cpu.weight", str(weight))
        )
    elif name == "cpu_cap":
        quota = None if value is None else max(1000, round(value * PERIOD))
        if one:
            yield name, "cpu.cfs_period_us", str(PERIOD)
            yield name, "cpu.cfs_quota_us", str(quota or -1)
        else:
            yield name, "cpu.max", f"{quota or 'max'} {PERIOD}"
    elif name == "memory":
        yield from _memory(limits, one, folder)
    elif name == "swap":
        yield from _swap(limits, one)
    elif name == "max_lwps":
        yield name, "pids.max", str(value or "max")
    elif name == "io_weight":
        yield from _io_weight(value, one, folder)
    elif name == "io_limits":
        yield from _io_limits(value, one, folder)
    elif value is not None or not one:
        yield name, "cpuset.cpus", value or ""
    else:
        yield name, "cpuset.cpus", read_file(os.path.join(os.path.dirname(folder), "cpuset.cpus")).strip()


def _memory(limits: Limits, one: bool, folder: str) -> Iterator[Setting]:
    if not one:
        yield "memory", "memory.max", str(limits.memory or "max")
        return
    # Memory may never be more than memory and swap together: that goes out of the way first.
    if os.path.exists(f"{folder}/memory.memsw.limit_in_bytes"):
        yield "memory", "memory.memsw.limit_in_bytes", "-1"
    yield "memory", "memory.limit_in_bytes", str(limits.memory or -1)


def _swap(limits: Limits, one: bool) -> Iterator[Setting | Missing]:
    if not one:
        yield "swap", "memory.swap.max", "max" if limits.swap is None else str(limits.swap)
    elif limits.swap is None:
        return  # the memory's setting took it away
    elif limits.memory is None:
        yield Missing("swap", "cgroup version 1 limits swap together with memory only: set a memory cap too")
    else:
        yield "swap", "memory.memsw.limit_in_bytes", str(limits.memory + limits.swap)


def _io_weight(value: int | None, one: bool, folder: str) -> Iterator[Setting | Missing]:
    name = "io_weight"
    weight = value or 100
    files = ("blkio.bfq.weight", "blkio.weight") if one else ("io.bfq.weight", "io.weight")
    there = [file for file in files if os.path.exists(f"{folder}/{file}")]
    if not there:
        if value is not None:
            yield Missing(name, "this kernel has no disk scheduler with weights (BFQ)")
        return
    yield name, there[0], str(min(weight, 1000) if "bfq" in there[0] else weight)
    if value is not None and "bfq" in there[0] and not _bfq():
        yield Missing(name, "is set, but no disk uses the scheduler that heeds it (bfq in queue/scheduler)")


def _bfq() -> bool:
    try:
        return any(
            "[bfq]" in read_file(f"/sys/block/{disk}/queue/scheduler") for disk in os.listdir("/sys/block")
        )
    except OSError:
        return False


def _io_limits(value: tuple[IoLimit, ...], one: bool, folder: str) -> Iterator[Setting | Missing]:
    """Disks that have a limit and are not named any more lose it."""
    wanted: dict[str, IoLimit] = {}
    for limit in value:
        try:
            wanted[limit.number()] = limit
        except ZoneError as error:
            yield Missing("io_limits", str(error))
    if one:
        for field, file, _word in _IO:
            path = f"blkio.throttle.{file}_device"
            numbers = {line.split()[0] for line in read_file(f"{folder}/{path}").strip().splitlines()}
            for number in sorted(numbers | set(wanted)):
                most = getattr(wanted[number], field) if number in wanted else None
                if most is not None or number in numbers:
                    yield "io_limits", path, f"{number} {most or 0}"
        return
    numbers = {line.split()[0] for line in read_file(f"{folder}/io.max").strip().splitlines()}
    for number in sorted(numbers | set(wanted)):
        words = [
            f"{word}={(getattr(wanted[number], field) if number in wanted else None) or 'max'}"
            for field, _file, word in _IO
        ]
        yield "io_limits", "io.max", f"{number} {' '.join(words)}"
