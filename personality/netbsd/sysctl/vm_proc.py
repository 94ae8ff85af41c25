"""vm.proc.map: what a process has mapped, as struct kinfo_vmentry."""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd import processes
from personality.bsd.request import Request
from personality.supervisor.guest import fail
from personality.supervisor.numbers import proc

_PAGE = 4096
_VNODE, _ANONYMOUS = 2, 5  # KVME_TYPE_*
_COPY_ON_WRITE, _GROWS_DOWN = 0x1, 0x20  # KVME_FLAG_*
_ALL_PROTECTION = 7
_ENTRY = struct.Struct("@3Q10I4Q2I1024s")


def _entry(line: str) -> bytes:
    words = line.split(None, 5)
    low, high = (int(word, 16) for word in words[0].split("-"))
    name = words[5].strip() if len(words) > 5 else ""
    protection = sum(bit for letter, bit in zip("rwx", (1, 2, 4), strict=True) if letter in words[1])
    flags = (_COPY_ON_WRITE if "p" in words[1] else 0) | (_GROWS_DOWN if name == "[stack]" else 0)
    device = words[3].split(":")
    file_system = os.makedev(int(device[0], 16), int(device[1], 16))
    of_file = name.startswith("/")
    return _ENTRY.pack(
        *(low, high, int(words[2], 16)),
        *(_VNODE if of_file else _ANONYMOUS, flags, (high - low) // _PAGE, 0, 0, 0),
        *(protection, _ALL_PROTECTION, 1, 1),
        *(int(words[4]), 0, file_system, 0),
        *(int(of_file), 0),
        os.fsencode(name)[:1023] if of_file else b"",
    )


def mappings(request: Request, rest: tuple[int, ...]) -> None:
    """vm.proc.map.<pid>.<size>.<count>.  Raises OSError."""
    if len(rest) != 3 or rest[1] < 1:
        raise fail(errno.EINVAL)
    pid = request.guest.pid if rest[0] == -1 else rest[0]
    if not os.path.exists(proc(pid)):
        raise fail(errno.ESRCH)
    for line in processes.read_file(pid, "maps").decode("utf-8", "surrogateescape").splitlines():
        request.out(_entry(line)[: rest[1]].ljust(rest[1], b"\0"))
