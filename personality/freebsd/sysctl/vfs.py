"""vfs.*: the file system types a program can meet, and a few switches it asks about."""

from __future__ import annotations

import struct

from personality.freebsd.sysctl.node import Node, branch, integer, long, opaque

# name -> (type number, VFCF_* flags); the names are those that statfs gives a guest.
_TYPES = {
    "ufs": (0x35, 0),
    "devfs": (0x71, 0x00880000),  # VFCF_SYNTHETIC, VFCF_JAIL
    "procfs": (0x02, 0x00880000),
    "tmpfs": (0x87, 0x00800000),
    "nfs": (0x3A, 0x00100000 | 0x00200000),
    "nullfs": (0x29, 0x00A00000),
    "unionfs": (0x41, 0x00200000),
    "msdosfs": (0x32, 0),
    "cd9660": (0xBD, 0x00010000),
    "fusefs": (0xED, 0x00880000),
}


def _list() -> bytes:
    """struct xvfsconf[], 48 bytes each."""
    return b"".join(
        struct.pack("<Q16s3i4xQ", 0, name.encode(), number, 1, flags, 0)
        for name, (number, flags) in _TYPES.items()
    )


NODES: dict[str, Node] = {
    "vfs": branch(
        "vfs",
        [
            opaque("conflist", "S,xvfsconf", _list(), "List of all configured filesystems"),
            integer("usermount", 0, "Unprivileged users may mount and unmount file systems"),
            long("bufspace", 0, "Physical memory used for buffers"),
            long("maxbufspace", 0, "Maximum allowed value of bufspace"),
            integer("read_max", 64, "Cluster read-ahead max block count"),
            integer("timestamp_precision", 3, "File timestamp precision"),
            integer("maxbcachebuf", 65536, "Maximum size of a buffer cache block"),
        ],
        "File system",
        3,
    )
}
