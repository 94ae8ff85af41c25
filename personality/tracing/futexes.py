"""Waiting for a word of shared memory, and waking who waits for one: Python has no call for either."""

from __future__ import annotations

import ctypes
import mmap

_FUTEX, _WAIT, _WAKE = 202, 0, 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Futexes:
    """The 32-bit words of a writable mapping, by their offsets."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._call = ctypes.CDLL(None).syscall
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(memory))

    def wait(self, at: int, value: int, seconds: float) -> None:
        """While the word has that value: until it is woken, the time is over or a signal comes."""
        timeout = _Timespec(int(seconds), int(seconds % 1 * 1e9))
        self._call(_FUTEX, self._word(at), _WAIT, value, ctypes.byref(timeout), None, 0)

    def wake(self, at: int) -> None:
        """One that waits."""
        self._call(_FUTEX, self._word(at), _WAKE, 1, None, None, 0)

    def _word(self, at: int) -> ctypes.c_void_p:
        return ctypes.c_void_p(self._start + at)
