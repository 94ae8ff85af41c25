"""vm.*: memory, swap and load, in the host's numbers."""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd.facts import PAGE, meminfo
from personality.bsd.request import Request
from personality.freebsd.sysctl.node import (
    U64,
    Node,
    branch,
    handled,
    integer,
    opaque,
    unsigned,
    unsigned_long,
    unsigned_quad,
)
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from personality.supervisor.guest import Guest

FSCALE = 2048  # fixed-point scale of load averages: FSCALE of <sys/param.h>


def _load(_guest: Guest) -> bytes:
    averages = [int(value * FSCALE) for value in os.getloadavg()]
    return struct.pack("<3I4xQ", *averages, FSCALE)


def _total(_guest: Guest) -> bytes:
    """struct vmtotal, 88 bytes: eight page counts, the free ones, then six numbers of processes."""
    values = {name: size // PAGE for name, size in meminfo().items()}
    used = values["MemTotal"] - values["MemFree"]
    active = values.get("Active", 0)
    shared = values.get("Shmem", 0)
    running = 1
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            if line.startswith("procs_running "):
                running = int(line.split()[1])
    pages = (values.get("Committed_AS", used), active, used, active, shared, shared, shared, shared)
    return struct.pack("<9Q6H4x", *pages, values["MemFree"], running, 0, 0, 0, 0, 0)


def _pages(name: str) -> Callable[[Guest], int]:
    def read(_guest: Guest) -> int:
        return meminfo().get(name, 0) // PAGE

    return read


def _size(name: str) -> Callable[[Guest], int]:
    def read(_guest: Guest) -> int:
        return meminfo().get(name, 0)

    return read


def _laundry(_guest: Guest) -> int:
    return meminfo().get("Dirty", 0) // PAGE


def _wired(_guest: Guest) -> int:
    values = meminfo()
    return (values.get("Slab", 0) + values.get("KernelStack", 0) + values.get("PageTables", 0)) // PAGE


def _counter(name: str) -> Callable[[], int]:
    def read() -> int:
        with open("/proc/vmstat", encoding="ascii") as file:
            for line in file:
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
        return 0

    return read


def _statistic(name: str) -> Callable[[], int]:
    def read() -> int:
        with open("/proc/stat", encoding="ascii") as file:
            for line in file:
                if line.startswith(name + " "):
                    return int(line.split()[1])
        return 0

    return read


def _uncounted() -> int:
    return 0  # the host does not count this


def _meter(name: str, read: Callable[[], int], description: str) -> Node:
    """A counter of 64 bits, which a program from before FreeBSD 12 may read as one of 32."""

    def answer(request: Request, _rest: tuple[int, ...]) -> None:
        size = 4 if request.address and request.length == 4 else 8
        request.out((read() & ((1 << 8 * size) - 1)).to_bytes(size, "little"))

    return handled(name, answer, description, kind=U64, format="QU")


def _no_device(_request: Request, _rest: tuple[int, ...]) -> None:
    raise fail(errno.ENOENT)  # the list of swap devices ends at once


_METERS = [
    _meter("v_vm_faults", _counter("pgfault"), "Address memory faults"),
    _meter("v_io_faults", _counter("pgmajfault"), "Page faults requiring I/O"),
    _meter("v_cow_faults", _uncounted, "Copy-on-write faults"),
    _meter("v_cow_optim", _uncounted, "Optimized COW faults"),
    _meter("v_zfod", _uncounted, "Pages zero-filled on demand"),
    _meter("v_ozfod", _uncounted, "Optimized zero fill pages"),
    _meter("v_swapin", _counter("pswpin"), "Swap pager pageins"),
    _meter("v_swapout", _counter("pswpout"), "Swap pager pageouts"),
    _meter("v_swappgsin", _counter("pswpin"), "Swap pages swapped in"),
    _meter("v_swappgsout", _counter("pswpout"), "Swap pages swapped out"),
    _meter("v_vnodein", _counter("pgmajfault"), "Vnode pager pageins"),
    _meter("v_vnodeout", _uncounted, "Vnode pager pageouts"),
    _meter("v_vnodepgsin", _counter("pgpgin"), "Vnode pages paged in"),
    _meter("v_vnodepgsout", _counter("pgpgout"), "Vnode pages paged out"),
    _meter("v_intrans", _uncounted, "In transit page faults"),
    _meter("v_reactivated", _counter("pgactivate"), "Pages reactivated by pagedaemon"),
    _meter("v_pdwakeups", _counter("pageoutrun"), "Pagedaemon wakeups"),
    _meter("v_pdpages", _counter("pgscan_kswapd"), "Pages analyzed by pagedaemon"),
    _meter("v_pdshortfalls", _uncounted, "Page reclamation shortfalls"),
    _meter("v_dfree", _counter("pgsteal_kswapd"), "Pages freed by pagedaemon"),
    _meter("v_pfree", _counter("pgfree"), "Pages freed by exiting processes"),
    _meter("v_tfree", _counter("pgfree"), "Total pages freed"),
    _meter("v_forks", _statistic("processes"), "Number of fork() calls"),
    _meter("v_vforks", _uncounted, "Number of vfork() calls"),
    _meter("v_rforks", _uncounted, "Number of rfork() calls"),
    _meter("v_kthreads", _uncounted, "Number of fork() calls by kernel"),
    _meter("v_forkpages", _uncounted, "VM pages affected by fork()"),
    _meter("v_vforkpages", _uncounted, "VM pages affected by vfork()"),
    _meter("v_rforkpages", _uncounted, "VM pages affected by rfork()"),
    _meter("v_kthreadpages", _uncounted, "VM pages affected by fork() by kernel"),
]

_STATISTICS = [
    branch(
        "sys",
        [
            _meter("v_swtch", _statistic("ctxt"), "Context switches"),
            _meter("v_trap", _counter("pgfault"), "Traps"),
            _meter("v_syscall", _uncounted, "System calls"),
            _meter("v_intr", _statistic("intr"), "Device interrupts"),
            _meter("v_soft", _statistic("softirq"), "Software interrupts"),
        ],
        "VM meter sys stats",
    ),
    branch(
        "vm",
        [
            *_METERS,
            unsigned("v_page_size", PAGE, "Page size in bytes"),
            unsigned("v_page_count", _pages("MemTotal"), "Total number of pages in system"),
            unsigned("v_free_reserved", 512, "Pages reserved for deadlock"),
            unsigned("v_free_target", 8192, "Pages desired free"),
            unsigned("v_free_min", 2048, "Minimum low-free-pages threshold"),
            unsigned("v_free_count", _pages("MemFree"), "Free pages"),
            unsigned("v_wire_count", _wired, "Wired pages"),
            unsigned("v_user_wire_count", _pages("Mlocked"), "User-wired virtual memory"),
            unsigned("v_active_count", _pages("Active"), "Active pages"),
            unsigned("v_inactive_target", 12288, "Desired inactive pages"),
            unsigned("v_inactive_count", _pages("Inactive"), "Inactive pages"),
            unsigned("v_laundry_count", _laundry, "Pages eligible for laundering"),
            unsigned("v_pageout_free_min", 34, "Min pages reserved for kernel"),
            unsigned("v_interrupt_free_min", 2, "Reserved pages for interrupt code"),
            unsigned("v_free_severe", 1280, "Severe page depletion point"),
            unsigned("v_cache_count", 0, "Dummy for compatibility"),
            unsigned("v_tcached", 0, "Dummy for compatibility"),
        ],
        "VM meter vm stats",
    ),
]

NODES: dict[str, Node] = {
    "vm": branch(
        "vm",
        [
            opaque("vmtotal", "S,vmtotal", _total, "System virtual memory statistics", 1),
            opaque("loadavg", "S,loadavg", _load, "Machine loadaverage history", 2),
            unsigned("v_free_min", 2048, "Minimum low-free-pages threshold", 3),
            unsigned("v_free_target", 8192, "Desired free pages", 4),
            unsigned("v_free_reserved", 512, "Pages reserved for deadlock", 5),
            unsigned("v_inactive_target", 12288, "Pages desired inactive", 6),
            unsigned("v_pageout_free_min", 34, "Min pages reserved for kernel", 9),
            integer("swap_enabled", 1, "Enable entire process swapout", 11),
            integer("overcommit", 0, "Configure virtual memory overcommit behavior", 12),
            unsigned_quad("swap_total", _size("SwapTotal"), "Total amount of available swap storage"),
            unsigned_quad(
                "swap_reserved", _size("Committed_AS"), "Amount of swap storage needed to back memory"
            ),
            integer("nswapdev", 0, "Number of swap devices"),
            integer("dmmax", 32, "Maximum size of a swap block in pages"),
            handled("swap_info", _no_device, "Swap statistics by device"),
            integer("old_mlock", 0, "Do not apply RLIMIT_MEMLOCK on mlockall"),
            unsigned_long("max_user_wired", _pages("MemTotal"), "System-wide limit to user-wired page count"),
            unsigned_long("kmem_size", _size("MemTotal"), "Size of kernel memory"),
            integer("boot_pages", 64, "Number of pages reserved for bootstrapping"),
            branch("stats", _STATISTICS, "VM meter stats"),
        ],
        "Virtual memory",
        2,
    )
}
