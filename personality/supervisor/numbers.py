"""Processes have two numbers where a sandbox is around the guests: theirs, and ours.

A supervisor stays outside of its guests' namespace of processes, so that nothing they do with numbers of
processes can reach it: it is in no list, and kill(-1, SIGKILL) passes it by.  What it looks up, it looks up
in their own /proc, by their numbers; calls of the host's that take a number want ours.
"""

from __future__ import annotations

import errno
import os

PLACE = 5  # the descriptor of the guests' /proc, behind wire.CONTROL and what standby keeps
_APART = f"/proc/self/fd/{PLACE}"

_proc = "/proc"


def live_apart() -> None:
    """From now on descriptor PLACE is where guests' processes are found."""
    global _proc
    _proc = _APART


def are_apart() -> bool:
    return _proc is _APART


def proc(path: object = "") -> str:
    """The path of something in the guests' /proc, such as "PID/status"."""
    return f"{_proc}/{path}"


def of_guest(number: int) -> int:
    """What guests call the process or thread that is `number` here.  Raises ProcessLookupError."""
    if _proc is not _APART:
        return number
    try:
        status = os.open(f"/proc/{number}/status", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(status, 4096)
        finally:
            os.close(status)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
    start = text.index(b"\nNSpid:") + 7
    return int(text[start : text.index(b"\n", start)].split()[-1])
