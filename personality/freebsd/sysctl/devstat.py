"""kern.devstat.*: the host's disks as struct devstat of <sys/devicestat.h>, which libdevstat reads."""

from __future__ import annotations

import struct

from personality.bsd.disks import Disk, disks
from personality.freebsd.sysctl.node import integer, long, opaque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_VERSION = 6
_DIRECT_OTHER, _PRIORITY_DISK = 0x030, 0x110  # DEVSTAT_TYPE_DIRECT | DEVSTAT_TYPE_IF_OTHER
_BLOCK = 512


def _bintime(milliseconds: int) -> tuple[int, int]:
    seconds, rest = divmod(milliseconds, 1000)
    return seconds, (rest << 64) // 1000


def _device(number: int, disk: Disk) -> bytes:
    """288 bytes.  Programs join the name and the unit: what is no unit of the host's name becomes 0."""
    name = disk.name.rstrip("0123456789")
    unit = int(disk.name[len(name) :] or 0)
    operations = disk.reads + disk.writes
    sequence = operations & 0xFFFFFFFF
    return struct.pack(
        "<4I16x8xI16si4Q4Q2Q2Q2Q2Q2Q16xI4x3Q3I4x8xI4x",
        sequence, 1, (operations + disk.in_progress) & 0xFFFFFFFF, sequence,
        number, name.encode()[:15], unit,
        0, disk.bytes_read, disk.bytes_written, 0,
        0, disk.reads, disk.writes, 0,
        0, 0, *_bintime(disk.read_time), *_bintime(disk.write_time), 0, 0, *_bintime(disk.busy_time),
        _BLOCK, operations, 0, 0,
        0, _DIRECT_OTHER, _PRIORITY_DISK,
        sequence,
    )  # fmt: skip


def _generation(_guest: Guest) -> int:
    return 1 + len(disks())


def _all(guest: Guest) -> bytes:
    devices = [_device(number, disk) for number, disk in enumerate(disks())]
    return struct.pack("<q", _generation(guest)) + b"".join(devices)


def _count(_guest: Guest) -> int:
    return len(disks())


DEVSTAT = [
    opaque("all", "S,devstat", _all, "All devices in the devstat list"),
    integer("numdevs", _count, "Number of devices in the devstat list"),
    long("generation", _generation, "Devstat list generation"),
    integer("version", _VERSION, "Devstat list version number"),
]
