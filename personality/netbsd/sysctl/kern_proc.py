"""kern.proc2, kern.lwp, kern.proc_args and kern.file2: the tables of processes, LWPs and open files.

Host processes are listed beside guests: the guest sees the machine that it runs on.  Layouts are those
of <sys/sysctl.h> on amd64; what the host does not tell (kernel addresses) stays zero, which is what an
unprivileged reader sees too.
"""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd import processes
from personality.bsd.request import Request
from personality.supervisor.guest import fail
from personality.supervisor.numbers import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PAGE = 4096
_FSCALE = 2048
_SLACK = 5  # entries added to a size that was only asked for: the table grows
_NO_DEVICE = 0xFFFFFFFF
_ZERO_NICE = 20
_RUN, _SLEEP, _STOP, _ZOMBIE, _ON_PROCESSOR = 2, 3, 4, 5, 7  # LS*
_STATES = {"R": _ON_PROCESSOR, "S": _SLEEP, "D": _SLEEP, "I": _SLEEP, "T": _STOP, "t": _STOP, "Z": _ZOMBIE}
_ACTIVE, _STOPPED, _DEAD = 2, 4, 5  # SACTIVE, SSTOP, SZOMB
_P_CONTROLT, _L_INMEM, _L_SINTR, _L_SYSTEM, _P_TRACED = 0x2, 0x4, 0x80, 0x200, 0x800
_CTTY, _SLEADER = 1, 2
_USER_PRIORITY = 43
_SIGCHLD = 20

_PROC2 = struct.Struct("@13Q8i4I16I2h4Ii3Ii3QQ2i16Ib3B2H24s8sQ24s4iq6I14Q2I5Q2I16s2q")
_LWP = struct.Struct("@4Q2i2I2i2B2bi8sQQ2IIII20s")
_FILE = struct.Struct("@QIIIIIIQIIQQQQQIIQIiII")


def _asked(rest: tuple[int, ...]) -> tuple[int, int]:
    """How large an entry shall be, and how many there is room for.  Raises OSError(EINVAL)."""
    size, count = rest[-2:]
    if size < 1 or count < 0:
        raise fail(errno.EINVAL)
    return size, count


def _give(request: Request, entries: Iterator[bytes], size: int, count: int) -> None:
    """Each entry cut or filled up to `size`; the length is that of all there are."""
    for given, entry in enumerate(entries):
        piece = entry[:size].ljust(size, b"\0")
        if request.address and given < count:
            request.out(piece)
        else:
            request.written += size
            request.short |= bool(request.address)
    if not request.address:
        request.written += _SLACK * size


# ---- processes ---------------------------------------------------------------------------------


def _on_terminal(stat: processes.Stat, number: int) -> bool:
    if number == -1:
        return stat.terminal == 0
    return stat.terminal == number


_CHOICES: dict[int, Callable[[processes.Stat, int], bool]] = {
    0: lambda _stat, _number: True,
    1: lambda stat, number: stat.pid == number,
    2: lambda stat, number: stat.group == number,
    3: lambda stat, number: stat.session == number,
    4: _on_terminal,
    5: processes.has_user,
    6: processes.has_real_user,
    7: processes.has_group_id,
    8: processes.has_real_group_id,
}


def _stats(wanted: int | None = None) -> Iterator[processes.Stat]:
    for pid in processes.all_pids() if wanted is None else [wanted]:
        try:
            yield processes.read_stat(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while the table was read, or was never there


def processes_of(operation: int, number: int) -> Iterator[bytes]:
    choice = _CHOICES[operation]
    for stat in _stats(number if operation == 1 else None):
        try:
            if choice(stat, number):
                yield _process(stat)
        except (FileNotFoundError, ProcessLookupError):
            continue


def processes_table(request: Request, rest: tuple[int, ...]) -> None:
    """kern.proc2.<choice>.<number>.<size>.<count>.  Raises OSError."""
    if len(rest) != 4:
        raise fail(errno.EINVAL)
    if rest[0] not in _CHOICES:
        raise fail(errno.EINVAL)
    size, count = _asked(rest)
    _give(request, processes_of(rest[0], rest[1]), size, count)


def _signal_sets(pid: int) -> list[int]:
    """The four sets as sixteen words; the low ones have the host's bits."""
    found = {"SigPnd": 0, "SigBlk": 0, "SigIgn": 0, "SigCgt": 0}
    for line in processes.read_file(pid, "status").decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value, 16) & 0x7FFFFFFF
    return [word for bits in found.values() for word in (bits, 0, 0, 0)]


