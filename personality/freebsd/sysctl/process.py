"""A host process as FreeBSD's struct kinfo_proc shows it.

Offsets are those of <sys/user.h> on amd64, KINFO_PROC_SIZE 1088.  What the host does not tell
(kernel addresses, jail, lock names) stays zero, which is what an unprivileged reader sees too.
"""

from __future__ import annotations

import os
import struct

KINFO_SIZE = 1088

_HZ = os.sysconf("SC_CLK_TCK")
_PAGE = 4096
_FSCALE = 2048
_STATES = {"R": 2, "S": 3, "D": 3, "I": 3, "T": 4, "t": 4, "Z": 5, "X": 5}  # SRUN SSLEEP SSTOP SZOMB
_P_CONTROLT, _P_KPROC, _P_SYSTEM, _P_TRACED, _P_STOPPED = 0x2, 0x4, 0x200, 0x800, 0x20000
_P_INMEM = 0x10000000  # ps shows a process without it as swapped out
_KI_CTTY, _KI_SLEADER = 1, 2
_TDF_SINTR = 8
_PRI_TIMESHARE = 3
_PUSER = 120  # PRI_MIN_TIMESHARE
_NO_DEVICE = 0xFFFFFFFFFFFFFFFF
_INFINITY = (1 << 63) - 1


class Stat:
    """The fields of /proc/PID/stat that are used; times in clock ticks, `start` since boot."""

    __slots__ = (
        "child_system", "child_user", "comm", "flags", "foreground", "group", "major_faults", "minor_faults",
        "nice", "parent", "pid", "priority", "processor", "resident", "session", "stack", "start", "state",
        "system", "terminal", "threads", "user", "virtual",
    )  # fmt: skip

    def __init__(self, text: str) -> None:
        opening, closing = text.index("("), text.rindex(")")
        self.pid = int(text[:opening])
        self.comm = text[opening + 1 : closing]
        words = text[closing + 2 :].split()
        self.state = words[0]
        number = [int(word) for word in words[1:]]
        self.parent, self.group, self.session, self.terminal, self.foreground, self.flags = number[:6]
        self.minor_faults, self.major_faults = number[6], number[8]
        self.user, self.system, self.child_user, self.child_system = number[10:14]
        self.priority, self.nice, self.threads = number[14:17]
        self.start, self.virtual, self.resident = number[18:21]
        self.stack = number[24]
        self.processor = number[35]


class Ids:
    """Who a process runs as."""

    __slots__ = (
        "effective_group",
        "effective_user",
        "groups",
        "real_group",
        "real_user",
        "saved_group",
        "saved_user",
    )

    def __init__(self, users: list[int], groups: list[int], supplementary: list[int]) -> None:
        self.real_user, self.effective_user, self.saved_user = users[:3]
        self.real_group, self.effective_group, self.saved_group = groups[:3]
        self.groups = supplementary


def all_pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def read_stat(pid: int, thread: int | None = None) -> Stat:
    """Raises FileNotFoundError or ProcessLookupError when it is gone."""
    path = f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat"
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return Stat(file.read())


def ids(pid: int) -> Ids:
    found: dict[str, list[int]] = {"Uid": [0] * 4, "Gid": [0] * 4, "Groups": []}
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = [int(word) for word in rest.split()]
    return Ids(found["Uid"], found["Gid"], found["Groups"])


def read_file(pid: int, name: str) -> bytes:
    """A file of /proc/PID, empty when this process may not read it."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return ""


def guest_program(pid: int) -> str:
    """The path of a guest's program as the guest knows it; "" for a host process.

    The runtime was started with it at the end of its first environment string.
    """
    first = read_file(pid, "environ").split(b"\0", 1)[0]
    if not first.startswith(b"GUISE="):
        return ""
    return os.fsdecode(first.partition(b",exe=")[2])


def environment(pid: int) -> bytes:
    data = read_file(pid, "environ")
    return data.split(b"\0", 1)[1] if data.startswith(b"GUISE=") else data


def emulation(pid: int) -> str:
    """The name of the ABI that a process runs under (ki_emul)."""
    return "FreeBSD ELF64" if guest_program(pid) else "Linux ELF64"


def stack_top(pid: int) -> int:
    """The end of the mapping that holds the main stack, 0 when it cannot be told."""
    start = read_stat(pid).stack
    for line in read_file(pid, "maps").splitlines():
        low, _, high = line.split(b" ", 1)[0].partition(b"-")
        if start and int(low, 16) <= start < int(high, 16):
            return int(high, 16)
    return 0


_LIMITS = (
    "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size",
    "Max resident set", "Max locked memory", "Max processes", "Max open files", "", "Max address space",
)  # fmt: skip


def resource_limit(pid: int, number: int) -> bytes:
    """struct rlimit by FreeBSD's number.  Raises OSError(EINVAL)."""
    if number >= 15:
        raise OSError(22, os.strerror(22))
    wanted = _LIMITS[number] if number < len(_LIMITS) else ""
    for line in read_file(pid, "limits").decode("ascii", "replace").splitlines():
        if wanted and line.startswith(wanted):
            soft, hard = line[len(wanted) :].split()[:2]
            values = [
                _INFINITY if word == "unlimited" else min(int(word), _INFINITY) for word in (soft, hard)
            ]
            return struct.pack("<2q", *values)
    return struct.pack("<2q", _INFINITY, _INFINITY)


def boot_time() -> int:
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            if line.startswith("btime "):
                return int(line.split()[1])
    return 0


