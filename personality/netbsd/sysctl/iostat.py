"""hw.iostats and the names in it: the host's disks as struct io_sysctl of <sys/iostat.h>."""

from __future__ import annotations

import errno
import struct

from personality.bsd.disks import Disk, disks
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.bsd.request import Request
    from personality.supervisor.guest import Guest

_NAME_SIZE = 16
_DISK = 0  # IOSTAT_DISK


def names(_guest: Guest) -> str:
    return " ".join(disk.name[: _NAME_SIZE - 1] for disk in disks())


def _time(milliseconds: int) -> tuple[int, int]:
    seconds, rest = divmod(milliseconds, 1000)
    return seconds & 0xFFFFFFFF, rest * 1000


def _entry(disk: Disk) -> bytes:
    """128 bytes."""
    none = (0, 0)
    return struct.pack(
        f"<{_NAME_SIZE}s2i3Q6I4Q6I",
        disk.name.encode()[: _NAME_SIZE - 1], disk.in_progress, _DISK,
        disk.reads + disk.writes, 0, disk.bytes_read + disk.bytes_written,
        *none, *none, *_time(disk.busy_time),
        disk.reads, disk.bytes_read, disk.writes, disk.bytes_written,
        *none, *none, *_time(disk.read_time + disk.write_time),
    )  # fmt: skip


def statistics(request: Request, rest: tuple[int, ...]) -> None:
    """Elements of the size that the caller names (the name alone when it names none), as many as fit."""
    size = rest[0] if rest else _NAME_SIZE
    if size < 0:
        raise fail(errno.EINVAL)
    for disk in disks():
        if request.room < size:
            return
        request.out(_entry(disk)[:size].ljust(size, b"\0"))
