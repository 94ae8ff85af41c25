"""Kernel modules: one linker file, the kernel itself, which holds no module that can be told apart."""

from __future__ import annotations

import errno
import struct

from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_KERNEL_FILE = 1
_KERNEL_NAME = b"kernel"
_KERNEL_PATH = b"/boot/kernel/kernel"
_KERNEL_BASE, _KERNEL_SIZE = 0xFFFFFFFF80200000, 0x1F30000
_NAME_LIMIT = 1024  # MAXMODNAME, MAXPATHLEN
# sizeof(struct kld_file_stat) without and with the path: how a caller says which it has.
_SHORT_STAT, _FULL_STAT = 1056, 2080
_LOOKUP = 1  # KLDSYM_LOOKUP


def kldnext(_guest: Guest, args: tuple[int, ...]) -> int:
    """The file after this one; 0 at the end."""
    number = args[0] & 0xFFFFFFFF
    if number == 0:
        return _KERNEL_FILE
    if number != _KERNEL_FILE:
        raise fail(errno.ENOENT)
    return 0


def kldfind(guest: Guest, args: tuple[int, ...]) -> int:
    name = guest.read_string(args[0], _NAME_LIMIT)
    if name.rpartition(b"/")[2] != _KERNEL_NAME:
        raise fail(errno.ENOENT)
    return _KERNEL_FILE


def kldstat(guest: Guest, args: tuple[int, ...]) -> int:
    version = guest.read_u32(args[1])
    if version not in (_SHORT_STAT, _FULL_STAT):
        raise fail(errno.EINVAL)
    if args[0] & 0xFFFFFFFF != _KERNEL_FILE:
        raise fail(errno.ENOENT)
    data = struct.pack("<i1024s2i4xQQ", version, _KERNEL_NAME, 1, _KERNEL_FILE, _KERNEL_BASE, _KERNEL_SIZE)
    if version == _FULL_STAT:
        data += _KERNEL_PATH.ljust(1024, b"\0")
    guest.write(args[1], data)
    return 0


def kldfirstmod(_guest: Guest, args: tuple[int, ...]) -> int:
    if args[0] & 0xFFFFFFFF != _KERNEL_FILE:
        raise fail(errno.ENOENT)
    return 0


def kldsym(guest: Guest, args: tuple[int, ...]) -> int:
    """struct kld_sym_lookup {int version; char *name; ...}: no symbol is known."""
    if args[1] & 0xFFFFFFFF != _LOOKUP:
        raise fail(errno.EINVAL)
    guest.read_string(guest.read_u64(args[2] + 8), _NAME_LIMIT)
    raise fail(errno.ENOENT)


def modnext(_guest: Guest, _args: tuple[int, ...]) -> int:
    raise fail(errno.ENOENT)


modfnext = modnext
modstat = modnext


def modfind(guest: Guest, args: tuple[int, ...]) -> int:
    guest.read_string(args[0], _NAME_LIMIT)
    raise fail(errno.ENOENT)
