"""A process's descriptors and mappings as struct kinfo_file and struct kinfo_vmentry.

Offsets are those of <sys/user.h>; each record of a list is cut off after its path, as the kernel does it.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from personality.bsd.processes import guest_program
from personality.supervisor.guest import fail
from personality.supervisor.launch import RESERVED
from personality.supervisor.numbers import proc

_PATH_AT = {"file": 368, "map": 136}
_WHOLE_FILE = 1392  # sizeof(struct kinfo_file)
_VNODE, _SOCKET, _PIPE, _FIFO, _KQUEUE, _SHM, _EVENTFD, _UNKNOWN = 1, 2, 3, 4, 5, 8, 13, 255
_CWD, _ROOT, _TEXT = -1, -2, -5  # KF_FD_TYPE_*
_VTYPES = {
    stat.S_IFREG: 1, stat.S_IFDIR: 2, stat.S_IFBLK: 3, stat.S_IFCHR: 4, stat.S_IFLNK: 5, stat.S_IFSOCK: 6,
    stat.S_IFIFO: 7,
}  # fmt: skip
_READ, _WRITE, _APPEND, _NONBLOCK = 1, 2, 4, 0x20  # KF_FLAG_*
_ANONYMOUS = {"anon_inode:[eventpoll]": _KQUEUE, "anon_inode:[eventfd]": _EVENTFD}
# CAP_ALL0 and CAP_ALL1 of FreeBSD 12 to 14: nothing is limited; libprocstat aborts on zeros.
_ALL_RIGHTS = (1 << 57 | (1 << 43) - 1, 1 << 58 | (1 << 21) - 1)
_MAP_DEFAULT, _MAP_VNODE = 1, 2
_RUNTIME = "/guise-runtime"


def _record(kind: str, head: bytearray, path: str) -> bytes:
    """A record's head and path, rounded up to 8 bytes, with its size in front."""
    data = bytes(head[: _PATH_AT[kind]]) + os.fsencode(path)[:1023] + b"\0"
    data += bytes(-len(data) % 8)
    return struct.pack("<i", len(data)) + data[4:]


def reserved(pid: int) -> range:
    """Descriptors that are the runtime's own: no guest sees them."""
    try:
        with open(proc(f"{pid}/environ"), "rb") as file:
            first = file.read().split(b"\0", 1)[0]
    except OSError:
        return range(0)
    if not first.startswith(b"GUISE=control="):
        return range(0)
    base = int(first.removeprefix(b"GUISE=control=").partition(b",")[0])
    return range(base, base + RESERVED)


def numbers(pid: int) -> list[int]:
    """Open descriptors in order.  Raises OSError(EPERM) for a process this one may not look into."""
    hidden = reserved(pid)
    try:
        names = os.listdir(proc(f"{pid}/fd"))
    except PermissionError:
        raise fail(errno.EPERM) from None
    except FileNotFoundError:
        raise fail(errno.ESRCH) from None
    return [number for number in sorted(int(name) for name in names) if number not in hidden]


def descriptors(pid: int) -> list[bytes]:
    """The program, the directories and every open descriptor of a process."""
    opened = numbers(pid)
    entries = [
        _text(pid),
        _file(_CWD, proc(f"{pid}/cwd"), 0, 0),
        _file(_ROOT, proc(f"{pid}/root"), 0, 0),
    ]
    for number in opened:
        offset, flags = _position(pid, number)
        entries.append(_file(number, proc(f"{pid}/fd/{number}"), offset, flags))
    return [entry for entry in entries if entry]


def _text(pid: int) -> bytes:
    """The program: what the host executed for a guest is the runtime."""
    program = guest_program(pid)
    if not program:
        return _file(_TEXT, proc(f"{pid}/exe"), 0, 0)
    return _file(_TEXT, proc(f"{pid}/root{program}"), 0, 0, program)


