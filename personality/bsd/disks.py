"""The host's disks and what was read from them and written to them, under the host's names.

From /proc/diskstats: sectors of 512 bytes, milliseconds.  Partitions are left out, and so is what was never
used (the host makes loop devices before anybody asks for one).
"""

from __future__ import annotations

import os

_SECTOR = 512


class Disk:  # no NamedTuple: `typing` takes longer to import than all of a guest's first request
    """Counts since the host's start; times in milliseconds."""

    __slots__ = (
        "busy_time",
        "bytes_read",
        "bytes_written",
        "in_progress",
        "name",
        "read_time",
        "reads",
        "write_time",
        "writes",
    )

    def __init__(self, name: str, counts: list[int]) -> None:
        """`counts` as the host gives them; those of merged requests nobody else has."""
        self.name = name
        self.reads = counts[0]
        self.bytes_read = counts[2] * _SECTOR
        self.read_time = counts[3]
        self.writes = counts[4]
        self.bytes_written = counts[6] * _SECTOR
        self.write_time = counts[7]
        self.in_progress = counts[8]
        self.busy_time = counts[9]


def disks() -> list[Disk]:
    """In the host's order; empty where the host shows none."""
    found = []
    try:
        with open("/proc/diskstats", encoding="utf-8") as file:
            for line in file:
                words = line.split()
                name, counts = words[2], [int(word) for word in words[3:]]
                if (counts[0] or counts[4]) and os.path.isdir(f"/sys/block/{name.replace('/', '!')}"):
                    found.append(Disk(name, counts))
    except FileNotFoundError:
        return []
    return found
