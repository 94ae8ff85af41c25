"""kern.ipc.*: the limits of sockets, System V IPC and pipes."""

from __future__ import annotations

from personality.freebsd.sysctl.node import integer, long, unsigned_long

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from personality.supervisor.guest import Guest


def _host(path: str, word: int = 0, limit: int = (1 << 63) - 1) -> Callable[[Guest], int]:
    def read(_guest: Guest) -> int:
        try:
            with open(f"/proc/sys/{path}", encoding="ascii") as file:
                return min(int(file.read().split()[word]), limit)
        except FileNotFoundError:
            return 0  # a host kernel built without that kind of IPC

    return read


_INT = 0x7FFFFFFF
_somaxconn = _host("net/core/somaxconn", 0, _INT)

CHILDREN = [
    unsigned_long("maxsockbuf", _host("net/core/wmem_max"), "Maximum socket buffer size", 1),
    unsigned_long("sockbuf_waste_factor", 8, "Socket buffer size waste factor", 2),
    integer(
        "somaxconn", _somaxconn, "Maximum listen socket pending connection accept queue size (compat)", 3
    ),
    integer("max_linkhdr", 16, "Size of largest link layer header", 4),
    integer("max_protohdr", 60, "Size of largest protocol layer header", 5),
    integer("max_hdr", 76, "Size of largest link plus protocol header", 6),
    integer("max_datalen", 92, "Minimum space left in mbuf after max_hdr", 7),
    integer("soacceptqueue", _somaxconn, "Maximum listen socket pending connection accept queue size"),
    integer("numopensockets", 0, "Number of open sockets"),
    integer("maxsockets", _host("fs/file-max", 0, _INT), "Maximum number of sockets available"),
    integer("nmbclusters", 1 << 20, "Maximum number of mbuf clusters allowed"),
    integer("sendfile_readahead", 1, "Number of sendfile(2) read-ahead blocks"),
    unsigned_long("maxpipekva", 1 << 30, "Pipe KVA limit"),
    long("pipekva", 0, "Pipe KVA usage"),
    unsigned_long("shmmax", _host("kernel/shmmax"), "Maximum shared memory segment size"),
    unsigned_long("shmmin", 1, "Minimum shared memory segment size"),
    unsigned_long("shmmni", _host("kernel/shmmni"), "Number of shared memory identifiers"),
    unsigned_long("shmseg", _host("kernel/shmmni"), "Number of segments per process"),
    unsigned_long("shmall", _host("kernel/shmall"), "Maximum number of pages available for shared memory"),
    integer("shm_use_phys", 0, "Enable/Disable locking of shared memory pages in core"),
    integer("shm_allow_removed", 1, "Enable/Disable attachment to attached segments marked for removal"),
    integer("semmni", _host("kernel/sem", 3, _INT), "Number of semaphore identifiers"),
    integer("semmns", _host("kernel/sem", 1, _INT), "Maximum number of semaphores in the system"),
    integer("semmsl", _host("kernel/sem", 0, _INT), "Max semaphores per id"),
    integer("semopm", _host("kernel/sem", 2, _INT), "Max operations per semop call"),
    integer("semvmx", 32767, "Semaphore maximum value"),
    integer("semaem", 16384, "Adjust on exit max value"),
    integer("semmnu", _host("kernel/sem", 1, _INT), "Maximum number of undo structures in the system"),
    integer("semume", 50, "Max undo entries per process"),
    integer("msgmax", _host("kernel/msgmax", 0, _INT), "Maximum message size"),
    integer("msgmni", _host("kernel/msgmni", 0, _INT), "Number of message queue identifiers"),
    integer("msgmnb", _host("kernel/msgmnb", 0, _INT), "Maximum number of bytes in a queue"),
    integer("msgtql", 40, "Maximum number of messages in the system"),
    integer("msgssz", 8, "Size of a message segment"),
    integer("msgseg", 2048, "Number of message segments"),
]
