"""Jails: there are none to look up.  Zones, which take their place, are made from outside."""

from __future__ import annotations

import errno

from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_IOV_LIMIT = 1024
_DYING = 0x08  # JAIL_DYING, the one flag that jail_get knows


def jail_get(guest: Guest, args: tuple[int, ...]) -> int:
    """jail_get(iov, count, flags): vectors in pairs, names and values.  Raises OSError."""
    address, count, flags = args[0], args[1] & 0xFFFFFFFF, args[2] & 0xFFFFFFFF
    if count & 1 or count > _IOV_LIMIT or flags & ~_DYING:
        raise fail(errno.EINVAL)
    guest.read(address, 16 * count)
    raise fail(errno.ENOENT)
