"""An open file as the loader reads it: bytes by offset, and never beyond its end.

The loader takes descriptors, not names: what was checked is then what gets mapped, whatever
happens to the name in between.
"""

from __future__ import annotations

import os
import stat

from .errors import LoadError, from_os_error


class Source:
    """A regular file: `path` is only for messages."""

    __slots__ = ("fd", "path", "size", "status")

    def __init__(self, fd: int, path: str) -> None:
        """Raises LoadError for everything that is not a regular file."""
        self.fd = fd
        self.path = path
        try:
            self.status = os.fstat(fd)
        except OSError as error:
            raise from_os_error(path, error) from None
        mode = self.status.st_mode
        if stat.S_ISDIR(mode):
            raise LoadError(f"{path}: is a directory", "EACCES")
        if not stat.S_ISREG(mode):
            raise LoadError(f"{path}: not a regular file", "EACCES")
        self.size = self.status.st_size

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer where the file ends, b"" beyond it. Raises LoadError."""
        if offset >= self.size or count <= 0:
            return b""
        parts = []
        try:
            while count > 0:
                part = os.pread(self.fd, count, offset)
                if not part:
                    break
                parts.append(part)
                offset += len(part)
                count -= len(part)
        except OSError as error:
            raise from_os_error(self.path, error) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def require_executable(self) -> None:
        """Raises LoadError (EACCES) if this process may not execute the file."""
        # Root passes access checks on files that nobody may execute, but execve refuses them.
        allowed = bool(self.status.st_mode & 0o111)
        link = f"/proc/self/fd/{self.fd}"
        if allowed and not os.access(link, os.X_OK, effective_ids=True):
            # Also where the file system is mounted noexec.  Without /proc the mode must do.
            allowed = not os.path.exists(link)
        if not allowed:
            raise LoadError(f"{self.path}: permission denied: the file is not executable", "EACCES")


def open_program(path: str) -> int:
    """Descriptor of the file to run, close-on-exec. Raises LoadError with a shell's exit status."""
    try:
        # O_NONBLOCK: a FIFO must be refused, not waited for.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise from_os_error(path, error) from None
    except ValueError:
        raise LoadError(f"{path!r}: a path cannot hold a NUL", "ENOENT") from None