def kinfo(stat: Stat, *, threads: bool) -> list[bytes]:
    """The entry of a process, or one entry for each of its threads."""
    common = _process(stat)
    numbers = sorted(int(name) for name in os.listdir(f"/proc/{stat.pid}/task")) if threads else [stat.pid]
    entries = []
    for number in numbers:
        entry = bytearray(common)
        _thread(entry, stat if number == stat.pid else read_stat(stat.pid, number), number)
        entries.append(bytes(entry))
    return entries


def _process(stat: Stat) -> bytearray:
    entry = bytearray(KINFO_SIZE)
    who = ids(stat.pid)
    program = guest_program(stat.pid)
    kernel_thread = stat.parent == 2 or stat.pid == 2
    terminal = stat.terminal & 0xFFFFFFFF if stat.terminal else _NO_DEVICE
    struct.pack_into("<2i", entry, 0, KINFO_SIZE, 0)
    struct.pack_into(
        "<6i", entry, 72, stat.pid, stat.parent, stat.group, stat.foreground, stat.session, stat.session
    )
    struct.pack_into("<I", entry, 100, terminal & 0xFFFFFFFF)
    _signals(entry, stat.pid)
    struct.pack_into(
        "<5I", entry, 168, who.effective_user, who.real_user, who.saved_user, who.real_group, who.saved_group
    )
    groups = [who.effective_group, *(group for group in who.groups if group != who.effective_group)][:16]
    struct.pack_into("<h", entry, 188, len(groups))
    struct.pack_into(f"<{len(groups)}I", entry, 192, *groups)
    struct.pack_into("<3q", entry, 256, stat.virtual, stat.resident, stat.resident)
    _sizes(entry, stat.pid)
    started, runtime = _times(entry, stat)
    struct.pack_into("<I", entry, 308, _percentage(started, runtime))
    flags = _P_INMEM | (_P_CONTROLT if stat.terminal else 0) | (_P_SYSTEM | _P_KPROC if kernel_thread else 0)
    flags |= _P_TRACED if stat.state == "t" else 0
    flags |= _P_STOPPED if stat.state == "T" else 0
    leader = _KI_SLEADER if stat.session == stat.pid else 0
    struct.pack_into("<2q", entry, 368, flags, leader | (_KI_CTTY if stat.terminal else 0))
    _text(entry, 420, 18, _login(who.real_user))
    _text(entry, 447, 20, os.path.basename(program) if program else stat.comm)
    _text(entry, 467, 17, "FreeBSD ELF64" if program else "Linux ELF64")
    _text(entry, 484, 18, "default")
    struct.pack_into("<Q", entry, 560, terminal)
    struct.pack_into("<i", entry, 596, stat.threads)
    return entry


def _thread(entry: bytearray, stat: Stat, number: int) -> None:
    struct.pack_into("<BbBBBB", entry, 388, _STATES.get(stat.state, 3), stat.nice, 0, 0, 0, 0)
    _text(entry, 394, 17, stat.comm)
    struct.pack_into("<2i", entry, 568, stat.processor if stat.state == "R" else -1, stat.processor)
    struct.pack_into("<i", entry, 600, number)
    level = _PUSER + stat.nice
    struct.pack_into("<4B", entry, 604, _PRI_TIMESHARE, level & 0xFF, level & 0xFF, level & 0xFF)
    struct.pack_into("<q", entry, 1080, 0 if stat.state == "D" else _TDF_SINTR)


def _signals(entry: bytearray, pid: int) -> None:
    """The four signal sets, whose low words have the host's bits."""
    for line in read_file(pid, "status").decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        offset = {"SigPnd": 104, "SigBlk": 120, "SigIgn": 136, "SigCgt": 152}.get(name)
        if offset is not None:
            struct.pack_into("<Q", entry, offset, int(value, 16) & 0x7FFFFFFF)


def _sizes(entry: bytearray, pid: int) -> None:
    words = read_file(pid, "statm").split()
    if len(words) >= 6:
        struct.pack_into("<3q", entry, 280, int(words[3]), int(words[5]), 0)


def _times(entry: bytearray, stat: Stat) -> tuple[float, float]:
    """Fill in the times; the start (seconds since the epoch) and the processor time used."""
    started = boot_time() + stat.start / _HZ
    runtime = (stat.user + stat.system) / _HZ
    struct.pack_into("<Q", entry, 328, int(runtime * 1e6))
    struct.pack_into("<2q", entry, 336, *_timeval(started))
    struct.pack_into("<2q", entry, 352, *_timeval((stat.child_user + stat.child_system) / _HZ))
    usage = (*_timeval(stat.user / _HZ), *_timeval(stat.system / _HZ), stat.resident * _PAGE // 1024)
    struct.pack_into("<5q", entry, 608, *usage)
    struct.pack_into("<2q", entry, 608 + 64, stat.minor_faults, stat.major_faults)
    children = (*_timeval(stat.child_user / _HZ), *_timeval(stat.child_system / _HZ))
    struct.pack_into("<4q", entry, 752, *children)
    return started, runtime


def _timeval(seconds: float) -> tuple[int, int]:
    whole = int(seconds)
    return whole, int((seconds - whole) * 1_000_000)


def _percentage(started: float, runtime: float) -> int:
    """Average use since the start: the host keeps no decaying one."""
    import time

    age = time.time() - started
    return min(int(runtime / age * _FSCALE), _FSCALE) if age > 0 else 0


_logins: dict[int, str] = {}


def _login(user: int) -> str:
    if user not in _logins:
        import pwd

        try:
            _logins[user] = pwd.getpwuid(user).pw_name
        except KeyError:
            _logins[user] = ""
    return _logins[user]


def _text(entry: bytearray, offset: int, size: int, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")[: size - 1]
    entry[offset : offset + len(data)] = data
