"""Where this host has its cgroups: which controllers are in which mounted hierarchy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

MOUNTS = "/proc/self/mountinfo"
OWN = "/proc/self/cgroup"
PARENT = "guise"
"""All zones' groups are in one of this name."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted hierarchy; `base` is the folder that Guise's group can be made in."""

    version: int
    controllers: tuple[str, ...]
    base: str

    def folder(self, zone: str) -> str:
        return os.path.join(self.base, PARENT, zone)


def hierarchies(mounts: str = "", own: str = "") -> list[Hierarchy]:
    """Those that can be seen, every controller in one of them at most."""
    places = _own_places(own or OWN)
    found: dict[tuple[str, ...], Hierarchy] = {}
    try:
        with open(mounts or MOUNTS) as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    for line in lines:
        before, _, after = line.partition(" - ")
        kind, _, options = after.partition(" ")
        if kind not in ("cgroup", "cgroup2"):
            continue
        root, point = (_unescape(word) for word in before.split(" ")[3:5])
        if kind == "cgroup2":
            controllers = tuple(read_file(f"{point}/cgroup.controllers").split())
            key: tuple[str, ...] = ("2",)
            version = 2
        else:
            words = options.rpartition(" ")[2].split(",")
            controllers = tuple(word for word in words if word in _NAMES)
            key, version = controllers, 1
        if key and key not in found and (controllers or version == 2):
            place = places.get("" if version == 2 else controllers[0], "/")
            found[key] = Hierarchy(version, controllers, _base(point, root, place))
    return list(found.values())


_NAMES = ("cpu", "cpuacct", "cpuset", "memory", "blkio", "pids")


def _base(point: str, root: str, place: str) -> str:
    """The top where we may write to it, else our own group, which somebody may have given to us."""
    if os.access(point, os.W_OK):
        return point
    below = os.path.relpath(place, root) if place.startswith(root) else "."
    return os.path.normpath(os.path.join(point, below))


def _own_places(path: str) -> dict[str, str]:
    found = {}
    for line in read_file(path).splitlines():
        _number, names, place = line.split(":", 2)
        for name in names.split(","):
            found[name] = place
    return found


def _unescape(word: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(code, character)
    return word


def read_file(path: str) -> str:
    """What a file holds; "" where there is none, or none for us."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def names(found: list[Hierarchy]) -> Iterator[str]:
    """Zones that have a group in any hierarchy."""
    seen: set[str] = set()
    for one in found:
        try:
            entries = os.scandir(os.path.join(one.base, PARENT))
        except OSError:
            continue
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and entry.name not in seen:
                    seen.add(entry.name)
                    yield entry.name
