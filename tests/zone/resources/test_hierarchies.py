"""Version 2, and hosts that lack something, as files that stand for the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.zone.resources import Group, IoLimit, Limits, groups, hierarchy

FILES = ("cpu.weight", "cpu.max", "cpuset.cpus", "memory.max", "memory.swap.max", "pids.max", "io.weight",
         "io.max", "cgroup.procs", "cgroup.subtree_control")  # fmt: skip


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hierarchy of version 2 with one zone's group in it, "z"."""
    top = tmp_path / "with space"
    for folder in (top, top / "guise", top / "guise/z"):
        folder.mkdir()
        for name in FILES:
            (folder / name).write_text("")
    (top / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (top / "guise/cpuset.cpus.effective").write_text("0-3\n")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"30 1 0:26 / {str(top).replace(' ', chr(92) + '040')} rw - cgroup2 cgroup2 rw\n")
    monkeypatch.setattr(hierarchy, "MOUNTS", str(mounts))
    monkeypatch.setattr(hierarchy, "OWN", "/nonexistent")
    return top


def test_version_2_is_written_in_its_own_words(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IoLimit, "number", lambda _self: "8:0")
    limits = Limits(50, 1.5, "1-2", 1 << 30, 0, 100, 200, (IoLimit("/dev/x", read_bytes=5000, writes=7),))
    assert Group("z").create(limits) == []
    zone = top / "guise/z"
    written = {name: (zone / name).read_text() for name in FILES[:8]}
    assert written == {
        "cpu.weight": "50", "cpu.max": "150000 100000", "cpuset.cpus": "1-2", "memory.max": str(1 << 30),
        "memory.swap.max": "0", "pids.max": "100", "io.weight": "200",
        "io.max": "8:0 rbps=5000 wbps=max riops=max wiops=7",
    }  # fmt: skip
    assert groups() == ["z"]
    for name in FILES[:8]:
        (zone / name).write_text("8:0 x" if name == "io.max" else "")
    assert Group("z").change(Limits(max_lwps=5)) == []
    assert {name: (zone / name).read_text() for name in FILES[:8]} == {
        "cpu.weight": "100", "cpu.max": "max 100000", "cpuset.cpus": "", "memory.max": "max",
        "memory.swap.max": "max", "pids.max": "5", "io.weight": "100",
        "io.max": "8:0 rbps=max wbps=max riops=max wiops=max",
    }  # fmt: skip


def test_version_2_is_counted(top: Path) -> None:
    zone = top / "guise/z"
    for name, text in {
        "cpu.stat": "usage_usec 2500000\nthrottled_usec 500000\n",
        "memory.current": "4096\n", "memory.peak": "8192\n",
        "memory.swap.current": "0\n", "pids.current": "3\n", "memory.events": "oom 2\noom_kill 1\n",
        "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 rbytes=1 wbytes=2\n",
    }.items():  # fmt: skip
        (zone / name).write_text(text)
    usage = Group("z").usage()
    assert (usage.cpu, usage.throttled, usage.memory, usage.memory_peak) == (2.5, 0.5, 4096, 8192)
    assert (usage.swap, usage.lwps, usage.read_bytes, usage.written_bytes) == (0, 3, 11, 22)
    assert usage.memory_kills == 1


def test_a_host_without_cgroups_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchy, "MOUNTS", str(tmp_path / "none"))
    group = Group("z")
    missing = group.create(Limits(memory=1 << 20, max_lwps=5))
    assert [str(one) for one in missing] == [
        "memory: this host has no memory controller (cgroups)",
        "max-lwps: this host has no pids controller (cgroups)",
    ]
    group.kill()
    group.remove()
    assert (group.processes(), group.usage().cpu, groups()) == ([], None, [])


def test_without_rights_it_says_so(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.makedirs", refuse)
    missing = Group("other").create(Limits(memory=1 << 20))
    assert [str(one) for one in missing] == [
        f"memory: cgroups cannot be made by this user in {top}: permission denied"
    ]
