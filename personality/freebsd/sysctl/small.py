"""The branches with few nodes: user, p1003_1b, machdep, debug, compat, dev."""

from __future__ import annotations

from personality.bsd.facts import cpu_fact
from personality.freebsd.sysctl.node import Node, branch, integer, string, unsigned, unsigned_quad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest


def _tsc_frequency(_guest: Guest) -> int:
    return int(float(cpu_fact("cpu MHz") or 0) * 1_000_000)


# The limits of FreeBSD's <limits.h> and <unistd.h>.
_USER = [
    string("cs_path", "/usr/bin:/bin:/usr/sbin:/sbin", "PATH that finds all the standard utilities", 1),
    integer("bc_base_max", 99, "Max ibase/obase values in bc(1)", 2),
    integer("bc_dim_max", 2048, "Max array size in bc(1)", 3),
    integer("bc_scale_max", 99, "Max scale value in bc(1)", 4),
    integer("bc_string_max", 1000, "Max string length in bc(1)", 5),
    integer("coll_weights_max", 10, "Maximum number of weights assigned to an LC_COLLATE locale entry", 6),
    integer("expr_nest_max", 32, "Max number of expressions nested in parentheses in expr(1)", 7),
    integer("line_max", 2048, "Max length (bytes) of a text-processing utility's input line", 8),
    integer("re_dup_max", 255, "Maximum number of repeats of a regexp permitted", 9),
    integer(
        "posix2_version", 199212, "The version of POSIX 1003.2 with which the system attempts to comply", 10
    ),
    integer("posix2_c_bind", 0, "Whether C development supports the C bindings option", 11),
    integer("posix2_c_dev", 0, "Whether the system supports the C development utilities option", 12),
    integer("posix2_char_term", 0, "Whether at least one terminal type has full support", 13),
    integer("posix2_fort_dev", 0, "Whether the system supports FORTRAN development utilities", 14),
    integer("posix2_fort_run", 0, "Whether the system supports FORTRAN runtime utilities", 15),
    integer("posix2_localedef", 0, "Whether the system supports creation of locales", 16),
    integer("posix2_sw_dev", 0, "Whether the system supports software development utilities", 17),
    integer("posix2_upe", 0, "Whether the system supports the user portability utilities", 18),
    integer("stream_max", 20, "Min Maximum number of streams a process may have open at one time", 19),
    integer("tzname_max", 255, "Min Maximum number of types supported for timezone names", 20),
    string("localbase", "/usr/local", "Prefix used to install and locate add-on packages", 21),
]

_POSIX = [
    integer("asynchronous_io", 200112, number=1),
    integer("mapped_files", 200112, number=2),
    integer("memlock", 0, number=3),
    integer("memlock_range", 0, number=4),
    integer("memory_protection", 0, number=5),
    integer("message_passing", 200112, number=6),
    integer("prioritized_io", 0, number=7),
    integer("priority_scheduling", 200112, number=8),
    integer("realtime_signals", 200112, number=9),
    integer("semaphores", 200112, number=10),
    integer("fsync", 0, number=11),
    integer("shared_memory_objects", 200112, number=12),
    integer("synchronized_io", 0, number=13),
    integer("timers", 200112, number=14),
    integer("aio_listio_max", 256, number=15),
    integer("aio_max", 1024, number=16),
    integer("aio_prio_delta_max", 0, number=17),
    integer("delaytimer_max", 0x7FFFFFFF, number=18),
    integer("mq_open_max", 0, number=19),
    integer("pagesize", 4096, number=20),
    integer("rtsig_max", 62, number=21),
    integer("nsems_max", 0, number=22),
    integer("sem_value_max", 0x7FFFFFFF, number=23),
    integer("sigqueue_max", 128, number=24),
    integer("timer_max", 32, number=25),
]

NODES: dict[str, Node] = {
    "user": branch("user", _USER, "user-level", 8),
    "p1003_1b": branch("p1003_1b", _POSIX, "p1003_1b, (see p1003_1b.h)", 9),
    "machdep": branch(
        "machdep",
        [
            unsigned_quad("tsc_freq", _tsc_frequency, "Time Stamp Counter frequency"),
            integer("hyperthreading_allowed", 1, "Use Intel HTT logical CPUs"),
            integer("wall_cmos_clock", 0, "Enables application of machdep.adjkerntz"),
            integer("adjkerntz", 0, "Local offset from UTC in seconds"),
            integer("disable_rtc_set", 0, "Disallow adjusting time-of-day clock"),
            unsigned(
                "max_ldt_segment", 512, "Maximum number of allowed LDT segments in the single address space"
            ),
            integer("prot_fault_translation", 0, "Select signal to deliver on protection fault"),
            integer("panic_on_nmi", 1, "Panic on NMI raised by hardware failure"),
        ],
        "machine dependent",
        7,
    ),
    "debug": branch(
        "debug",
        [
            integer("witness_watch", 0, "Whether lock order is checked"),
            branch(
                "sizeof",
                [
                    integer("kinfo_proc", 1088, "sizeof(struct kinfo_proc)"),
                    integer("proc", 1312, "sizeof(struct proc)"),
                    integer("vnode", 448, "sizeof(struct vnode)"),
                    integer("znode", 0, "sizeof(znode_t)"),
                ],
                "Sizeof various things",
            ),
        ],
        "Debugging",
        5,
    ),
    "compat": branch("compat", [], "Compatibility code", 257),
    "dev": branch("dev", [], "Devices", 258),
}
