"""kern.proc.*: the table of processes and the facts about one of them.

Host processes are listed beside guests: the guest sees the machine that it runs on.
"""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd import processes
from personality.bsd.processes import guest_program, stack_top
from personality.bsd.request import Request
from personality.freebsd import releases
from personality.freebsd.sysctl import process, process_files
from personality.freebsd.sysctl.node import ANYBODY, OPAQUE, READ, WRITE, Node, handled
from personality.supervisor import remembered
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CHILDREN", "stack_top"]

_INCLUDE_THREADS = 0x10
_SLACK = 5  # entries added to a size that was only asked for: the table grows
_titles = remembered.dictionary("titles")  # by pid and start: what setproctitle(3) put for the arguments


def _one(rest: tuple[int, ...], request: Request) -> int:
    """The process id that an oid ends with; -1 and 0 mean the caller where FreeBSD says so."""
    if len(rest) != 1:
        raise fail(errno.EINVAL)
    pid = rest[0] - (1 << 32) if rest[0] & 0x80000000 else rest[0]
    return request.guest.pid if pid == -1 else pid


def _stat(pid: int) -> processes.Stat:
    try:
        return processes.read_stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        raise fail(errno.ESRCH) from None


def _list(
    request: Request, choice: Callable[[processes.Stat, int], bool] | None, number: int, *, threads: bool
) -> None:
    if request.address == 0:
        request.out(bytes(process.KINFO_SIZE * _SLACK))
    for pid in processes.all_pids():
        try:
            stat = processes.read_stat(pid)
            if choice is None or choice(stat, number):
                for entry in process.kinfo(stat, threads=threads):
                    request.out(entry)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while the table was read
        if request.short:
            return


def _by_pid(request: Request, rest: tuple[int, ...]) -> None:
    _pid_entry(request, rest, threads=False)


def _by_pid_with_threads(request: Request, rest: tuple[int, ...]) -> None:
    _pid_entry(request, rest, threads=True)


def _pid_entry(request: Request, rest: tuple[int, ...], *, threads: bool) -> None:
    stat = _stat(_one(rest, request))
    if request.address == 0:
        request.out(bytes(process.KINFO_SIZE * _SLACK))
    for entry in process.kinfo(stat, threads=threads):
        request.out(entry)


def _everything(request: Request, _rest: tuple[int, ...]) -> None:
    _list(request, None, 0, threads=True)


def _all_processes(request: Request, rest: tuple[int, ...]) -> None:
    if len(rest) > 1:
        raise fail(errno.EINVAL)
    _list(request, None, 0, threads=False)


def _all_threads(request: Request, rest: tuple[int, ...]) -> None:
    if len(rest) > 1:
        raise fail(errno.EINVAL)
    _list(request, None, 0, threads=True)


def _in_group(stat: processes.Stat, number: int) -> bool:
    return stat.group == number


def _in_session(stat: processes.Stat, number: int) -> bool:
    return stat.session == number


def _on_terminal(stat: processes.Stat, number: int) -> bool:
    return stat.terminal == number


