"""Names of zones for zones: one file that all zones on bridges see as /etc/hosts."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from sandbox.zone import ZoneError, reason

_START = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"


@contextlib.contextmanager
def names(path: str) -> Iterator[dict[str, list[str]]]:
    """Addresses by name, of a file that nobody else changes meanwhile; it holds afterwards what this holds.

    It is made where it is missing and changed in place: where it is mounted into a zone, that one sees the
    change.  Raises ZoneError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.pread(descriptor, 1 << 24, 0).decode("utf-8", "replace")
            lines = [line.split() for line in before.removeprefix(_START).splitlines()]
            known: dict[str, list[str]] = {}
            for words in lines:
                if len(words) == 2:
                    known.setdefault(words[1], []).append(words[0])
            yield known
            told = [f"{address}\t{name}\n" for name in sorted(known) for address in known[name]]
            data = (_START + "".join(told)).encode()
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ZoneError(f"{path} cannot name the zones: {reason(error)}") from None
