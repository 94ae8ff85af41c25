"""A host process, as /proc tells about it."""

from __future__ import annotations

import os

from personality.supervisor.numbers import proc

_INFINITY = (1 << 63) - 1
HZ = os.sysconf("SC_CLK_TCK")


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
    return sorted(int(name) for name in os.listdir(proc()) if name.isdigit())


def read_stat(pid: int, thread: int | None = None) -> Stat:
    """Raises FileNotFoundError or ProcessLookupError when it is gone."""
    path = proc(f"{pid}/stat" if thread is None else f"{pid}/task/{thread}/stat")
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return Stat(file.read())


def ids(pid: int) -> Ids:
    found: dict[str, list[int]] = {"Uid": [0] * 4, "Gid": [0] * 4, "Groups": []}
    with open(proc(f"{pid}/status"), encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = [int(word) for word in rest.split()]
    return Ids(found["Uid"], found["Gid"], found["Groups"])


def read_file(pid: int, name: str) -> bytes:
    """A file of /proc/PID, empty when this process may not read it."""
    try:
        with open(proc(f"{pid}/{name}"), "rb") as file:
            return file.read()
    except OSError:
        return b""


def link(pid: int, name: str) -> str:
    try:
        return os.readlink(proc(f"{pid}/{name}"))
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


def stack_top(pid: int) -> int:
    """The end of the mapping that holds the main stack, 0 when it cannot be told."""
    start = read_stat(pid).stack
    for line in read_file(pid, "maps").splitlines():
        low, _, high = line.split(b" ", 1)[0].partition(b"-")
        if start and int(low, 16) <= start < int(high, 16):
            return int(high, 16)
    return 0


def limit(pid: int, name: str) -> tuple[int, int]:
    """The soft and the hard limit of that name ("Max open files"); none: as large as a program can say."""
    for line in read_file(pid, "limits").decode("ascii", "replace").splitlines():
        if name and line.startswith(name):
            soft, hard = line[len(name) :].split()[:2]
            return _limit_value(soft), _limit_value(hard)
    return _INFINITY, _INFINITY


def _limit_value(word: str) -> int:
    return _INFINITY if word == "unlimited" else min(int(word), _INFINITY)


def boot_time() -> int:
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            if line.startswith("btime "):
                return int(line.split()[1])
    return 0


def timeval(seconds: float) -> tuple[int, int]:
    whole = int(seconds)
    return whole, int((seconds - whole) * 1_000_000)


def percentage(started: float, runtime: float, scale: int) -> int:
    """Average use since the start, in parts of `scale`: the host keeps no decaying one."""
    import time

    age = time.time() - started
    return min(int(runtime / age * scale), scale) if age > 0 else 0


_logins: dict[int, str] = {}


def login(user: int) -> str:
    if user not in _logins:
        import pwd

        try:
            _logins[user] = pwd.getpwuid(user).pw_name
        except KeyError:
            _logins[user] = ""
    return _logins[user]


# ---- by what processes are chosen for a list ---------------------------------------------------------


def has_user(stat: Stat, number: int) -> bool:
    return ids(stat.pid).effective_user == number


def has_real_user(stat: Stat, number: int) -> bool:
    return ids(stat.pid).real_user == number


def has_group_id(stat: Stat, number: int) -> bool:
    return ids(stat.pid).effective_group == number


def has_real_group_id(stat: Stat, number: int) -> bool:
    return ids(stat.pid).real_group == number
