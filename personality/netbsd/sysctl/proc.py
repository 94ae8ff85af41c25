"""proc.<pid>.*: limits and settings of one process."""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd import processes
from personality.bsd.request import Request
from personality.netbsd.sysctl.node import Node
from personality.supervisor.guest import fail
from personality.supervisor.numbers import proc

_CURRENT = -1  # PROC_CURPROC
_CORE_NAME, _LIMIT, _STOP_FORK, _STOP_EXEC, _STOP_EXIT, _PAX_FLAGS = range(1, 7)
_SOFT, _HARD = 1, 2
_NAMES = (
    "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size",
    "Max resident set", "Max locked memory", "Max processes", "Max open files", "", "Max address space", "",
)  # fmt: skip


def answer(request: Request, rest: tuple[int, ...]) -> None:
    """Raises OSError: what is written belongs to the process's own calls."""
    if len(rest) < 2:
        raise fail(errno.EINVAL)
    pid = request.guest.pid if rest[0] == _CURRENT else rest[0]
    if not os.path.exists(proc(pid)):
        raise fail(errno.ESRCH)
    if request.new_size:
        raise fail(errno.EPERM)
    what = rest[1:]
    if what == (_CORE_NAME,):
        request.out(b"%n.core\0")
    elif what[0] == _LIMIT and len(what) == 3 and 1 <= what[1] <= len(_NAMES) and what[2] in (_SOFT, _HARD):
        request.out(struct.pack("<q", processes.limit(pid, _NAMES[what[1] - 1])[what[2] - 1]))
    elif what in ((_STOP_FORK,), (_STOP_EXEC,), (_STOP_EXIT,), (_PAX_FLAGS,)):
        request.out(struct.pack("<i", 0))
    else:
        raise fail(errno.EINVAL)


NODE = Node("proc", 10, 1, "Per-process settings", handler=answer)
