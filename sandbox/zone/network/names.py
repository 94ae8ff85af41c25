"""Names of zones for zones: a block of lines in the file that each sees as /etc/hosts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sandbox.zone import ZoneError, reason

_BEGIN, _END = "# zones:", "# end of zones"
_START = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"


def write_hosts(path: str | os.PathLike[str], own: str, addresses: Mapping[str, str]) -> None:
    """Make `path` name every zone of `addresses` (name to address), `own` first; its other lines stay.

    It is changed in place: where it is mounted into a zone, that one sees the change.  Raises ZoneError.
    """
    order = sorted(addresses, key=lambda name: (name != own, name))
    block = [_BEGIN, *(f"{addresses[name]}\t{name}" for name in order), _END]
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with open(descriptor, "r+", encoding="utf-8", errors="surrogateescape") as file:
            before = file.read() or _START
            kept, _, rest = before.partition(_BEGIN + "\n")
            after = rest.partition(_END + "\n")[2]
            text = kept + ("" if kept.endswith("\n") or not kept else "\n") + "\n".join(block) + "\n" + after
            file.seek(0)
            file.write(text)
            file.truncate()
    except OSError as error:
        raise ZoneError(f"{os.fspath(path)} cannot name the zones: {reason(error)}") from None
