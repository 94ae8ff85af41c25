"""kenv: the environment that a FreeBSD loader hands to the kernel, here a few fixed lines."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_GET, _SET, _UNSET, _DUMP, _DUMP_LOADER, _DUMP_STATIC = range(6)
_NAME_LIMIT = 128  # KENV_MNAMELEN

ENVIRONMENT = {
    "kernel": "kernel",
    "kernelname": "/boot/kernel/kernel",
    "kernel_path": "/boot/kernel",
    "module_path": "/boot/kernel;/boot/modules",
    "vfs.root.mountfrom": "",
}


def kenv(guest: Guest, args: tuple[int, ...]) -> int:
    """kenv(what, name, value, length).  Raises OSError."""
    what, name_address, value_address, length = args[0] & 0xFFFFFFFF, args[1], args[2], args[3] & 0xFFFFFFFF
    if what in (_DUMP, _DUMP_LOADER, _DUMP_STATIC):
        data = b"".join(f"{name}={value}\0".encode() for name, value in ENVIRONMENT.items()) + b"\0"
        if value_address:
            guest.write(value_address, data[:length])
        return len(data)
    if what in (_SET, _UNSET):
        raise _fail(errno.EPERM)
    if what != _GET:
        raise _fail(errno.EINVAL)
    name = guest.read_string(name_address, _NAME_LIMIT).decode("utf-8", "surrogateescape")
    value = ENVIRONMENT.get(name)
    if value is None:
        raise _fail(errno.ENOENT)
    data = (value.encode() + b"\0")[:length]
    guest.write(value_address, data)
    return len(data)


def _fail(number: int) -> OSError:
    return OSError(number, os.strerror(number))
