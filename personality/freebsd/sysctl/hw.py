"""hw.*: the machine, as far as the host tells."""

from __future__ import annotations

import os
import struct

from personality.bsd.facts import PAGE, megahertz, meminfo, memory, model, processors
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
            string("model", model, "Machine model", 2),
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
