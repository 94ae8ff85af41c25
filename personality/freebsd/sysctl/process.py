"""A host process as FreeBSD's struct kinfo_proc shows it.

Offsets are those of <sys/user.h> on amd64, KINFO_PROC_SIZE 1088.  What the host does not tell
(jail, lock names) stays zero.
"""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd.processes import (
    HZ,
    Stat,
    boot_time,
    guest_program,
    ids,
    limit,
    login,
    percentage,
    read_file,
    read_stat,
    timeval,
)
from personality.supervisor.guest import fail
from personality.supervisor.numbers import proc

KINFO_SIZE = 1088
_PADDR, _FD = 16, 48  # ki_vmspace follows ki_fd
_DIRECT_MAP = 0xFFFFF80000000000  # DMAP_MIN_ADDRESS

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


def emulation(pid: int) -> str:
    """The name of the ABI that a process runs under (ki_emul)."""
    return "FreeBSD ELF64" if guest_program(pid) else "Linux ELF64"


_LIMITS = (
    "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size",
    "Max resident set", "Max locked memory", "Max processes", "Max open files", "", "Max address space",
)  # fmt: skip


def resource_limit(pid: int, number: int) -> bytes:
    """struct rlimit by FreeBSD's number.  Raises OSError(EINVAL)."""
    if number >= 15:
        raise fail(errno.EINVAL)
    wanted = _LIMITS[number] if number < len(_LIMITS) else ""
    return struct.pack("<2q", *limit(pid, wanted))


def kinfo(stat: Stat, *, threads: bool) -> list[bytes]:
    """The entry of a process, or one entry for each of its threads."""
    common = _process(stat)
    numbers = sorted(int(name) for name in os.listdir(proc(f"{stat.pid}/task"))) if threads else [stat.pid]
    entries = []
    for number in numbers:
        entry = bytearray(common)
        _thread(entry, stat if number == stat.pid else read_stat(stat.pid, number), number)
        entries.append(bytes(entry))
    return entries


def _kernel_address(pid: int, part: int) -> int:
    """What stands for an object of the kernel's: whether there is one, and the same one.

    libprocstat lists no descriptors of a process whose `ki_fd` is 0.
    """
    return _DIRECT_MAP + (pid << 14) + (part << 12)


def _process(stat: Stat) -> bytearray:
    entry = bytearray(KINFO_SIZE)
    who = ids(stat.pid)
    program = guest_program(stat.pid)
    kernel_thread = stat.parent == 2 or stat.pid == 2
    terminal = stat.terminal & 0xFFFFFFFF if stat.terminal else _NO_DEVICE
    struct.pack_into("<2i", entry, 0, KINFO_SIZE, 0)
    struct.pack_into("<Q", entry, _PADDR, _kernel_address(stat.pid, 0))
    if stat.state != "Z" and not kernel_thread:
        struct.pack_into("<2Q", entry, _FD, _kernel_address(stat.pid, 1), _kernel_address(stat.pid, 2))
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
    struct.pack_into("<I", entry, 308, percentage(started, runtime, _FSCALE))
    flags = _P_INMEM | (_P_CONTROLT if stat.terminal else 0) | (_P_SYSTEM | _P_KPROC if kernel_thread else 0)
    flags |= _P_TRACED if stat.state == "t" else 0
    flags |= _P_STOPPED if stat.state == "T" else 0
    leader = _KI_SLEADER if stat.session == stat.pid else 0
    struct.pack_into("<2q", entry, 368, flags, leader | (_KI_CTTY if stat.terminal else 0))
    _text(entry, 420, 18, login(who.real_user))
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
    started = boot_time() + stat.start / HZ
    runtime = (stat.user + stat.system) / HZ
    struct.pack_into("<Q", entry, 328, int(runtime * 1e6))
    struct.pack_into("<2q", entry, 336, *timeval(started))
    struct.pack_into("<2q", entry, 352, *timeval((stat.child_user + stat.child_system) / HZ))
    usage = (*timeval(stat.user / HZ), *timeval(stat.system / HZ), stat.resident * _PAGE // 1024)
    struct.pack_into("<5q", entry, 608, *usage)
    struct.pack_into("<2q", entry, 608 + 64, stat.minor_faults, stat.major_faults)
    children = (*timeval(stat.child_user / HZ), *timeval(stat.child_system / HZ))
    struct.pack_into("<4q", entry, 752, *children)
    return started, runtime


def _text(entry: bytearray, offset: int, size: int, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")[: size - 1]
    entry[offset : offset + len(data)] = data
