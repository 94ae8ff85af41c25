"""How exactly a zone's caps hold: `python -m benchmarks.zone_caps`, as root, on a quiet machine.

Each line is one cap, what was measured, and their ratio.  The status is 1 where one is off by more than 5 %.
"""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.zone import ZoneError
from sandbox.zone.resources import Group, IoLimit, Limits

TOLERANCE = 0.05
SECONDS = 10.0
_SPIN = "import sys\nsys.stdin.readline()\nwhile True: pass"
_FILL = """
import mmap, sys
sys.stdin.readline()
while True:
    area = mmap.mmap(-1, 1 << 20)
    area.write(b"x" * (1 << 20))
    globals().setdefault("kept", []).append(area)
"""
Line = tuple[str, float, float]


def main() -> int:
    if os.geteuid() != 0:
        print("zone_caps: limits are root's to set; start it as root", file=sys.stderr)
        return 2
    worst = 0.0
    try:
        for name, wanted, found in _lines():
            worst = max(worst, abs(found / wanted - 1))
            print(f"{name:<34}{wanted:>14.4g}{found:>14.4g}{found / wanted:>9.3f}", flush=True)
    except ZoneError as error:
        print(f"zone_caps: {error}", file=sys.stderr)
        return 2
    return 1 if worst > TOLERANCE else 0


def _lines() -> Iterator[Line]:
    for cap in (0.1, 0.5, 1.0, 1.5):
        if cap < (os.cpu_count() or 1):
            yield f"cpu cap {cap} (CPUs)", cap, _cpu(Limits(cpu_cap=cap))
    yield "cpu cap 0.5, changed live to 0.25", 0.25, _cpu(Limits(cpu_cap=0.5), Limits(cpu_cap=0.25))
    yield "cpu shares 300 to 100 (ratio)", 3.0, _shares()
    for size in (64 << 20, 256 << 20):
        yield f"memory cap {size >> 20} MB (bytes)", float(size), _memory(size)
    yield "max-lwps 50", 50.0, _lwps(50)
    yield from _disk(8 << 20)


@contextmanager
def _group(name: str, limits: Limits) -> Iterator[Group]:
    group = Group(f"benchmark-{name}-{os.getpid()}")
    try:
        missing = group.create(limits)
        if missing:
            raise ZoneError(str(missing[0]))
        yield group
    finally:
        group.kill()
        group.remove()


def _start(group: Group, program: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    group.add(child.pid)
    assert child.stdin is not None
    child.stdin.write(b"go\n")
    child.stdin.close()
    return child


def _rate(count: Callable[[], float]) -> float:
    """Of what is counted, per second, after a second to settle."""
    time.sleep(1)
    began, before = time.monotonic(), count()
    time.sleep(SECONDS)
    return (count() - before) / (time.monotonic() - began)


def _cpu_of(group: Group) -> float:
    used = group.usage().cpu
    if used is None:
        raise ZoneError("this host does not count a group's CPU time")
    return used


def _cpu(limits: Limits, later: Limits | None = None) -> float:
    with _group("cpu", limits) as group:
        children = [_start(group, _SPIN) for _ in range(os.cpu_count() or 1)]
        if later is not None:
            time.sleep(1)
            group.change(later)
        try:
            return _rate(lambda: _cpu_of(group))
        finally:
            _end(children)


def _shares() -> float:
    """Two groups that both want the same CPU."""
    last = max(os.sched_getaffinity(0))
    pinned = f"import os\nos.sched_setaffinity(0, [{last}])\n{_SPIN}"
    with _group("more", Limits(cpu_shares=300)) as more, _group("less", Limits(cpu_shares=100)) as less:
        children = [_start(more, pinned), _start(less, pinned)]
        time.sleep(1)
        before = _cpu_of(more), _cpu_of(less)
        time.sleep(SECONDS)
        after = _cpu_of(more), _cpu_of(less)
        _end(children)
    return (after[0] - before[0]) / (after[1] - before[1])


def _memory(size: int) -> float:
    with _group("memory", Limits(memory=size, swap=0)) as group:
        _start(group, _FILL).wait()
        return float(group.usage().memory_peak or 0)


def _lwps(most: int) -> float:
    program = "import os, sys, time\nsys.stdin.readline()\nwhile True:\n"
    program += "  try:\n    if not os.fork(): time.sleep(99)\n"
    program += "  except OSError:\n    time.sleep(99)\n"
    with _group("lwps", Limits(max_lwps=most)) as group:
        child = _start(group, program)
        time.sleep(2)
        found = group.usage().lwps
        _end([child])
    return float(found or 0)


def _disk(speed: int) -> Iterator[Line]:
    """Reading and writing past the cache, where the temporary folder is on a disk."""
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        block = mmap.mmap(-1, 1 << 20)
        for _ in range(64):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        for kind, limit in (
            ("read", IoLimit(file.name, read_bytes=speed)),
            ("write", IoLimit(file.name, write_bytes=speed)),
        ):
            program = f"""
import mmap, os, sys
sys.stdin.readline()
descriptor = os.open({file.name!r}, os.O_RDWR | os.O_DIRECT)
block = mmap.mmap(-1, 1 << 18)
while True:
    os.lseek(descriptor, 0, os.SEEK_SET)
    for _ in range(256):
        os.{"readv(descriptor, [block])" if kind == "read" else "write(descriptor, block)"}
"""
            try:
                limit.number()
            except ZoneError:
                continue
            with _group("disk", Limits(io_limits=(limit,))) as group:
                child = _start(group, program)

                def moved(group: Group = group, kind: str = kind) -> float:
                    usage = group.usage()
                    return float((usage.read_bytes if kind == "read" else usage.written_bytes) or 0)

                yield f"{kind} limit {speed >> 20} MB/s (bytes/s)", float(speed), _rate(moved)
                _end([child])


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
