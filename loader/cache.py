"""Plans that were made before, so that a warm start never imports the parser.

One small file per image, found by what the file system says of the image: device, inode, size, times.
Writers never wait for each other: each writes a file of its own and renames it, so that readers see a
whole plan or none, however many start at once.  A file that is not whole (a full disk, a crash) fails
its checksum and is made again.  Where nothing can be kept, the plan lives in memory alone.
"""

from __future__ import annotations

import os
import time

from .layout import MAX_PLAN_SIZE, VERSION, PlanSummary, seal, unseal

MAX_PLANS = 2048  # some 500 bytes each; a month of compiling and running does not reach it
STALE_SECONDS = 3600.0
# Kernels stamp files with a clock that ticks at 100 Hz or faster.  Two changes within a tick get the
# same time, so what was read less than this after a change must not be remembered under it.
TICK_NS = 20_000_000


def default_directory() -> str:
    """$XDG_CACHE_HOME/guise/plans, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "guise", "plans")


def key_of(status: os.stat_result, variant: str = "") -> str:
    """The name under which the plan of a file with this status is kept."""
    parts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return "-".join(f"{part:x}" for part in parts) + f"-{VERSION}{variant}"


def changed_this_tick(status: os.stat_result) -> bool:
    """Whether a later change could leave the file with this very time, or its time is in the future."""
    return time.time_ns() - status.st_ctime_ns < TICK_NS


def wait_for_next_tick(status: os.stat_result) -> None:
    """Let the clock leave the tick in which the file changed; a time in the future is not waited for."""
    remaining = TICK_NS - (time.time_ns() - status.st_ctime_ns)
    if 0 < remaining <= TICK_NS:
        time.sleep(remaining / 1e9)


class PlanCache:
    """Plans in one folder, which is made when the first one is kept."""

    def __init__(self, directory: str | None = None) -> None:
        self.directory = default_directory() if directory is None else directory

    def get(self, key: str) -> tuple[int, PlanSummary] | None:
        """(descriptor at offset 0, what the plan says) or None if there is no good one."""
        path = os.path.join(self.directory, key + ".plan")
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        summary = None
        try:
            # A plan steers what is mapped: one that another user wrote is not taken.
            if os.fstat(fd).st_uid in (os.geteuid(), 0):
                summary = unseal(os.pread(fd, MAX_PLAN_SIZE + 1, 0), key)
        except OSError:
            summary = None
        if summary is None:
            os.close(fd)
            return None
        return fd, summary

    def put(self, key: str, plan: bytes) -> int:
        """Keep a plan if that is possible; a descriptor of it at offset 0 in any case.

        Raises OSError only if not even memory can hold it.
        """
        try:
            return self._store(key, plan)
        except OSError:
            return in_memory(plan)

    def _store(self, key: str, plan: bytes) -> int:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        self._prune()
        temporary = os.path.join(self.directory, f".{key}.{os.getpid()}.{os.urandom(6).hex()}")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_all(fd, seal(plan, key))
            reader = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.rename(temporary, os.path.join(self.directory, key + ".plan"))
            except OSError:
                os.close(reader)
                raise
        except BaseException:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        return reader

    def _prune(self) -> None:
        """Drop the older half when there are too many, and what interrupted writers left."""
        names = os.listdir(self.directory)
        if len(names) <= MAX_PLANS and not any(name.startswith(".") for name in names):
            return
        aged = []
        for name in names:
            try:
                aged.append((os.lstat(os.path.join(self.directory, name)).st_mtime, name))
            except FileNotFoundError:
                continue
        aged.sort()
        horizon = time.time() - STALE_SECONDS
        surplus = len(aged) // 2 if len(aged) > MAX_PLANS else 0
        for index, (modified, name) in enumerate(aged):
            unfinished = name.startswith(".")
            if modified < horizon if unfinished else index < surplus:
                try:
                    os.unlink(os.path.join(self.directory, name))
                except FileNotFoundError:
                    continue


def in_memory(plan: bytes) -> int:
    """A descriptor at offset 0 of a plan that no folder holds. Raises OSError."""
    fd = os.memfd_create("guise-plan", os.MFD_CLOEXEC)
    try:
        _write_all(fd, plan)
        os.lseek(fd, 0, os.SEEK_SET)
    except OSError:
        os.close(fd)
        raise
    return fd


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
