"""The host's disks and what was read from them and written to them, under the host's names.

From /proc/diskstats: sectors of 512 bytes, milliseconds.  Partitions are left out, and so is what was never
used (the host makes loop devices before anybody asks for one).
"""

from __future__ import annotations

import os
from typing import NamedTuple

_SECTOR = 512


class Disk(NamedTuple):
    """Counts since the host's start; times in milliseconds."""

    name: str
    reads: int
    bytes_read: int
    read_time: int
    writes: int
    bytes_written: int
    write_time: int
    in_progress: int
    busy_time: int


def disks() -> list[Disk]:
    """In the host's order; empty where the host shows none."""
    found = []
    try:
        with open("/proc/diskstats", encoding="utf-8") as file:
            for line in file:
                words = line.split()
                name, counts = words[2], [int(word) for word in words[3:]]
                if (counts[0] or counts[4]) and os.path.isdir(f"/sys/block/{name.replace('/', '!')}"):
                    found.append(_disk(name, counts))
    except FileNotFoundError:
        return []
    return found


def _disk(name: str, counts: list[int]) -> Disk:
    """`counts` without the numbers of merged requests, which nobody else has."""
    reads, sectors_read, read_time, writes, sectors_written, write_time, in_progress, busy_time = (
        counts[at] for at in (0, 2, 3, 4, 6, 7, 8, 9)
    )
    return Disk(
        name, reads, sectors_read * _SECTOR, read_time, writes, sectors_written * _SECTOR, write_time,
        in_progress, busy_time,
    )  # fmt: skip
