"""Linux's face, for programs of the host's own kernel that run under the runtime (`--as linux`).

Every call is served in C, most of them by the host itself.
"""

from __future__ import annotations

from personality.supervisor.handlers import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.call import Convention


def release(wanted: str) -> int:
    """The number of a release as personality.c unpacks it: "6.1" or "2.6.32".  Raises ValueError."""
    parts = wanted.split(".")
    limits = (256, 256, 65536)
    if len(parts) in (2, 3) and all(
        part.isascii() and part.isdigit() and int(part) < limit
        for part, limit in zip(parts, limits, strict=False)
    ):
        major, minor, patch = (*map(int, parts), 0)[:3]
        if major > 0:
            return major << 24 | minor << 16 | patch
    raise ValueError(f"Linux {wanted} is no release: give one as in --as linux-6.1 or --as linux-2.6.32")


def _convention() -> Convention:
    from personality.supervisor.call import Convention

    return Convention(("rdi", "rsi", "rdx", "r10", "r8", "r9"), carry=False)


register("linux", {}, release=release, convention=_convention)