def working_directory(pid: int) -> bytes:
    """One whole struct kinfo_file, whose size programs compare.  Raises OSError(EPERM)
    for a process this one may not look into.
    """
    entry = _file(_CWD, proc(f"{pid}/cwd"), 0, 0)
    if not entry:
        raise fail(errno.EPERM)
    return struct.pack("<i", _WHOLE_FILE) + entry[4:].ljust(_WHOLE_FILE - 4, b"\0")


def _position(pid: int, number: int) -> tuple[int, int]:
    """Offset and KF_FLAG_* of an open descriptor."""
    offset = flags = 0
    try:
        with open(proc(f"{pid}/fdinfo/{number}"), encoding="ascii", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name == "pos":
                    offset = int(value)
                elif name == "flags":
                    flags = int(value, 8)
    except OSError:
        return 0, 0
    mode = flags & os.O_ACCMODE
    shown = (_READ if mode != os.O_WRONLY else 0) | (_WRITE if mode != os.O_RDONLY else 0)
    shown |= (_APPEND if flags & os.O_APPEND else 0) | (_NONBLOCK if flags & os.O_NONBLOCK else 0)
    return offset, shown


def _file(number: int, link: str, offset: int, flags: int, path: str = "") -> bytes:
    """What `link` leads to, under the name `path`, or the one that the link holds."""
    try:
        status = os.stat(link)
        path = path or os.readlink(link)
    except OSError:
        return b""
    kind = stat.S_IFMT(status.st_mode)
    head = bytearray(_PATH_AT["file"])
    shown = _type(kind, path)
    struct.pack_into("<4ii4xq", head, 0, 0, shown, number, 1, flags, offset)
    if shown in (_VNODE, _FIFO):
        struct.pack_into("<i", head, 32, _VTYPES.get(kind, 0))
        struct.pack_into(
            "<5Q2IH", head, 32 + 248,
            status.st_nlink, status.st_dev, status.st_rdev, status.st_ino, status.st_size,
            status.st_dev & 0xFFFFFFFF, status.st_rdev & 0xFFFFFFFF, status.st_mode & 0xFFFF,
        )  # fmt: skip
    struct.pack_into("<H", head, 336, 1)  # KF_ATTR_VALID
    struct.pack_into("<2Q", head, 344, *_ALL_RIGHTS)
    return _record("file", head, path if path.startswith("/") else "")


def _type(kind: int, path: str) -> int:
    if path in _ANONYMOUS:
        return _ANONYMOUS[path]
    if kind == stat.S_IFSOCK:
        return _SOCKET
    if kind == stat.S_IFIFO:
        return _FIFO if path.startswith("/") else _PIPE
    if path.startswith(("/memfd:", "/dev/shm/")):
        return _SHM
    return _VNODE if path.startswith("/") else _UNKNOWN


def mappings(pid: int) -> list[bytes]:
    """Mappings of a process without the runtime's.  Raises OSError(EPERM)."""
    try:
        with open(proc(f"{pid}/maps"), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except PermissionError:
        raise fail(errno.EPERM) from None
    entries = []
    for line in lines:
        words = line.split(None, 5)
        path = words[5] if len(words) > 5 and words[5].startswith("/") else ""
        if path.endswith(_RUNTIME):
            continue
        low, _, high = words[0].partition("-")
        head = bytearray(_PATH_AT["map"])
        kind = _MAP_VNODE if path else _MAP_DEFAULT
        struct.pack_into("<i3Q", head, 4, kind, int(low, 16), int(high, 16), int(words[2], 16))
        struct.pack_into("<Q", head, 32, int(words[4]))
        protection = sum(bit for letter, bit in (("r", 1), ("w", 2), ("x", 4)) if letter in words[1])
        private = words[1][3:] == "p" and "w" in words[1]
        struct.pack_into("<i", head, 44, 1 if private else 0)  # KVME_FLAG_COW
        struct.pack_into("<3i", head, 56, protection, 1, 0)
        struct.pack_into("<i", head, 68, 1 if path else 0)
        entries.append(_record("map", head, path))
    return entries
