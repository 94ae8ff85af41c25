"""FreeBSD's face: which of its calls are served in Python, and the releases it can be asked for.

The numbers are those of syscalls/freebsd/; a test compares them, and finds a row that says
`supervisor` without a handler here.
"""

from __future__ import annotations

from personality.freebsd import releases
from personality.supervisor.handlers import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.call import Convention

_SYSCTL = "personality.freebsd.sysctl.calls"
_MODULES = "personality.freebsd.modules"
_KENV = "personality.freebsd.kenv"
_JAILS = "personality.freebsd.jails"
_OLD_NAMES = "personality.freebsd.old_names"


def _convention() -> Convention:
    from personality.supervisor.call import Convention

    # 0 and 198 are syscall and __syscall.
    return Convention(("rdi", "rsi", "rdx", "r10", "r8", "r9"), carry=True, indirect=frozenset((0, 198)))


register(
    "freebsd",
    {
        162: ("freebsd4_getdomainname", _OLD_NAMES, "getdomainname"),
        163: ("freebsd4_setdomainname", _OLD_NAMES, "setdomainname"),
        164: ("freebsd4_uname", _OLD_NAMES, "uname"),
        202: ("__sysctl", _SYSCTL, "sysctl"),
        570: ("__sysctlbyname", _SYSCTL, "sysctlbyname"),
        300: ("modnext", _MODULES, "modnext"),
        301: ("modstat", _MODULES, "modstat"),
        302: ("modfnext", _MODULES, "modfnext"),
        303: ("modfind", _MODULES, "modfind"),
        306: ("kldfind", _MODULES, "kldfind"),
        307: ("kldnext", _MODULES, "kldnext"),
        308: ("kldstat", _MODULES, "kldstat"),
        309: ("kldfirstmod", _MODULES, "kldfirstmod"),
        337: ("kldsym", _MODULES, "kldsym"),
        390: ("kenv", _KENV, "kenv"),
        506: ("jail_get", _JAILS, "jail_get"),
    },
    release=releases.number,
    convention=_convention,
)
