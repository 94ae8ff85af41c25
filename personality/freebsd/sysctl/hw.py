"""hw.*: the machine, as far as the host tells."""

from __future__ import annotations

import os
import struct

from personality.freebsd.sysctl.node import (
    Node,
    branch,
    integer,
    long,
    opaque,
    string,
    unsigned_long,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

PAGE = 4096


def processors(_guest: Guest) -> int:
    return os.cpu_count() or 1


def memory(_guest: Guest) -> int:
    return os.sysconf("SC_PHYS_PAGES") * PAGE


def meminfo() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    values: dict[str, int] = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            words = rest.split()
            values[name] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return values


def cpu_fact(name: str) -> str:
    """A line of /proc/cpuinfo for the first processor, "" when it is not there."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def megahertz(_guest: Guest) -> int:
    return int(float(cpu_fact("cpu MHz") or 0))


def _model(_guest: Guest) -> str:
    return cpu_fact("model name") or "amd64"


def _user_memory(_guest: Guest) -> int:
    values = meminfo()
    return values["MemTotal"] - values.get("Unevictable", 0)


def _available_pages(_guest: Guest) -> int:
    return os.sysconf("SC_PHYS_PAGES")


NODES: dict[str, Node] = {
    "hw": branch(
        "hw",
        [
            string("machine", "amd64", "Machine class", 1),
            string("model", _model, "Machine model", 2),
            integer("ncpu", processors, "Number of active CPUs", 3),
            integer("byteorder", 1234, "System byte order", 4),
            unsigned_long("physmem", memory, "Amount of physical memory (in bytes)", 5),
            unsigned_long("usermem", _user_memory, "Amount of memory (in bytes) which is not wired", 6),
            integer("pagesize", PAGE, "System memory page size", 7),
            integer("floatingpoint", 1, "Floating point instructions executed in hardware", 10),
            string("machine_arch", "amd64", "System architecture", 11),
            unsigned_long("realmem", memory, "Amount of memory (in bytes) reported by the firmware", 12),
            long("availpages", _available_pages, "Amount of physical memory (in pages)"),
            opaque("pagesizes", "LU", struct.pack("<3Q", PAGE, 2 << 20, 0), "Supported page sizes"),
            integer("clockrate", megahertz, "CPU instruction clock rate"),
            integer("instruction_sse", 1, "SIMD/MMX2 instructions available in CPU"),
            integer("vga_acpi_ignore_no_vga", 0, "Ignore ACPI no VGA flag"),
            integer("lazy_fpu_switch", 0, "Lazily load FPU context after context switch"),
            integer("via_feature_rng", 0, "VIA RNG feature available in CPU"),
        ],
        "hardware",
        6,
    )
}
