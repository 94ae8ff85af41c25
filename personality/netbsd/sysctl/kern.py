"""kern.*: the kernel's name and age, its limits, and the tables about processes."""

from __future__ import annotations

import errno
import os
import struct

from personality.bsd.facts import (
    boot_time,
    domain,
    host_id,
    hostname,
    max_files,
    max_processes,
    processors,
    set_hostname,
    statistics,
)
from personality.bsd.request import Request
from personality.bsd.sysctl_value import told_in_process
from personality.netbsd import releases
from personality.netbsd.sysctl import kern_proc
from personality.netbsd.sysctl.node import (
    AUTO,
    INT,
    STRUCT,
    branch,
    handled,
    integer,
    string,
    structure,
    unsigned,
)
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_HZ = 100
_HOST_HZ = os.sysconf("SC_CLK_TCK")
_RANDOM_LIMIT = 256  # bytes one read of kern.arandom gives
_POSIX = 200112
_FSCALE = 2048
_ALL_PROCESSORS = -1
_ARG_MAX = 262144


def _release(guest: Guest) -> str:
    return releases.version(releases.of(guest.release))


@told_in_process("release_number")
def _release_number(guest: Guest) -> int:
    return releases.of(guest.release)


def _version(guest: Guest) -> str:
    return f"NetBSD {_release(guest)} (GENERIC)\n"