def _arguments(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    stat = _stat(pid)
    if request.new:
        if pid != request.guest.pid:
            raise fail(errno.EPERM)
        title = request.take_new()
        _titles.pop((pid, stat.start), None)
        if title:
            _titles[pid, stat.start] = title
        return
    shown = _titles.get((pid, stat.start))
    request.out(processes.read_file(pid, "cmdline") if shown is None else shown)


def _environment(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    request.out(processes.environment(pid))


def _path_name(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    path = guest_program(pid) or processes.link(pid, "exe")
    if path:
        request.out(os.fsencode(path) + b"\0")


def _start(request: Request, rest: tuple[int, ...]) -> None:
    """Guests' are answered in the process (sysctl_start.c); what the host started has none to be seen."""
    _stat(_one(rest, request))
    raise fail(errno.EPERM)


def _abi_name(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    request.out(process.emulation(pid).encode() + b"\0")


def _groups(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    who = processes.ids(pid)
    groups = [who.effective_group, *(group for group in who.groups if group != who.effective_group)]
    request.out(struct.pack(f"<{len(groups)}I", *groups))


def _limit(request: Request, rest: tuple[int, ...]) -> None:
    if len(rest) != 2:
        raise fail(errno.EINVAL)
    pid = _one(rest[:1], request)
    _stat(pid)
    request.out(process.resource_limit(pid, rest[1]))


def _umask(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request) or request.guest.pid
    _stat(pid)
    for line in request.guest.status(pid):
        if line.startswith("Umask:"):
            request.out(struct.pack("<H", int(line.split()[1], 8)))


def _release(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request) or request.guest.pid
    _stat(pid)
    if request.new:
        raise fail(errno.EPERM)
    request.out(struct.pack("<i", releases.of(request.guest.release)))


def _working_directory(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    request.out(process_files.working_directory(pid))


def _descriptor_count(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request) or request.guest.pid
    _stat(pid)
    request.out(struct.pack("<i", len(process_files.numbers(pid))))


def _descriptors(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    for entry in process_files.descriptors(pid):
        request.out(entry)


def _mappings(request: Request, rest: tuple[int, ...]) -> None:
    pid = _one(rest, request)
    _stat(pid)
    for entry in process_files.mappings(pid):
        request.out(entry)


_OWN = READ | WRITE | ANYBODY


def _table(name: str, number: int, choice: Callable[[processes.Stat, int], bool], what: str) -> list[Node]:
    """The node for a choice of processes, and the one that lists their threads too."""

    def processes(request: Request, rest: tuple[int, ...]) -> None:
        if len(rest) != 1:
            raise fail(errno.EINVAL)
        _list(request, choice, rest[0], threads=False)

    def threads(request: Request, rest: tuple[int, ...]) -> None:
        if len(rest) != 1:
            raise fail(errno.EINVAL)
        _list(request, choice, rest[0], threads=True)

    return [
        handled(name, processes, what, number),
        handled(f"{name}_td", threads, f"{what} including threads", number | _INCLUDE_THREADS),
    ]


CHILDREN: list[Node] = [
    handled("all", _everything, "Return entire process table", 0, kind=OPAQUE, format="S,proc"),
    handled("pid", _by_pid, "Process table", 1),
    handled("pid_td", _by_pid_with_threads, "Process table including threads", 1 | _INCLUDE_THREADS),
    *_table("pgrp", 2, _in_group, "Process group"),
    *_table("sid", 3, _in_session, "Session"),
    *_table("tty", 4, _on_terminal, "Process table of a terminal"),
    *_table("uid", 5, processes.has_user, "Process table of an effective uid"),
    *_table("ruid", 6, processes.has_real_user, "Process table of a real uid"),
    *_table("rgid", 10, processes.has_real_group_id, "Process table of a real gid"),
    *_table("gid", 11, processes.has_group_id, "Process table of an effective gid"),
    handled("args", _arguments, "Process argument list", 7, flags=_OWN),
    handled("proc", _all_processes, "Return process table, no threads", 8),
    handled("proc_td", _all_threads, "Return process table including threads", 8 | _INCLUDE_THREADS),
    handled("sv_name", _abi_name, "Process syscall vector name (ABI type)", 9),
    handled("pathname", _path_name, "Process executable path", 12),
    handled("vmmap", _mappings, "Process vm map entries", 32),
    handled("filedesc", _descriptors, "Process filedesc entries", 33),
    handled("groups", _groups, "Process groups", 34),
    handled("env", _environment, "Process environment", 35),
    handled("auxv", _start, "Process ELF auxiliary vector", 36),
    handled("rlimit", _limit, "Process resource limits", 37, flags=_OWN),
    handled("ps_strings", _start, "Process ps_strings location", 38),
    handled("umask", _umask, "Process umask", 39),
    handled("osrel", _release, "Process binary osreldate", 40, flags=_OWN),
    handled("cwd", _working_directory, "Process current working directory", 42),
    handled("nfds", _descriptor_count, "Number of open file descriptors", 43),
]
