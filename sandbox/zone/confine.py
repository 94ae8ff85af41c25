"""The last step before a program starts: give up what it must not have."""

from __future__ import annotations

from sandbox.zone import filter, kernel

KEPT = (
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service",
    "sys_chroot", "setfcap", "audit_write",
)  # fmt: skip
"""What root keeps: powers over its own files, users and processes, none over the host."""


def mask(names: tuple[str, ...]) -> int:
    return sum(1 << kernel.CAPABILITIES.index(name) for name in names)


def confine(kept: tuple[str, ...]) -> None:
    """Bound this process, and all that comes of it, to the capabilities `kept` and the filter.

    Raises OSError.
    """
    keep = mask(kept) & _permitted()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.install_filter(filter.program())
    kernel.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
    for number in range(_last_capability() + 1):
        if not keep >> number & 1:
            kernel.prctl(kernel.PR_CAPBSET_DROP, number)
    kernel.set_capabilities(keep)


def _permitted() -> int:
    # Bytes, as decoders of text are imported, and Python may be out of sight.
    with open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"CapPrm:"):
                return int(line[7:], 16)
    return 0


def _last_capability() -> int:
    try:
        with open("/proc/sys/kernel/cap_last_cap", "rb") as file:
            return int(file.read())
    except OSError:
        return len(kernel.CAPABILITIES) - 1
