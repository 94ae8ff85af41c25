"""vm.*: memory, swap and load, in the host's numbers."""

from __future__ import annotations

import os
import struct

from personality.bsd.facts import PAGE, meminfo, memory, statistics
from personality.netbsd.sysctl import vm_proc
from personality.netbsd.sysctl.node import AUTO, Node, branch, growing, handled, integer, quad, structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_FSCALE = 2048
_UVMEXP_WORDS = 93  # struct uvmexp_sysctl: int64_t each
_LOWEST, _HIGHEST = PAGE, 0x7F7FFFFFF000


def _load(_guest: Guest) -> bytes:
    """struct loadavg."""
    return struct.pack("<3I4xq", *(int(value * _FSCALE) for value in os.getloadavg()), _FSCALE)


def _pages() -> dict[str, int]:
    return {name: size // PAGE for name, size in meminfo().items()}


def _total(_guest: Guest) -> bytes:
    """struct vmtotal: numbers of processes, then of pages."""
    values = _pages()
    used = values["MemTotal"] - values["MemFree"]
    active, shared = values.get("Active", 0), values.get("Shmem", 0)
    running = (statistics("procs_running") or [1])[0]
    sizes = (values.get("Committed_AS", used), active, used, active, shared, shared, shared, shared)
    return struct.pack("<5h2x9i", running, 0, 0, 0, 0, *sizes, values["MemFree"])


def _counters() -> dict[str, int]:
    with open("/proc/vmstat", encoding="ascii") as file:
        return {name: int(value) for name, value in (line.split() for line in file)}


def _statistics(_guest: Guest) -> bytes:
    """struct uvmexp_sysctl, by position; what the host does not count stays zero."""
    values, counts = _pages(), _counters()
    words = [0] * _UVMEXP_WORDS
    swap = values.get("SwapTotal", 0)
    known = {
        0: PAGE,
        1: PAGE - 1,
        2: 12,
        3: values["MemTotal"],
        4: values["MemFree"],
        5: values.get("Active", 0),
        6: values.get("Inactive", 0),
        8: values.get("Unevictable", 0),
        16: 1 if swap else 0,
        17: swap,
        18: swap - values.get("SwapFree", 0),
        24: counts.get("pgfault", 0),
        26: (statistics("intr") or [0])[0],
        27: (statistics("ctxt") or [0])[0],
        30: counts.get("pgpgin", 0),
        33: counts.get("pswpin", 0),
        34: counts.get("pswpout", 0),
        35: (statistics("processes") or [0])[0],
        68: counts.get("pgscan_kswapd", 0),
        75: counts.get("pgpgout", 0),
        78: values.get("AnonPages", 0),
        79: values.get("Cached", 0),
        80: values.get("Mapped", 0),
    }
    for position, value in known.items():
        words[position] = value
    return struct.pack(f"<{_UVMEXP_WORDS}q", *words)


_CACHE_SHARE = 15  # BUFCACHE: percent of memory that the buffer cache may take


def _buffers(_guest: Guest) -> int:
    return meminfo()["Buffers"]


def _most_buffers(guest: Guest) -> int:
    return memory(guest) * _CACHE_SHARE // 100


def _least_buffers(guest: Guest) -> int:
    return _most_buffers(guest) >> 3


_BUFFERS: list[Node] = [
    integer("bufcache", AUTO, _CACHE_SHARE, "Percentage of physical memory to use for buffer cache"),
    quad("bufmem", AUTO, _buffers, "Amount of kernel memory used by buffer cache"),
    quad("bufmem_lowater", AUTO, _least_buffers, "Minimum amount of kernel memory for buffer cache"),
    quad("bufmem_hiwater", AUTO, _most_buffers, "Maximum amount of kernel memory for buffer cache"),
]

_GUARDS: list[Node] = [
    integer("guard_size", AUTO, 1 << 20, "Guard size of main thread"),
    integer("thread_guard_size", AUTO, PAGE, "Guard size of other threads"),
]

NODE = branch(
    "vm",
    2,
    [
        structure("vmmeter", 1, _total, "Simple system-wide virtual memory statistics"),
        structure("loadavg", 2, _load, "System load average history"),
        integer("nkmempages", 4, 65536, "Default number of pages in kmem_arena"),
        growing("uvmexp2", 5, _statistics, "Detailed system-wide virtual memory statistics (MI)"),
        integer("anonmin", 6, 10, "Percentage of physical memory reserved for anonymous application data"),
        integer("execmin", 7, 5, "Percentage of physical memory reserved for executable data"),
        integer("filemin", 8, 10, "Percentage of physical memory reserved for cached file data"),
        integer("maxslp", 9, 20, "Maximum process sleep time before being swapped"),
        integer("uspace", 10, 16384, "Number of bytes allocated for a kernel stack"),
        integer("anonmax", 11, 80, "Percentage of physical memory which will be reclaimed from other usage"),
        integer("execmax", 12, 30, "Percentage of physical memory which will be reclaimed from other usage"),
        integer("filemax", 13, 50, "Percentage of physical memory which will be reclaimed from other usage"),
        quad("minaddress", 14, _LOWEST, "Minimum user address"),
        quad("maxaddress", 15, _HIGHEST, "Maximum user address"),
        branch("proc", 16, [handled("map", 1, vm_proc.mappings, "Process memory map")], "Per-process"),
        integer("user_va0_disable", AUTO, 1, "Disable VA 0"),
        *_GUARDS,
        *_BUFFERS,
    ],
    "Virtual memory",
)