def _times(name: str) -> bytes:
    """u_int64_t[CPUSTATES]: user, nice, system, interrupt, idle, in ticks of the clock."""
    ticks = [*statistics(name), 0, 0, 0, 0, 0, 0, 0][:7]
    user, nice, system, idle, iowait, irq, softirq = (tick * _HZ // _HOST_HZ for tick in ticks)
    return struct.pack("<5Q", user, nice, system, irq + softirq, idle + iowait)


def _processor_times(request: Request, rest: tuple[int, ...]) -> None:
    if len(rest) > 1:
        raise fail(errno.EINVAL)
    count = processors(request.guest)
    if not rest:
        request.out(_times("cpu"))
    elif rest[0] == _ALL_PROCESSORS:
        for number in range(count):
            request.out(_times(f"cpu{number}"))
    elif 0 <= rest[0] < count:
        request.out(_times(f"cpu{rest[0]}"))
    else:
        raise fail(errno.ENOENT)


def _processor_ids(request: Request, rest: tuple[int, ...]) -> None:
    numbers = range(processors(request.guest))
    if rest:
        numbers = numbers[rest[0] : rest[0] + 1] if rest[0] != _ALL_PROCESSORS else numbers
    request.out(struct.pack(f"<{len(numbers)}Q", *numbers))


def _random(request: Request, _rest: tuple[int, ...]) -> None:
    request.out(os.urandom(min(request.length if request.address else 4, _RANDOM_LIMIT)))


def _random_word(request: Request, _rest: tuple[int, ...]) -> None:
    request.out(os.urandom(4))


def _tick_count(_guest: Guest) -> int:
    with open("/proc/uptime", encoding="ascii") as file:
        return int(float(file.read().split()[0]) * _HZ)


_DEVICES = ((0, "cons"), (1, "ctty"), (2, "mem"), (5, "ptc"), (5, "pts"), (22, "fd"))


def _drivers(_guest: Guest) -> bytes:
    """struct kinfo_drivers[]: character and block number, name."""
    return b"".join(struct.pack("<2i24s", number, -1, name.encode()) for number, name in _DEVICES)


_CLOCK_RATE = struct.pack("<5i", 1_000_000 // _HZ, 40, _HZ, _HZ, _HZ)  # struct clockinfo

_ENTROPY = [
    integer("needed", AUTO, 0, "Entropy deficit (bits)"),
    integer("collection", AUTO, 1, "Automatically collect entropy on hardware interrupts"),
    integer("depletion", AUTO, 0, "`Deplete' entropy pool when observed"),
    unsigned("epoch", AUTO, 1, "Entropy epoch: increments when the sources have been heard"),
]

_PIPE = [
    integer("maxbigpipes", 1, 32, 'Maximum number of "big" pipes'),
    integer("nbigpipes", 2, 0, 'Number of "big" pipes'),
    integer("kvasize", 3, 0, "Amount of kernel memory consumed by pipe buffers"),
    integer("maxloankvasz", 4, 0, "Limit for direct transfers"),
]

_IPC = [
    integer("sysvmsg", AUTO, 1, "System V style message support available"),
    integer("sysvsem", AUTO, 1, "System V style semaphore support available"),
    integer("sysvshm", AUTO, 1, "System V style shared memory support available"),
    integer("shmmax", 5, 0x7FFFFFFF, "Max shared memory segment size in bytes"),
    integer("shmmni", 6, 4096, "Max number of shared memory identifiers"),
    integer("shmseg", 7, 4096, "Max shared memory segments per process"),
    integer("shmmaxpgs", 8, 1 << 20, "Max amount of shared memory in pages"),
    integer("shm_use_phys", 9, 0, "Enable/disable locking of shared memory in physical memory"),
]

_COREDUMP = [branch("setid", AUTO, [integer("dump", AUTO, 0)], "Set-id processes' coredump settings")]

_MODULE = [
    integer("autoload", AUTO, 0, "Enable automatic load of modules"),
    integer("verbose", AUTO, 0, "Enable verbose output"),
    string("path", AUTO, "/stand/amd64/10.1/modules", "Default module load path"),
]

_AIO = [
    integer("aio_listio_max", AUTO, 512, "Maximum number of asynchronous I/O operations in a single list"),
    integer("aio_max", AUTO, 1024, "Maximum number of asynchronous I/O operations"),
]

_POSIX_OPTIONS = [integer("semmax", AUTO, 1 << 20, "Maximal number of semaphores")]

_MESSAGES = [
    unsigned("mq_open_max", AUTO, 512, "Maximal number of message queue descriptors per process"),
    unsigned("mq_prio_max", AUTO, 32, "Maximal number of message queue priorities"),
    unsigned("mq_max_msgsize", AUTO, 16384, "Maximal allowed size of the message"),
    unsigned("mq_def_maxmsg", AUTO, 32, "Default maximal message count"),
    unsigned("mq_max_maxmsg", AUTO, 512, "Maximal allowed message count"),
]

NODE = branch(
    "kern",
    1,
    [
        string("ostype", 1, "NetBSD", "Operating system type"),
        string("osrelease", 2, _release, "Operating system release"),
        integer("osrevision", 3, _release_number, "Operating system revision"),
        string("version", 4, _version, "Kernel version"),
        integer("maxvnodes", 5, 100000, "Maximum number of vnodes"),
        integer("maxproc", 6, max_processes, "Maximum number of simultaneous processes"),
        integer("maxfiles", 7, max_files, "Maximum number of open files"),
        integer("argmax", 8, _ARG_MAX, "Maximum number of bytes of arguments to execve(2)"),
        integer("securelevel", 9, -1, "System security level"),
        string("hostname", 10, hostname, "System hostname", set_hostname),
        integer("hostid", 11, host_id, "System host ID number"),
        structure("clockrate", 12, _CLOCK_RATE, "Kernel clock rates"),
        integer(
            "posix1version",
            17,
            200809,
            "Version of POSIX 1003.1 that the kernel attempts to comply to",
        ),
        integer("ngroups", 18, 16, "Maximum number of supplemental groups"),
        integer("job_control", 19, 1, "Whether job control is available"),
        integer("saved_ids", 20, 1, "Whether POSIX saved set-group/user ID is available"),
        string("domainname", 22, domain, "YP domain name"),
        integer("maxpartitions", 23, 16, "Maximum number of partitions allowed per disk"),
        integer("rawpartition", 24, 3, "Raw partition of a disk"),
        integer("autonicetime", 27, 0, "CPU clock seconds before non-root process priority is lowered"),
        integer("autoniceval", 28, 4, "Automatic reniced non-root process priority"),
        integer("rtc_offset", 29, 0, "Offset of real time clock from UTC in minutes"),
        string("root_device", 30, "ld0", "Name of the root device"),
        integer("fsync", 32, _POSIX, "Whether the File Synchronization Option is available"),
        branch("ipc", 82, _IPC, "SysV IPC options"),
        integer("synchronized_io", 37, _POSIX, "Whether the Synchronized I/O Option is available"),
        integer("iov_max", 38, 1024, "Maximum number of iovec structures per process"),
        integer("mapped_files", 40, _POSIX, "Whether the Memory Mapped Files Option is available"),
        integer("memlock", 41, _POSIX, "Whether the Process Memory Locking Option is available"),
        integer("memlock_range", 42, _POSIX, "Whether the Range Memory Locking Option is available"),
        integer("memory_protection", 43, _POSIX, "Whether the Memory Protection Option is available"),
        integer("login_name_max", 44, 17, "Maximum login name length"),
        string("defcorename", 45, "%n.core", "Default core file name"),
        integer("logsigexit", 46, 0, "Log process exit when caused by signals"),
        handled("proc2", 47, kern_proc.processes_table, "Machine-independent process information"),
        handled("proc_args", 48, kern_proc.arguments, "Process argument information"),
        integer("fscale", 49, _FSCALE, "Kernel fixed-point scale factor"),
        integer("ccpu", 50, 1948, "Scheduler exponential decay value"),
        handled("cp_time", 51, _processor_times, "Clock ticks spent in different CPU states"),
        integer("consdev", 54, -1, "Console device"),
        integer("maxptys", 55, 4096, "Maximum number of pseudo-ttys"),
        branch("pipe", 56, _PIPE, "Pipe settings"),
        integer("maxphys", 57, 1 << 16, "Maximum raw I/O transfer size"),
        integer("sbmax", 58, 1 << 18, "Maximum socket buffer size"),
        integer(
            "monotonic_clock",
            60,
            _POSIX,
            "Version of the Monotonic Clock option",
        ),
        handled("urandom", 61, _random_word, "Random integer value", INT),
        integer("labelsector", 62, 1, "Sector number containing the disklabel"),
        integer("labeloffset", 63, 0, "Offset of the disklabel within the sector"),
        handled("lwp", 64, kern_proc.lwps, "System-wide LWP information"),
        integer("forkfsleep", 65, 0, "Milliseconds to sleep on fork failure due to process limits"),
        integer("posix_threads", 66, _POSIX, "Version of the Threads option"),
        integer("posix_semaphores", 67, _POSIX, "Version of the Semaphores option"),
        integer("posix_barriers", 68, _POSIX, "Version of the Barriers option"),
        integer("posix_timers", 69, _POSIX, "Version of the Timers option"),
        integer("posix_spin_locks", 70, _POSIX, "Version of the Spin Locks option"),
        integer("posix_reader_writer_locks", 71, _POSIX, "Version of the Read-Write Locks option"),
        integer("dump_on_panic", 72, 1, "Perform a crash dump on system panic"),
        integer("somaxkva", 73, 1 << 24, "Maximum amount of kernel memory to be used for socket buffers"),
        integer("root_partition", 74, 0, "Root partition on the root device"),
        structure("drivers", 75, _drivers, "List of all drivers with block and character device numbers"),
        handled("file2", 77, kern_proc.files, "System open file table", STRUCT),
        handled("cp_id", 79, _processor_ids, "Mapping of CPU number to CPU id"),
        integer("hardclock_ticks", 80, _tick_count, "Number of hardclock ticks"),
        handled("arandom", 81, _random, "Random bytes", INT),
        structure("boottime", 83, boot_time, "System boot time"),
        branch("entropy", 86, _ENTROPY, "Entropy (random number sources) options"),
        string("configname", AUTO, "GENERIC", "Name of config file"),
        string("buildinfo", AUTO, "", "Information from build environment"),
        string("bootfile", AUTO, "netbsd", "Name of kernel file booted"),
        branch("module", AUTO, _MODULE, "Module options"),
        branch("coredump", AUTO, _COREDUMP, "Coredump settings"),
        branch("posix", AUTO, _POSIX_OPTIONS, "POSIX options"),
        integer("posix_aio", AUTO, _POSIX, "Version of the Asynchronous I/O option"),
        *_AIO,
        branch("mqueue", AUTO, _MESSAGES, "Message queue options"),
        integer("no_sa_support", AUTO, 1, "Whether scheduler activations are not supported"),
        integer("maxlwp", AUTO, max_processes, "Maximum number of simultaneous threads"),
        integer("messages", AUTO, 0, "Kernel message verbosity"),
        integer("expose_address", AUTO, 0, "Whether kernel addresses are exposed"),
    ],
    "High kernel",
)
