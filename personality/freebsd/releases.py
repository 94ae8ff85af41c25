"""FreeBSD releases: their numbers (osreldate) and what a kernel of that release calls itself.

Numbers: __FreeBSD_version of each release, from the FreeBSD Porter's Handbook.
"""

from __future__ import annotations

RELEASES = {
    "11.0": 1100122,
    "11.1": 1101001,
    "11.2": 1102000,
    "11.3": 1103000,
    "11.4": 1104001,
    "12.0": 1200086,
    "12.1": 1201000,
    "12.2": 1202000,
    "12.3": 1203000,
    "12.4": 1204000,
    "13.0": 1300139,
    "13.1": 1301000,
    "13.2": 1302001,
    "13.3": 1303001,
    "13.4": 1304000,
    "13.5": 1305000,
    "14.0": 1400097,
    "14.1": 1401000,
    "14.2": 1402000,
    "14.3": 1403000,
}
DEFAULT = 1402000  # as FREEBSD_DEFAULT_RELEASE of freebsd.h: a guest may ask either side


def number(release: str) -> int:
    """The osreldate of "14.1", "14.1-RELEASE" or "14" (its latest).  Raises ValueError."""
    wanted = release.upper().removesuffix("-RELEASE")
    if wanted in RELEASES:
        return RELEASES[wanted]
    if wanted.isdigit():
        same = [value for name, value in RELEASES.items() if name.partition(".")[0] == wanted]
        if same:
            return max(same)
        if len(wanted) == 7 and 1100000 <= int(wanted) < 1500000:
            return int(wanted)
    known = f"{next(iter(RELEASES))} to {list(RELEASES)[-1]}"
    raise ValueError(
        f"FreeBSD {release} is not a release Guise knows: those from {known} are, as in --as freebsd-14.1"
    )


def version(osreldate: int) -> str:
    """The release's name ("14.1") for a number; a number between two releases has its branch's."""
    for name, value in RELEASES.items():
        if value == osreldate:
            return name
    return f"{osreldate // 100000}.{osreldate // 1000 % 100}"


def osrelease(osreldate: int) -> str:
    """What kern.osrelease and uname -r say."""
    return f"{version(osreldate)}-RELEASE"


def of(osreldate: int) -> int:
    """The release a guest sees: the one asked for, or the default."""
    return osreldate or DEFAULT
