"""kern.*: the kernel's name and age, its limits, and the tables about processes."""

from __future__ import annotations

import os
import struct

from personality.bsd.facts import (
    PAGE,
    boot_time,
    domain,
    files_per_process,
    host_id,
    host_uuid,
    hostname,
    max_files,
    max_processes,
    open_files,
    processors,
    set_domain,
    set_hostname,
    statistics,
)
from personality.bsd.request import Request
from personality.bsd.sysctl_value import told_in_process
from personality.freebsd import releases
from personality.freebsd.sysctl import kern_ipc, kern_proc
from personality.freebsd.sysctl.devstat import DEVSTAT
from personality.freebsd.sysctl.node import (
    ANYBODY,
    OPAQUE,
    READ,
    STRING,
    ULONG,
    WRITE,
    Node,
    branch,
    handled,
    integer,
    opaque,
    string,
    unsigned,
    unsigned_long,
)
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_ARG_MAX = 524288  # FreeBSD's ARG_MAX on 64-bit machines
_RANDOM_LIMIT = 256  # bytes one read of kern.arandom gives
_STATHZ = 127
_HOST_HZ = os.sysconf("SC_CLK_TCK")
_MAIN_STACK_TOP = 0x7FFFFFFFF000  # amd64's USRSTACK, where the runtime did not say better


def _release(guest: Guest) -> str:
    return releases.osrelease(releases.of(guest.release))


@told_in_process("release_number")
def _release_number(guest: Guest) -> int:
    return releases.of(guest.release)


def _version(guest: Guest) -> str:
    return f"FreeBSD {_release(guest)} GENERIC\n"


