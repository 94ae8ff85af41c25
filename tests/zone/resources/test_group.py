"""Groups on this host's own cgroups: what is limited and counted is, and nothing stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sandbox.zone import ZoneError
from sandbox.zone.resources import Group, IoLimit, Limits, groups
from sandbox.zone.resources.hierarchy import hierarchies


def _controllers() -> set[str]:
    return {name for one in hierarchies() for name in one.controllers if os.access(one.base, os.W_OK)}


@pytest.fixture
def group() -> Iterator[Group]:
    if os.geteuid() != 0 or not {"cpu", "memory", "pids"} <= _controllers():
        pytest.skip("needs root and the cgroup controllers cpu, memory and pids")
    made = Group(f"test-{os.getpid()}")
    yield made
    made.kill()
    made.remove()
    assert made.name not in groups()


def start(group: Group, program: str) -> subprocess.Popen[str]:
    """Python that begins when it has been put into the group."""
    child = subprocess.Popen(
        [sys.executable, "-c", f"import os, sys, time; sys.stdin.readline()\n{program}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    group.add(child.pid)
    return child


def run(group: Group, program: str) -> tuple[int, str]:
    child = start(group, program)
    out, _ = child.communicate("go\n", timeout=60)
    return child.returncode, out.strip()


def test_a_memory_hog_ends_alone(group: Group) -> None:
    assert group.create(Limits(memory=64 << 20, swap=0)) == []
    assert run(group, "print(len(bytearray(16 << 20)))") == (0, str(16 << 20))
    assert run(group, "bytearray(b'x') * (512 << 20)")[0] == -9
    usage = group.usage()
    assert usage.memory_peak is not None
    assert 16 << 20 < usage.memory_peak <= 64 << 20
    assert usage.memory_kills == 1
    assert group.change(Limits()) == []
    assert run(group, "print(len(bytearray(b'x') * (256 << 20)))") == (0, str(256 << 20))


def test_a_fork_bomb_stops_at_its_cap(group: Group) -> None:
    assert group.create(Limits(max_lwps=20)) == []
    program = """
count = 0
try:
    while count < 100:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except OSError as error:
    print(count, error.errno, flush=True)
time.sleep(1000)
"""
    child = start(group, program)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("go\n")
    child.stdin.flush()
    assert child.stdout.readline() == "19 11\n"
    assert (group.usage().lwps, len(group.processes())) == (20, 20)
    group.kill()
    assert child.wait() == -9
    assert group.processes() == []
    child.communicate()


def test_caps_of_cpu_are_counted_and_changed_live(group: Group) -> None:
    assert group.create(Limits(cpu_cap=0.2, cpu_shares=50)) == []
    spin = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    assert run(group, spin) == (0, "")
    first = group.usage()
    assert first.cpu is not None
    assert first.throttled is not None
    assert first.cpu >= 0.3
    assert first.throttled > 0
    assert group.change(Limits()) == []
    assert run(group, spin) == (0, "")
    second = group.usage()
    assert second.cpu is not None
    assert second.cpu >= 0.6
    assert second.throttled == first.throttled


def test_dedicated_cpus(group: Group) -> None:
    if "cpuset" not in _controllers():
        pytest.skip("needs the cgroup controller cpuset")
    assert group.create(Limits()) == []
    child = start(group, "print(sorted(os.sched_getaffinity(0)))")
    last = max(os.sched_getaffinity(0))
    assert group.change(Limits(dedicated_cpus=str(last))) == []
    assert child.communicate("go\n")[0].strip() == f"[{last}]"
    other = Group(f"{group.name}-other")
    try:
        assert [str(one) for one in other.create(Limits(dedicated_cpus=str(last)))] == [
            f"dedicated-cpus: {group.name} has one of the CPUs {last} already"
        ]
        assert "this host has the CPUs" in str(other.create(Limits(dedicated_cpus="5000"))[0])
    finally:
        other.remove()
    assert group.change(Limits()) == []
    assert run(group, "print(len(os.sched_getaffinity(0)))") == (0, str(len(os.sched_getaffinity(0))))


def test_what_cannot_be_is_a_value(group: Group) -> None:
    missing = group.create(Limits(swap=1 << 20, io_limits=(IoLimit("/proc", read_bytes=1),)))
    resources = [one.resource for one in missing]
    assert resources[-1] == "io_limits"
    assert str(missing[-1]) == "io-limits: /proc is on no disk whose speed can be limited"
    with pytest.raises(ZoneError, match="has ended"):
        group.add(1 << 22)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cpu_shares": 0}, {"cpu_cap": 0.001}, {"cpu_cap": float("nan")}, {"dedicated_cpus": "1-"},
        {"memory": 5}, {"dedicated_cpus": "3-1"}, {"max_lwps": 0}, {"io_weight": 20_000}, {"swap": -1},
    ],
)  # fmt: skip
def test_values_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ZoneError, match=r"can be|no list"):
        Limits(**wrong)  # type: ignore[arg-type]
    for name in ("", "../x", "a/b", ".hidden"):
        with pytest.raises(ZoneError):
            Group(name)
