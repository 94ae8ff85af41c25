"""hw.*: the machine, as far as the host tells."""

from __future__ import annotations

from personality.bsd.facts import PAGE, meminfo, memory, model, processors
from personality.netbsd.sysctl import iostat
from personality.netbsd.sysctl.node import STRUCT, branch, handled, integer, quad, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_LARGEST = 0x7FFFFFFF
_CONSOLE_BREAK = "+++++"


def _user_memory(_guest: Guest) -> int:
    values = meminfo()
    return values["MemTotal"] - values.get("Unevictable", 0)


def _physical(guest: Guest) -> int:
    return min(memory(guest), _LARGEST)


def _user(guest: Guest) -> int:
    return min(_user_memory(guest), _LARGEST)


NODE = branch(
    "hw",
    6,
    [
        string("machine", 1, "amd64", "Machine class"),
        string("model", 2, model, "Machine model"),
        integer("ncpu", 3, processors, "Number of CPUs configured"),
        integer("byteorder", 4, 1234, "System byte order"),
        integer("physmem", 5, _physical, "Bytes of physical memory"),
        integer("usermem", 6, _user, "Bytes of non-kernel memory"),
        integer("pagesize", 7, PAGE, "Software page size"),
        string("disknames", 8, iostat.names, "List of disk drives present"),
        handled("iostats", 9, iostat.statistics, "Statistics on device I/O", STRUCT),
        string("machine_arch", 10, "x86_64", "Machine CPU class"),
        integer("alignbytes", 11, 15, "Alignment constraint for all possible data types"),
        string("cnmagic", 12, _CONSOLE_BREAK, "Console magic key sequence"),
        quad("physmem64", 13, memory, "Bytes of physical memory"),
        quad("usermem64", 14, _user_memory, "Bytes of non-kernel memory"),
        string("iostatnames", 15, iostat.names, "List of disks that keep statistics"),
        integer("ncpuonline", 16, processors, "Number of CPUs online"),
    ],
    "Generic CPU, I/O",
)
