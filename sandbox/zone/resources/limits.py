"""Limits, what is missing of them, and usage, as values."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, fields

from sandbox.zone import ZoneError

SMALLEST_CAP = 0.01  # CPUs: the kernel's smallest quota, 1 ms, in its period of 100 ms
WEIGHTS = range(1, 10_001)


@dataclass(frozen=True, slots=True)
class IoLimit:
    """Bytes or operations a second at most; `device` is a block device, or a file that is on one."""

    device: str
    read_bytes: int | None = None
    write_bytes: int | None = None
    reads: int | None = None
    writes: int | None = None

    def number(self) -> str:
        """MAJOR:MINOR of the whole disk.  Raises ZoneError."""
        try:
            about = os.stat(self.device)
            number = about.st_rdev if stat.S_ISBLK(about.st_mode) else about.st_dev
            folder = os.path.realpath(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
            if os.path.exists(f"{folder}/partition"):
                folder = os.path.dirname(folder)
            with open(f"{folder}/dev") as file:
                return file.read().strip()
        except OSError:
            raise ZoneError(f"{self.device} is on no disk whose speed can be limited") from None


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit of that kind.

    cpu_shares      1 to 10000: what it gets, relative to others that want the same CPU; 100 is usual
    cpu_cap         how many CPUs' time at most, 0.01 and up
    dedicated_cpus  the CPUs that it runs on, and no other zone with such a list: "0-1,3"
    memory, swap    bytes; swap is what may be used besides memory
    max_lwps        how many threads at once
    io_weight       1 to 10000: as cpu_shares, for disks

    Raises ZoneError for a value that cannot be.
    """

    cpu_shares: int | None = None
    cpu_cap: float | None = None
    dedicated_cpus: str | None = None
    memory: int | None = None
    swap: int | None = None
    max_lwps: int | None = None
    io_weight: int | None = None
    io_limits: tuple[IoLimit, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cpu_shares", "io_weight"):
            value = getattr(self, name)
            if value is not None and value not in WEIGHTS:
                raise ZoneError(f"{_words(name)} is {value}, and can be 1 to {WEIGHTS[-1]}")
        if self.cpu_cap is not None and not SMALLEST_CAP <= self.cpu_cap <= 1 << 16:
            raise ZoneError(f"cpu-cap is {self.cpu_cap:g}, and can be {SMALLEST_CAP} or more CPUs")
        for name, least in (("memory", 1 << 16), ("swap", 0), ("max_lwps", 1)):
            value = getattr(self, name)
            if value is not None and not least <= value < 1 << 62:
                raise ZoneError(f"{_words(name)} is {value}, and can be {least} or more")
        if self.dedicated_cpus is not None:
            cpu_list(self.dedicated_cpus)

    def chosen(self) -> list[str]:
        return [one.name for one in fields(self) if getattr(self, one.name) not in (None, ())]


@dataclass(frozen=True, slots=True)
class Missing:
    """A limit that does not hold here, and why: half a sentence."""

    resource: str
    reason: str

    def __str__(self) -> str:
        return f"{_words(self.resource)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a zone has used (seconds, bytes, numbers); None where nobody counts it here."""

    cpu: float | None = None
    throttled: float | None = None
    memory: int | None = None
    memory_peak: int | None = None
    swap: int | None = None
    lwps: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    memory_kills: int | None = None


def cpu_list(text: str) -> frozenset[int]:
    """The numbers in the kernel's notation, "0-1,3".  Raises ZoneError."""
    found: set[int] = set()
    try:
        for part in text.strip().split(","):
            first, dash, last = part.partition("-")
            numbers = range(int(first), int(last if dash else first) + 1)
            if not numbers or numbers[0] < 0 or numbers[-1] > 1 << 16:
                raise ValueError
            found.update(numbers)
    except ValueError:
        raise ZoneError(f"{text!r} is no list of CPUs: write it as 0-1,3") from None
    return frozenset(found)


def _words(name: str) -> str:
    return name.replace("_", "-")
