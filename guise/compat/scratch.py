"""The folders that cases run in, and the removal of those whose worker was killed.

tmp/guise-compat-XXXXXXXX    locked with flock(2) by the process that uses it, for as long as it lives

A worker that ends removes its own.  One that was killed could not, but its lock is gone: whoever comes next
removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "guise-compat-"


@contextmanager
def folder() -> Iterator[str]:
    """A new empty one.  Raises OSError."""
    path, lock = _make()
    try:
        yield path
    finally:
        _remove(path)
        os.close(lock)


def sweep() -> None:
    """Remove the folders that nobody uses any more.  Other people's are left to them."""
    for path in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(str(path))
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(lock)


def _make() -> tuple[str, int]:
    while True:
        path = tempfile.mkdtemp(prefix=_PREFIX)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(path):  # else somebody's sweep came between
            return path, lock
        os.close(lock)


def _remove(path: str) -> None:
    shutil.rmtree(path, onerror=_force)


def _force(function: Callable[..., object], path: str, _error: object) -> None:
    """A case may leave folders that nobody may write to; what even this cannot remove, tmp cleaners will."""
    try:
        os.chmod(os.path.dirname(path), 0o700)
        os.chmod(path, 0o700)
        function(path)
    except OSError:
        return
