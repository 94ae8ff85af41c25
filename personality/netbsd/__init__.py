"""NetBSD's face: which of its calls are served in Python, and the releases it can be asked for.

The numbers are those of syscalls/netbsd/; a test compares them, and finds a row that says
`supervisor` without a handler here.
"""

from __future__ import annotations

from personality.netbsd import releases
from personality.supervisor.handlers import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.call import Convention


def _convention() -> Convention:
    from personality.supervisor.call import Convention

    # 0 and 198 are syscall and __syscall.
    return Convention(("rdi", "rsi", "rdx", "r10", "r8", "r9"), carry=True, indirect=frozenset((0, 198)))


register(
    "netbsd",
    {202: ("__sysctl", "personality.netbsd.sysctl.calls", "sysctl")},
    release=releases.number,
    convention=_convention,
)
