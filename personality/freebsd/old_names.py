"""The names of the system as FreeBSD 4 asked for them: calls that its libc has since made of sysctl."""

from __future__ import annotations

import errno

from personality.freebsd.sysctl import tree
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_FIELD = 32  # SYS_NMLN when the call was current
_MACHINE = "amd64"


def uname(guest: Guest, args: tuple[int, ...]) -> int:
    """freebsd4_uname(name): sysname, nodename, release, version, machine.  Raises OSError(EFAULT).

    A name that is too long is ENOMEM after what fits was written, as of the sysctl behind it.  The
    version is what stands between `#` and `:` in the kernel's, which has neither here.
    """
    for position, name in enumerate(("kern.ostype", "kern.hostname", "kern.osrelease")):
        _field(guest, args[0] + position * _FIELD, _value(guest, name))
    guest.write(args[0] + 3 * _FIELD, b"\0")
    _field(guest, args[0] + 4 * _FIELD, _MACHINE.encode())
    return 0


def getdomainname(guest: Guest, args: tuple[int, ...]) -> int:
    """freebsd4_getdomainname(name, length).  Raises OSError: ENOMEM for a buffer that is too short."""
    _give(guest, args[0], _value(guest, "kern.domainname") + b"\0", args[1] & 0xFFFFFFFF)
    return 0


def setdomainname(guest: Guest, args: tuple[int, ...]) -> int:
    """freebsd4_setdomainname(name, length).  Raises OSError(EPERM) for anybody but the superuser."""
    if not guest.credentials().privileged:
        raise fail(errno.EPERM)
    node, _ = tree.find(tree.parse("kern.domainname"))
    if node.write is None:
        raise fail(errno.EPERM)
    node.write(guest, guest.read(args[0], args[1] & 0xFFFFFFFF))
    return 0


def _value(guest: Guest, name: str) -> bytes:
    node, _ = tree.find(tree.parse(name))
    return node.encode(guest).rstrip(b"\0")


def _field(guest: Guest, address: int, value: bytes) -> None:
    _give(guest, address, value + b"\0", _FIELD)


def _give(guest: Guest, address: int, data: bytes, room: int) -> None:
    guest.write(address, data[:room])
    if len(data) > room:
        raise fail(errno.ENOMEM)