def _pages(pid: int) -> tuple[int, int]:
    """Of text and of data."""
    words = processes.read_file(pid, "statm").split()
    return (int(words[3]), int(words[5])) if len(words) >= 6 else (0, 0)


def _text(value: str, size: int) -> bytes:
    return value.encode("utf-8", "surrogateescape")[: size - 1]


def _status(stat: processes.Stat) -> int:
    return _STATES.get(stat.state, _SLEEP)


def _flags(stat: processes.Stat) -> int:
    kernel = stat.parent == 2 or stat.pid == 2
    return (
        _L_INMEM
        | (_L_SINTR if stat.state in "SI" else 0)
        | (_P_CONTROLT if stat.terminal else 0)
        | (_L_SYSTEM if kernel else 0)
        | (_P_TRACED if stat.state == "t" else 0)
    )


def _process(stat: processes.Stat) -> bytes:
    """struct kinfo_proc2."""
    who = processes.ids(stat.pid)
    program = processes.guest_program(stat.pid)
    started = processes.boot_time() + stat.start / processes.HZ
    user, system = processes.timeval(stat.user / processes.HZ), processes.timeval(stat.system / processes.HZ)
    used = (stat.user + stat.system) / processes.HZ
    children = processes.timeval((stat.child_user + stat.child_system) / processes.HZ)
    groups = [who.effective_group, *(group for group in who.groups if group != who.effective_group)][:16]
    text, data = _pages(stat.pid)
    extra = (_CTTY if stat.terminal else 0) | (_SLEADER if stat.session == stat.pid else 0)
    whole = _DEAD if stat.state == "Z" else _STOPPED if stat.state in "Tt" else _ACTIVE
    nice = _ZERO_NICE + stat.nice
    ticks = (stat.user * 100 // processes.HZ, stat.system * 100 // processes.HZ, 0)
    return _PROC2.pack(
        *(0,) * 13,
        *(extra, _SIGCHLD, _flags(stat), stat.pid, stat.parent, stat.session, stat.group, stat.foreground),
        *(who.effective_user, who.real_user, who.effective_group, who.real_group),
        *(groups + [0] * (16 - len(groups))),
        *(len(groups), 0),
        *(stat.terminal & 0xFFFFFFFF if stat.terminal else _NO_DEVICE, 0, *processes.timeval(used)),
        *(0, processes.percentage(started, used, _FSCALE), 0, 0, 0),
        *ticks,
        *(0, 0, 0),
        *_signal_sets(stat.pid),
        *(_status(stat), _USER_PRIORITY, _USER_PRIORITY, nice, 0, 0),
        *(_text(os.path.basename(program) if program else stat.comm, 24), b"", 0),
        _text(processes.login(who.real_user), 24),
        *(stat.resident, text, data, 0, 1),
        *(*processes.timeval(started), *user, *system),
        *(stat.resident * _PAGE // 1024, 0, 0, 0, stat.minor_faults, stat.major_faults, *(0,) * 8),
        *children,
        *(stat.processor, _flags(stat), stat.threads, int(stat.state == "R"), whole),
        *(who.saved_user, who.saved_group),
        b"netbsd" if program else b"linux",
        *(stat.virtual // _PAGE, stat.virtual // _PAGE),
    )


# ---- LWPs ----------------------------------------------------------------------------------------


def _lwp_entries(stat: processes.Stat) -> Iterator[bytes]:
    try:
        numbers = sorted(int(name) for name in os.listdir(proc(f"{stat.pid}/task")))
    except FileNotFoundError:
        return
    started = processes.boot_time() + stat.start / processes.HZ
    for number in numbers:
        try:
            one = processes.read_stat(stat.pid, number)
        except (FileNotFoundError, ProcessLookupError):
            continue
        used = (one.user + one.system) / processes.HZ
        yield _LWP.pack(
            *(0, 0, 0, 0),
            *(number, _flags(one), 0, 0, 0, 0),
            *(_USER_PRIORITY, _USER_PRIORITY, _status(one), 0, 0),
            *(b"", 0, one.processor, *processes.timeval(used)),
            *(0, processes.percentage(started, used, _FSCALE), stat.pid),
            _text(one.comm, 20),
        )


def lwps(request: Request, rest: tuple[int, ...]) -> None:
    """kern.lwp.<pid>.<size>.<count>; pid -1: of all processes.  Raises OSError."""
    if len(rest) != 3:
        raise fail(errno.EINVAL)
    size, count = _asked(rest)
    wanted = None if rest[0] == -1 else rest[0]
    stats = list(_stats(wanted))
    if not stats:
        raise fail(errno.ESRCH)
    _give(request, (entry for stat in stats for entry in _lwp_entries(stat)), size, count)


# ---- one process's words -------------------------------------------------------------------------


def arguments(request: Request, rest: tuple[int, ...]) -> None:
    """kern.proc_args.<pid>.<what>.  Raises OSError."""
    if len(rest) != 2:
        raise fail(errno.EINVAL)
    pid, what = request.guest.pid if rest[0] == -1 else rest[0], rest[1]
    if not list(_stats(pid)):
        raise fail(errno.ESRCH)
    words = processes.read_file(pid, "cmdline") if what in (1, 2) else b""
    if what in (3, 4):
        words = processes.environment(pid)
    if what in (1, 3):
        request.out(words)
    elif what in (2, 4):
        request.out(struct.pack("<i", words.count(b"\0")))
    elif what == 5:
        _out_path(request, processes.guest_program(pid) or processes.link(pid, "exe"))
    elif what == 6:
        _out_path(request, processes.link(pid, "cwd"))
    else:
        raise fail(errno.EINVAL)


def _out_path(request: Request, path: str) -> None:
    if not path:
        raise fail(errno.ENOENT)
    request.out(os.fsencode(path) + b"\0")


# ---- open files ----------------------------------------------------------------------------------

_VNODE, _SOCKET, _PIPE = 1, 2, 3  # DTYPE_*
_KINDS = {"socket": _SOCKET, "pipe": _PIPE}


def _file_entries(pid: int) -> Iterator[bytes]:
    try:
        numbers = sorted(int(name) for name in os.listdir(proc(f"{pid}/fd")))
    except (FileNotFoundError, PermissionError):
        return
    owner = processes.ids(pid)
    for number in numbers:
        target = processes.link(pid, f"fd/{number}")
        if not target:
            continue
        facts = dict(
            line.split(":", 1)
            for line in processes.read_file(pid, f"fdinfo/{number}").decode("ascii", "replace").splitlines()
            if ":" in line
        )
        mode = int(facts.get("flags", "0"), 8)
        kind = _KINDS.get(target.partition(":[")[0], _VNODE)
        yield _FILE.pack(
            *(0, (mode & 3) + 1, 0, kind, 1, 0, 0, 0, owner.effective_user, owner.effective_group),
            *(0, int(facts.get("pos", "0")), 0, 0, 0, int(kind == _VNODE), 0, 0),
            *(pid, number, 0, 0),
        )


def files(request: Request, rest: tuple[int, ...]) -> None:
    """kern.file2.<by>.<pid>.<size>.<count>: those of one process, or of all.  Raises OSError."""
    if len(rest) != 4 or rest[0] not in (1, 2):
        raise fail(errno.EINVAL)
    size, count = _asked(rest)
    everybody = rest[0] == 1 or rest[1] == -1
    pids = processes.all_pids() if everybody else [rest[1]]
    _give(request, (entry for pid in pids for entry in _file_entries(pid)), size, count)
