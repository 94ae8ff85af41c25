"""NetBSD releases: their numbers (__NetBSD_Version__) and what a kernel of that release calls itself.

A number is MMmmrrpp00 of sys/param.h: major, minor, a letter of development, patch level.
"""

from __future__ import annotations

DEFAULT = 1001000000  # as NETBSD_DEFAULT_RELEASE of netbsd.h: a guest may ask either side
_MINORS = {2: 1, 3: 1, 4: 0, 5: 2, 6: 1, 7: 2, 8: 3, 9: 4, 10: 1}  # the last one of each
_WORDS = r"(\d+)(?:\.(\d+)(?:\.(\d+))?)?(?:[-_](?:RELEASE|STABLE))?"
_UNITS = (100_000_000, 1_000_000, 100)


def number(release: str) -> int:
    """The number of "9.3", "7.1.2" or "9" (its latest).  Raises ValueError."""
    import re  # only a person asks for a release, and it is half of what a launch imports

    words = re.fullmatch(_WORDS, release, re.IGNORECASE)
    if words:
        major, minor, patch = (int(word) if word else None for word in words.groups())
        if major is not None and major in _MINORS and (minor is None or minor <= _MINORS[major]):
            minor = _MINORS[major] if minor is None else minor
            return major * _UNITS[0] + minor * _UNITS[1] + (patch or 0) * _UNITS[2]
    first, last = min(_MINORS), max(_MINORS)
    raise ValueError(
        f"NetBSD {release} is not a release Guise knows: those from {first}.0 to {last}.{_MINORS[last]} are,"
        " as in --as netbsd-9.3"
    )


def version(number: int) -> str:
    """What kern.osrelease and uname -r say."""
    major, rest = divmod(number, _UNITS[0])
    minor, rest = divmod(rest, _UNITS[1])
    patch = rest // _UNITS[2]
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


def of(number: int) -> int:
    """The release a guest sees: the one asked for, or the default."""
    return number or DEFAULT
