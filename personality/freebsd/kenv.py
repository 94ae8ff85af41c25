"""kenv: the environment that a FreeBSD loader hands to the kernel, here a few lines to begin with.

What the superuser changes holds for the guests of this run, as for all programs of one kernel.
"""

from __future__ import annotations

import errno

from personality.supervisor import remembered
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_GET, _SET, _UNSET, _DUMP, _DUMP_LOADER, _DUMP_STATIC = range(6)
_NAME_LIMIT = 128  # KENV_MNAMELEN
_VALUE_LIMIT = 128  # KENV_MVALLEN

ENVIRONMENT = remembered.dictionary(
    "kenv",
    {
        "kernel": "kernel",
        "kernelname": "/boot/kernel/kernel",
        "kernel_path": "/boot/kernel",
        "module_path": "/boot/kernel;/boot/modules",
        "vfs.root.mountfrom": "",
    },
)


def kenv(guest: Guest, args: tuple[int, ...]) -> int:
    """kenv(what, name, value, length).  Raises OSError."""
    what, name_address, value_address, length = args[0] & 0xFFFFFFFF, args[1], args[2], args[3] & 0xFFFFFFFF
    if what in (_DUMP, _DUMP_LOADER, _DUMP_STATIC):
        return _dump(guest, value_address, length)
    if what in (_SET, _UNSET) and not guest.credentials().privileged:
        raise fail(errno.EPERM)
    name = guest.read_string(name_address, _NAME_LIMIT + 1).decode("utf-8", "surrogateescape")
    if what == _SET:
        if not _is_positive(length):
            raise fail(errno.EINVAL)
        value = guest.read_string(value_address, min(length, _VALUE_LIMIT + 1))
        ENVIRONMENT[name] = value.decode("utf-8", "surrogateescape")
        return 0
    if what not in (_GET, _UNSET):
        raise fail(errno.EINVAL)
    if name not in ENVIRONMENT:
        raise fail(errno.ENOENT)
    if what == _UNSET:
        del ENVIRONMENT[name]
        return 0
    data = (ENVIRONMENT[name].encode("utf-8", "surrogateescape") + b"\0")[:length]
    guest.write(value_address, data)
    return len(data)


def _dump(guest: Guest, address: int, length: int) -> int:
    """All of it, NAME=VALUE and a NUL each.  0 when all was written, otherwise the bytes there are."""
    lines = [f"{name}={value}\0" for name, value in ENVIRONMENT.items()]
    data = "".join(lines).encode("utf-8", "surrogateescape")
    if not address or not _is_positive(length):
        return len(data)
    guest.write(address, data[:length])
    return 0 if length >= len(data) else len(data)


def _is_positive(length: int) -> bool:
    """As the int that it is to the kernel."""
    return 0 < length < 1 << 31
