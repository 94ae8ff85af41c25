"""What a handler sees of the process whose call it serves: memory, credentials, descriptors, facts.

Memory is reached with process_vm_readv and process_vm_writev, which fault exactly where the guest
itself would.  Where a security policy forbids them (Yama, a process that has changed its
credentials), /proc/PID/mem or a descriptor for it that the runtime sent along serve instead.
"""

from __future__ import annotations

import errno
import os
import struct

from personality.supervisor.numbers import proc

try:
    from personality import _core
except ImportError:  # a source tree that was never built: /proc/PID/mem does for reading and writing
    _core = None  # type: ignore[assignment]

_REFUSED = (errno.EPERM, errno.EACCES, errno.ENOSYS)
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_ADDRESS_LIMIT = 1 << 47


def fail(number: int) -> OSError:
    """The error with which a handler lets its call end, to be raised."""
    return OSError(number, os.strerror(number))


class Credentials:
    """User and group ids of a process, and whether it may act as the superuser."""

    __slots__ = ("effective_group", "effective_user", "groups", "real_group", "real_user", "saved_user")

    def __init__(self, users: list[int], groups: list[int], supplementary: list[int]) -> None:
        self.real_user, self.effective_user, self.saved_user = users[:3]
        self.real_group, self.effective_group = groups[:2]
        self.groups = supplementary

    @property
    def privileged(self) -> bool:
        return self.effective_user == 0


class Guest:
    """The guest thread whose upcall is being served.

    `kernel` names its personality and `release` is that kernel's release in its own notation
    (FreeBSD: osreldate), 0 when nobody asked for one.  `pid` and `tid` are the guest's own
    numbers; `number` is the one that the process has here, where it has another (see numbers.py).
    """

    __slots__ = ("_memory", "_number", "kernel", "pid", "release", "tid")

    def __init__(
        self, pid: int, tid: int, kernel: str, release: int = 0, memory: int = -1, *, number: int = 0
    ) -> None:
        self.pid = pid
        self._number = number or pid
        self.tid = tid
        self.kernel = kernel
        self.release = release
        self._memory = memory

    # ---- memory: every access raises OSError(EFAULT) where the guest may not touch ----

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at a guest address.  Raises OSError(EFAULT)."""
        if size == 0:
            return b""
        _check_range(address, size)
        if _core is not None and self._memory < 0:
            buffer = _core.ffi.new("char[]", size)
            done = _core.lib.core_read_memory(self._number, address, buffer, size)
            if done == size:
                return bytes(_core.ffi.buffer(buffer, size))
            if -done not in _REFUSED:
                raise _fault()
        data = _transfer(os.pread, self._memory_file(), size, address)
        if len(data) != size:
            raise _fault()
        return data

    def write(self, address: int, data: bytes) -> None:
        """Store bytes at a guest address.  Raises OSError(EFAULT)."""
        if not data:
            return
        _check_range(address, len(data))
        if _core is not None and self._memory < 0:
            done = _core.lib.core_write_memory(self._number, address, data, len(data))
            if done == len(data):
                return
            if -done not in _REFUSED:
                raise _fault()
        if _transfer(os.pwrite, self._memory_file(), data, address) != len(data):
            raise _fault()

    def read_string(self, address: int, limit: int) -> bytes:
        """The bytes before the NUL.  Raises OSError: EFAULT, or ENAMETOOLONG past `limit` bytes."""
        found = b""
        while len(found) < limit:
            step = min(4096 - (address + len(found)) % 4096, limit - len(found))
            part = self.read(address + len(found), step)
            end = part.find(0)
            if end >= 0:
                return found + part[:end]
            found += part
        raise fail(errno.ENAMETOOLONG)

    def read_u32(self, address: int) -> int:
        return int(_U32.unpack(self.read(address, 4))[0])

    def read_u64(self, address: int) -> int:
        return int(_U64.unpack(self.read(address, 8))[0])

    def write_u32(self, address: int, value: int) -> None:
        self.write(address, _U32.pack(value & 0xFFFFFFFF))

    def write_u64(self, address: int, value: int) -> None:
        self.write(address, _U64.pack(value & 0xFFFFFFFFFFFFFFFF))

    def _memory_file(self) -> int:
        if self._memory < 0:
            try:
                self._memory = os.open(proc(f"{self.pid}/mem"), os.O_RDWR | os.O_CLOEXEC)
            except OSError as error:
                raise _fault() from error
        return self._memory

    # ---- facts about the process ----

    def credentials(self, pid: int | None = None) -> Credentials:
        """Of this process or of another one.  Raises OSError(ESRCH) when it is gone."""
        users: list[int] = []
        groups: list[int] = []
        supplementary: list[int] = []
        for line in self.status(pid):
            name, _, value = line.partition(":")
            if name == "Uid":
                users = [int(word) for word in value.split()]
            elif name == "Gid":
                groups = [int(word) for word in value.split()]
            elif name == "Groups":
                supplementary = [int(word) for word in value.split()]
        return Credentials(users, groups, supplementary)

    def status(self, pid: int | None = None) -> list[str]:
        """The lines of /proc/PID/status.  Raises OSError(ESRCH) when the process is gone."""
        try:
            with open(
                proc(f"{self.pid if pid is None else pid}/status"), encoding="utf-8", errors="replace"
            ) as file:
                return file.read().splitlines()
        except FileNotFoundError:
            raise fail(errno.ESRCH) from None

    def descriptor(self, number: int) -> int:
        """A copy of the guest's descriptor, for the caller to close.  Raises OSError(EBADF)."""
        if _core is not None:
            copy = int(_core.lib.core_pidfd_getfd(self._number, number))
            if copy >= 0:
                return copy
        try:
            return os.open(proc(f"{self.pid}/fd/{number}"), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            raise fail(errno.EBADF) from None

    def close(self) -> None:
        """Release what this object holds of the process."""
        if self._memory >= 0:
            os.close(self._memory)
            self._memory = -1


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Answer = TypeVar("_Answer")
    _What = TypeVar("_What")


def _check_range(address: int, size: int) -> None:
    if address + size > _ADDRESS_LIMIT:
        raise _fault()


def _transfer(
    function: Callable[[int, _What, int], _Answer], file: int, what: _What, address: int
) -> _Answer:
    try:
        return function(file, what, address)
    except OSError as error:
        raise _fault() from error


def _fault() -> OSError:
    return fail(errno.EFAULT)
