"""machdep.*: amd64's own words."""

from __future__ import annotations

from personality.bsd.facts import cpu_fact
from personality.netbsd.sysctl.node import AUTO, branch, integer, quad, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest


def _tsc_frequency(_guest: Guest) -> int:
    return int(float(cpu_fact("cpu MHz") or 0) * 1_000_000)


NODE = branch(
    "machdep",
    7,
    [
        string("booted_kernel", 3, "netbsd", "Name of the kernel that was booted"),
        integer("fpu_present", 5, 1, "Whether there is a floating point unit"),
        integer("sse", 7, 1, "Whether the CPU has SSE"),
        integer("sse2", 8, 1, "Whether the CPU has SSE2"),
        quad("tsc_freq", AUTO, _tsc_frequency, "Time stamp counter frequency"),
        integer("fpu_save", AUTO, 2, "How the state of the floating point unit is saved"),
        quad("xsave_features", AUTO, 7, "Which state XSAVE saves"),
    ],
    "Machine dependent",
)
