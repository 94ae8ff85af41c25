"""A zone's group of processes: made, limited, filled, counted, killed, removed.

It keeps nothing in memory: any process can take it up by its name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import time

from sandbox.zone import ZoneError, kernel, reason
from sandbox.zone.resources.hierarchy import PARENT, Hierarchy, hierarchies, names, read_file
from sandbox.zone.resources.limits import Limits, Missing, Usage, cpu_list
from sandbox.zone.resources.settings import CONTROLLERS, settings

_ACCOUNTING = ("cpu", "cpuacct", "memory", "blkio", "pids")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_PATIENCE = 10.0  # seconds for killed processes to go


def groups() -> list[str]:
    """The zones that have a group here."""
    return sorted(names(hierarchies()))


class Group:
    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ZoneError(f"{name!r} can be no group's name")
        self.name = name
        self._hierarchies = hierarchies()

    def create(self, limits: Limits) -> list[Missing]:
        """Make it; what of the limits does not hold comes back.  What is there already is taken up."""
        missing = []
        for one in self._hierarchies:
            if one.version == 1 and not set(one.controllers) & {*_ACCOUNTING}:
                continue  # cpuset: only where it is asked for
            problem = self._make(one)
            if problem:
                for name in limits.chosen():
                    if set(CONTROLLERS[name]) & set(one.controllers):
                        missing.append(Missing(name, problem))
        known = {one.resource for one in missing}
        return missing + self._set([name for name in limits.chosen() if name not in known], limits)

    def change(self, limits: Limits) -> list[Missing]:
        """Set limits anew while it runs; those that are not chosen are lifted."""
        chosen = limits.chosen()
        lifted = [
            name
            for name in CONTROLLERS
            if name not in chosen and self._folder(name) and name != "dedicated_cpus"
        ]
        if "dedicated_cpus" not in chosen and self._folder("dedicated_cpus"):
            lifted.append("dedicated_cpus")
        problems = self._set([*lifted, *chosen], limits, chosen)
        return [one for one in problems if one.resource in chosen]

    def add(self, pid: int) -> None:
        """Put a process in, and what it starts from now on.  Raises ZoneError."""
        for folder in self._folders():
            try:
                kernel.write(f"{folder}/cgroup.procs", str(pid))
            except OSError as error:
                if error.errno == errno.ESRCH:
                    raise ZoneError(f"process {pid} has ended before it could become the zone's") from None
                raise ZoneError(f"process {pid} cannot become the zone's: {reason(error)}") from None

    def processes(self) -> list[int]:
        """By their numbers here; empty where there is no group."""
        found: set[int] = set()
        for folder in self._folders():
            with contextlib.suppress(OSError), open(f"{folder}/cgroup.procs") as file:
                found.update(int(line) for line in file)
        return sorted(found - {0})

    def kill(self) -> None:
        """End all its processes, and wait for that.  Raises ZoneError."""
        until = time.monotonic() + _PATIENCE
        for folder in self._folders():
            for file, text in (("cgroup.kill", "1"), ("pids.max", "0")):  # no more of them: a fork bomb ends
                if os.path.exists(f"{folder}/{file}"):
                    with contextlib.suppress(OSError):
                        kernel.write(f"{folder}/{file}", text)
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > until:
                raise ZoneError(f"{len(left)} processes of {self.name} do not end: {left[0]} is one of them")
            time.sleep(0.001)

    def remove(self) -> None:
        """Take the group away; none there is no error.  Raises ZoneError where processes are left in it."""
        for one in self._hierarchies:
            folder = one.folder(self.name)
            until = time.monotonic() + _PATIENCE
            while True:
                try:
                    os.rmdir(folder)
                except FileNotFoundError:
                    break
                except OSError as error:
                    if error.errno != errno.EBUSY or self.processes() or time.monotonic() > until:
                        raise ZoneError(f"{folder} cannot be removed: {reason(error)}") from None
                    time.sleep(0.001)  # its processes have ended, but are not gone yet
                else:
                    break
            with contextlib.suppress(OSError):  # others' groups may be in it
                os.rmdir(os.path.dirname(folder))

    def usage(self) -> Usage:
        def number(controller: str, *files: str) -> int | None:
            folder = self._of(controller)
            for file in files:
                if folder and (text := read_file(f"{folder}/{file}").strip()).isdigit():
                    return int(text)
            return None

        def row(controller: str, file: str, *keys: str) -> int | None:
            folder = self._of(controller)
            for line in read_file(f"{folder}/{file}").splitlines() if folder else ():
                key, _, value = line.partition(" ")
                if key in keys:
                    return int(value)
            return None

        cpu = _scaled(number("cpuacct", "cpuacct.usage"), 1e-9)
        if cpu is None:
            cpu = _scaled(row("cpu", "cpu.stat", "usage_usec"), 1e-6)
        throttled = _scaled(row("cpu", "cpu.stat", "throttled_time"), 1e-9)
        if throttled is None:
            throttled = _scaled(row("cpu", "cpu.stat", "throttled_usec"), 1e-6)
        memory = number("memory", "memory.current", "memory.usage_in_bytes")
        both = number("memory", "memory.memsw.usage_in_bytes")
        swap = number("memory", "memory.swap.current")
        if swap is None and both is not None and memory is not None:
            swap = max(0, both - memory)
        read, written = self._transfers()
        kills = row("memory", "memory.events", "oom_kill")
        return Usage(
            cpu=cpu,
            throttled=throttled,
            memory=memory,
            memory_peak=number("memory", "memory.peak", "memory.max_usage_in_bytes"),
            swap=swap,
            lwps=number("pids", "pids.current"),
            read_bytes=read,
            written_bytes=written,
            memory_kills=kills if kills is not None else row("memory", "memory.oom_control", "oom_kill"),
        )  # fmt: skip

    def _transfers(self) -> tuple[int | None, int | None]:
        if folder := self._of("blkio"):
            text = read_file(f"{folder}/blkio.throttle.io_service_bytes_recursive")
            words = [line.split() for line in text.splitlines()]
            sums = [sum(int(line[2]) for line in words if line[1] == kind) for kind in ("Read", "Write")]
        elif folder := self._of("io"):
            pairs = [word.partition("=") for word in read_file(f"{folder}/io.stat").split() if "=" in word]
            sums = [
                sum(int(value) for key, _, value in pairs if key == kind) for kind in ("rbytes", "wbytes")
            ]
        else:
            return None, None
        return sums[0], sums[1]

    def _set(self, wanted: list[str], limits: Limits, chosen: list[str] | None = None) -> list[Missing]:
        missing = []
        order = list(CONTROLLERS)
        for name in sorted(wanted, key=order.index):
            hierarchy = self._with(CONTROLLERS[name])
            if hierarchy is None:
                missing.append(Missing(name, f"this host has no {CONTROLLERS[name][0]} controller (cgroups)"))
                continue
            folder = hierarchy.folder(self.name)
            if name == "dedicated_cpus" and (chosen is None or name in chosen):
                problem = self._prepare_cpus(hierarchy, limits.dedicated_cpus or "")
                if problem:
                    missing.append(Missing(name, problem))
                    continue
            for setting in settings(name, limits, hierarchy.version, folder):
                if isinstance(setting, Missing):
                    missing.append(setting)
                    continue
                try:
                    kernel.write(f"{folder}/{setting[1]}", setting[2])
                except OSError as error:
                    missing.append(Missing(name, _why(error, setting)))
                    break
        return missing

    def _prepare_cpus(self, hierarchy: Hierarchy, cpus: str) -> str:
        """Why it cannot have these CPUs; "" where it can, and then the processes are on them."""
        problem = self._make(hierarchy)
        if problem:
            return problem
        wanted = cpu_list(cpus)
        folder = hierarchy.folder(self.name)
        there = read_file(f"{os.path.dirname(folder)}/cpuset.cpus.effective" if hierarchy.version == 2 else
                      f"{os.path.dirname(folder)}/cpuset.cpus").strip()  # fmt: skip
        if there and not wanted <= cpu_list(there):
            return f"this host has the CPUs {there}"
        for other in names([hierarchy]):
            taken = read_file(f"{hierarchy.folder(other)}/cpuset.cpus").strip()
            if other != self.name and taken and taken != there and wanted & cpu_list(taken):
                return f"{other} has one of the CPUs {cpus} already"
        if hierarchy.version == 1:
            processes = self.processes()
            kernel.write(f"{folder}/cpuset.cpus", cpus)
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    kernel.write(f"{folder}/cgroup.procs", str(pid))
        return ""

    def _make(self, hierarchy: Hierarchy) -> str:
        """Why the group cannot be there; "" where it is."""
        folder = hierarchy.folder(self.name)
        above = os.path.dirname(folder)
        try:
            for _ in range(100):  # another zone's removal takes the parent away when it is empty
                try:
                    os.makedirs(folder, exist_ok=True)
                except FileNotFoundError:
                    continue
                break
            if hierarchy.version == 2:
                for place in (hierarchy.base, above):
                    self._hand_down(place, hierarchy.controllers)
            elif "cpuset" in hierarchy.controllers:
                for lower in (above, folder):
                    for file in ("cpuset.cpus", "cpuset.mems"):
                        if not read_file(f"{lower}/{file}").strip():
                            kernel.write(
                                f"{lower}/{file}", read_file(f"{os.path.dirname(lower)}/{file}").strip()
                            )
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                return f"cgroups cannot be made by this user in {hierarchy.base}: {reason(error)}"
            return f"no cgroup can be made in {hierarchy.base}: {reason(error)}"
        return ""

    @staticmethod
    def _hand_down(place: str, controllers: tuple[str, ...]) -> None:
        there = read_file(f"{place}/cgroup.subtree_control").split()
        for name in controllers:
            if name in ("cpu", "cpuset", "memory", "io", "pids") and name not in there:
                kernel.write(f"{place}/cgroup.subtree_control", f"+{name}")

    def _with(self, controllers: tuple[str, ...]) -> Hierarchy | None:
        return next((one for one in self._hierarchies if set(controllers) & set(one.controllers)), None)

    def _of(self, controller: str) -> str:
        """The group's folder with a controller, or ""."""
        hierarchy = self._with((controller,))
        folder = hierarchy.folder(self.name) if hierarchy else ""
        return folder if folder and os.path.isdir(folder) else ""

    def _folder(self, name: str) -> str:
        return next((folder for one in CONTROLLERS[name] if (folder := self._of(one))), "")

    def _folders(self) -> list[str]:
        folders = [one.folder(self.name) for one in self._hierarchies]
        return [folder for folder in folders if os.path.isdir(folder)]


def _why(error: OSError, setting: tuple[str, str, str]) -> str:
    if error.errno in (errno.ENOENT, errno.EACCES) and not isinstance(error, PermissionError):
        return f"this kernel has no {setting[1]}"
    if error.errno == errno.EBUSY:
        return f"more than {setting[2]} bytes are in use, and cannot be taken away"
    return f"{setting[1]} does not take {setting[2]}: {reason(error)}"


def _scaled(value: int | None, by: float) -> float | None:
    return None if value is None else value * by


__all__ = ["PARENT", "Group", "groups"]
