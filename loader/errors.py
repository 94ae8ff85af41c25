"""Why a file cannot be started, as one sentence.

Every refusal of the loader is a LoadError.  It carries what three different readers need: the
sentence that a user sees, the exit status that a shell would give (127: there is no such program,
126: there is one but it cannot be run), and the errno that a guest's execve must return.
"""

from __future__ import annotations

import errno
import os

NOT_FOUND_STATUS = 127
CANNOT_RUN_STATUS = 126


class LoadError(Exception):
    """A file that cannot be run.

    sentence: for people, without a final full stop and without the program's own name.
    errno_name: "ENOEXEC", "EACCES", ...: the host's and every guest's spelling.
    """

    def __init__(self, sentence: str, errno_name: str = "ENOEXEC") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.errno_name = errno_name

    @property
    def errno(self) -> int:
        """The host's number of errno_name."""
        number: int = getattr(errno, self.errno_name)
        return number

    @property
    def status(self) -> int:
        """Exit status as POSIX shells choose it."""
        return NOT_FOUND_STATUS if self.errno_name == "ENOENT" else CANNOT_RUN_STATUS


_SENTENCES = {
    "ENOENT": "there is no such file",
    "EACCES": "permission denied",
    "ELOOP": "too many symbolic links, or a link that leads to itself",
    "ENOTDIR": "a part of the path is not a directory",
    "ENAMETOOLONG": "the path is too long",
    "ENXIO": "not a regular file",
}


def from_os_error(path: str, error: OSError) -> LoadError:
    """The LoadError for a failed system call on `path`."""
    name = errno.errorcode.get(error.errno or 0, "EIO")
    reason = _SENTENCES.get(name) or os.strerror(error.errno or errno.EIO)
    # A socket opens with ENXIO; execve of one is EACCES on every Unix.
    return LoadError(f"{path}: {reason}", "EACCES" if name == "ENXIO" else name)
