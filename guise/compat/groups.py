"""Control groups that bound the memory of a whole case, where this process may make them (v2, then v1)."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_numbers = itertools.count()


@dataclass(frozen=True)
class Group:
    """One group's folder and the names of its files, which differ between the versions."""

    folder: Path
    peak: str
    events: str


@cache
def _parent() -> tuple[Path, bool] | None:
    """The folder to make groups in, and whether it is a v2 one; None where there is none for us."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            folder = _ROOT / path.lstrip("/")
            enabled = folder / "cgroup.subtree_control"
            if enabled.exists() and "memory" in enabled.read_text().split() and os.access(folder, os.W_OK):
                return folder, True
        elif "memory" in controllers.split(","):
            for folder in (_ROOT / "memory" / path.lstrip("/"), _ROOT / "memory"):
                if (folder / "memory.limit_in_bytes").exists() and os.access(folder, os.W_OK):
                    return folder, False
    return None


def make(memory: int) -> Group | None:
    """A group that may use `memory` bytes, or None: then the caller has to watch by itself."""
    try:
        parent = _parent()
        if parent is None:
            return None
        folder = parent[0] / f"guise-compat-{os.getpid()}-{next(_numbers)}"
        folder.mkdir()
    except OSError:
        return None
    limit = "memory.max" if parent[1] else "memory.limit_in_bytes"
    try:
        (folder / limit).write_text(str(memory))
        if parent[1] and (folder / "memory.swap.max").exists():
            (folder / "memory.swap.max").write_text("0")
    except OSError:
        folder.rmdir()
        return None
    if parent[1]:
        return Group(folder, "memory.peak", "memory.events")
    return Group(folder, "memory.max_usage_in_bytes", "memory.oom_control")


def join(group: Group | None) -> None:
    """Put the calling process in.  Raises OSError."""
    if group is not None:
        (group.folder / "cgroup.procs").write_text("0")


def remove(group: Group | None) -> tuple[bool, int]:
    """Whether the kernel killed in it for want of memory, and the most it ever used."""
    if group is None:
        return False, 0
    killed, peak = False, 0
    try:
        peak = int((group.folder / group.peak).read_text())
        for line in (group.folder / group.events).read_text().splitlines():
            name, _, value = line.partition(" ")
            killed = killed or (name == "oom_kill" and value != "0")
        group.folder.rmdir()
    except OSError:
        return killed, peak  # v2 before Linux 5.19 has no memory.peak; an empty group costs nothing
    return killed, peak