def _processor_time(name: str) -> bytes:
    """long[CPUSTATES]: user, nice, system, interrupt, idle, in ticks of stathz."""
    ticks = [*statistics(name), 0, 0, 0, 0, 0, 0, 0][:7]
    user, nice, system, idle, iowait, irq, softirq = (tick * _STATHZ // _HOST_HZ for tick in ticks)
    return struct.pack("<5q", user, nice, system, irq + softirq, idle + iowait)


def _times(_guest: Guest) -> bytes:
    return _processor_time("cpu")


def _times_of_each(guest: Guest) -> bytes:
    return b"".join(_processor_time(f"cpu{number}") for number in range(processors(guest)))


def _random(request: Request, rest: tuple[int, ...]) -> None:
    if rest:
        raise fail(2)
    request.out(os.urandom(min(request.length if request.address else 8, _RANDOM_LIMIT)))


@told_in_process("stack_top", 8)
def _user_stack(request: Request, _rest: tuple[int, ...]) -> None:
    top = request.facts[0] or kern_proc.stack_top(request.guest.pid) or _MAIN_STACK_TOP
    request.out(struct.pack("<Q", top))


@told_in_process("ps_strings", 8)
def _ps_strings(request: Request, _rest: tuple[int, ...]) -> None:
    top = request.facts[0] or kern_proc.stack_top(request.guest.pid) or _MAIN_STACK_TOP
    request.out(struct.pack("<Q", request.facts[1] or top - 32))


def _device_name(_request: Request, _rest: tuple[int, ...]) -> None:
    raise fail(2)  # device numbers are the host's: none has a name in a FreeBSD device tree


@told_in_process("last_processor")
def _last_processor(guest: Guest) -> int:
    return processors(guest) - 1


_SMP = [
    integer("maxid", _last_processor, "Max CPU ID"),
    integer("maxcpus", 1024, "Max number of CPUs that the system was compiled for"),
    integer("active", 1, "Indicates system is running in SMP mode"),
    integer("disabled", 0, "SMP has been disabled from the loader"),
    integer("cpus", processors, "Number of CPUs online"),
    integer("threads_per_core", 1, "Number of SMT threads online per core"),
    integer("cores", processors, "Number of physical cores online"),
    integer("topology", 0, "Topology override setting"),
]

_SCHED = [
    string("name", "ULE", "Scheduler name"),
    integer("preemption", 1, "Kernel preemption enabled"),
    integer("cpusetsize", 128, "sizeof(cpuset_t)"),
    integer("cpusetsizemin", 8, "The minimum size of a cpuset that the cpuset calls take"),
    integer("quantum", 94488, "Quantum for timeshare threads in microseconds"),
    integer("slice", 12, "Quantum for timeshare threads in stathz ticks"),
    string("topology_spec", "", "XML dump of detected CPU topology"),
]

_ELF64 = [
    integer("fallback_brand", -1, "Compatibility brand to use for ELF executables without one"),
    integer("vdso", 0, "Enable vdso preloading"),
    integer("nxstack", 1, "Support PT_GNU_STACK for non-executable stack control"),
    integer("allow_wx", 1, "Allow pages to be mapped simultaneously writable and executable"),
    integer("sigfastblock", 0, "Enable sigfastblock for new processes"),
    branch(
        "aslr",
        [
            integer("enable", 1, "Enable address map randomization"),
            integer("pie_enable", 1, "Enable address map randomization for PIE binaries"),
            integer("honor_sbrk", 0, "Assume sbrk is used"),
            integer("stack", 1, "Enable stack address randomization"),
            integer("shared_page", 0, "Enable shared page address randomization"),
        ],
        "Address space layout randomization",
    ),
]

_FEATURES = [
    integer("inet", 1, "Internet Protocol version 4"),
    integer("inet6", 1, "Internet Protocol version 6"),
    integer("compat_freebsd11", 1, "Compatible with FreeBSD 11"),
    integer("compat_freebsd12", 1, "Compatible with FreeBSD 12"),
    integer("compat_freebsd13", 1, "Compatible with FreeBSD 13"),
    integer("aio", 1, "Asynchronous I/O"),
    integer("sysv_msg", 1, "System V message queues support"),
    integer("sysv_sem", 1, "System V semaphores support"),
    integer("sysv_shm", 1, "System V shared memory segments support"),
    integer("posix_shm", 1, "POSIX shared memory"),
    integer("kposix_priority_scheduling", 1, "POSIX P1003.1B real-time extensions"),
    integer("process_descriptors", 1, "Process Descriptors"),
    integer("scbus", 0, "SCSI devices support"),
]

_RANDOM = [handled("fortuna", _random, "Random bits", flags=READ)]

_TIMECOUNTER = [
    string("choice", "TSC(1000) dummy(-1000000)", "Timecounter hardware detected"),
    string("hardware", "TSC", "Timecounter hardware selected"),
    integer("tick", 1, "Approximate number of hardclock ticks in a millisecond"),
    integer("stepwarnings", 0, "Log time steps"),
    integer("fast_gettime", 1, "Enable fast time of day"),
]

_CHILDREN = [
    string("ostype", "FreeBSD", "Operating system type", 1),
    string("osrelease", _release, "Operating system release", 2),
    integer("osrevision", 199506, "Operating system revision", 3),
    string("version", _version, "Kernel version", 4),
    integer("maxvnodes", 100000, "Target for maximum number of vnodes", 5),
    integer("maxproc", max_processes, "Maximum number of processes", 6),
    integer("maxfiles", max_files, "Maximum number of files", 7),
    integer("argmax", _ARG_MAX, "Maximum bytes of argument to execve(2)", 8),
    integer("securelevel", -1, "Current secure level", 9),
    string("hostname", hostname, "Hostname", 10, write=set_hostname),
    unsigned_long("hostid", host_id, "Host ID", 11),
    opaque(
        "clockrate",
        "S,clockinfo",
        struct.pack("<5i", 1000, 1000, 0, _STATHZ, 8128),
        "Rate and period of kernel clocks",
        12,
    ),
    branch("proc", kern_proc.CHILDREN, "High kernel, proc, limits etc", 14),
    integer("posix1version", 200112, "Version of POSIX attempting to comply to", 17),
    integer("ngroups", 1023, "Maximum number of supplemental groups a user can belong to", 18),
    integer("job_control", 1, "Whether job control is available", 19),
    integer("saved_ids", 1, "Whether saved set-group/user ID is available", 20),
    opaque("boottime", "S,timeval", boot_time, "System boottime", 21),
    string("domainname", domain, "Name of the current YP/NIS domain", 22, write=set_domain),
    integer("osreldate", _release_number, "Kernel release date", 24),
    string("bootfile", "/boot/kernel/kernel", "Name of kernel file booted", 26),
    integer("maxfilesperproc", files_per_process, "Maximum files allowed open per process", 27),
    integer("maxprocperuid", max_processes, "Maximum processes allowed per userid", 28),
    branch("ipc", kern_ipc.CHILDREN, "IPC", 30),
    handled(
        "ps_strings", _ps_strings, "Location of process' ps_strings structure", 32, kind=ULONG, format="LU"
    ),
    handled("usrstack", _user_stack, "Top of process stack", 33, kind=ULONG, format="LU"),
    integer("logsigexit", 0, "Log processes quitting on abnormal signals to syslog(3)", 34),
    integer("iov_max", 1024, "Maximum number of elements in an I/O vector; sysconf(_SC_IOV_MAX)", 35),
    string("hostuuid", host_uuid, "Host UUID", 36),
    handled("arandom", _random, "arc4rand", 37, kind=OPAQUE, format=""),
    unsigned_long("maxphys", 1 << 20, "Maximum block I/O access size", 38),
    string("ident", "GENERIC", "Kernel identifier"),
    string("supported_archs", "amd64", "Supported architectures for binaries"),
    integer("maxusers", 384, "Hint for kernel tuning"),
    integer("openfiles", open_files, "System-wide number of open files"),
    integer("hz", 1000, "Number of clock ticks per second"),
    opaque("cp_time", "L", _times, "CPU time statistics"),
    opaque("cp_times", "L", _times_of_each, "per-CPU time statistics"),
    integer("ccpu", 1948, "Decay factor used for updating %CPU"),
    integer("fscale", 2048, "Fixed-point scale factor used for calculating load average values"),
    integer("pid_max", max_processes, "Maximum allowed pid"),
    integer("pid_max_limit", 99999, "Largest value of kern.pid_max"),
    integer("randompid", 0, "Random PID modulus"),
    integer("lastpid", 0, "Last used PID"),
    integer("coredump", 1, "Enable/Disable coredumps"),
    integer("sugid_coredump", 0, "Allow setuid and setgid processes to dump core"),
    string("corefile", "%N.core", "Process corefile name format string"),
    integer("ps_arg_cache_limit", 256, "Process' command line characters cache limit"),
    integer("ps_argsopen", 1, "Allow to see the arguments of other users' processes"),
    integer("trap_enotcap", 0, "Processes receive SIGTRAP on ENOTCAPABLE"),
    integer("forcesigexit", 1, "Force trap signal to be handled"),
    integer("sig_discard_ign", 1, "Discard ignored signals on delivery, otherwise queue them"),
    integer("stackprot", 3, "Stack memory permissions"),
    integer("consmute", 0, "State of the console muting"),
    string("vm_guest", "none", "Virtual machine guest detected?"),
    string("console", "ttyv0,/ttyv0,", "Console device control"),
    string("module_path", "/boot/kernel;/boot/modules", "Module load search path"),
    string("disks", "", "Names of available disks"),
    string("compiler_version", "FreeBSD clang", "Version of compiler used to compile kernel"),
    handled(
        "devname", _device_name, "devname(3) handler", kind=STRING, format="", flags=READ | WRITE | ANYBODY
    ),
    branch("devstat", DEVSTAT, "Device Statistics"),
    branch("smp", _SMP, "Kernel SMP"),
    branch("sched", _SCHED, "Scheduler"),
    branch("elf64", _ELF64, "ELF64 images"),
    branch("features", _FEATURES, "Kernel Features"),
    branch("random", _RANDOM, "Cryptographically Secure Random Number Generator"),
    branch("timecounter", _TIMECOUNTER, "Timecounters"),
    unsigned("pagesize", PAGE, "System memory page size"),
]

NODES: dict[str, Node] = {"kern": branch("kern", _CHILDREN, "High kernel, proc, limits etc", 1)}
