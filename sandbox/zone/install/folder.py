"""Roots from a folder: a copy of one file system's tree, with links, owners, times and holes."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from sandbox.zone import ZoneError
from sandbox.zone.install.root import Owner, Root, copy, kept_attributes, reason

if TYPE_CHECKING:
    from sandbox.zone.install import Progress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def install(source: str, target: Root, progress: Progress) -> None:
    """What is mounted below the folder is left out.  Raises ZoneError."""
    whole = os.path.realpath(source)
    if (os.path.realpath(target.place) + "/").startswith(whole.rstrip("/") + "/"):
        raise ZoneError(f"{target.place} is in {source}: a root cannot be installed from around itself")
    try:
        top = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ZoneError(f"{source} cannot be read: {reason(error)}") from None
    os.close(top)
    _Copy(whole, target, progress).all()


class _Copy:
    def __init__(self, source: str, target: Root, progress: Progress) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self._links: dict[tuple[int, int], str] = {}
        self._device = os.stat(source).st_dev
        self._mount = _mount_of(source)
        self._where = ""

    def all(self) -> None:
        try:
            waiting = [""]
            while waiting:
                path = waiting.pop()
                waiting += self._folder(path)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ZoneError(f"{self._source}/{self._where} cannot be copied: {reason(error)}") from None

    def _folder(self, path: str) -> list[str]:
        """Copy what is in one folder; the folders that are in it are for later."""
        from sandbox.zone import kernel

        self._where = path
        root = os.open(self._source, _FOLDER)
        try:
            here = kernel.open_in_root(root, path or ".", _FOLDER & ~os.O_NOFOLLOW)
        finally:
            os.close(root)
        try:
            self._target.make_folder(path, _owner(os.fstat(here), f"/proc/self/fd/{here}"))
            below = []
            for name in os.listdir(here):
                child = f"{path}/{name}" if path else name
                self._where = child
                about = os.lstat(name, dir_fd=here)
                if stat.S_ISDIR(about.st_mode):
                    below.append(child)
                else:
                    self._entry(here, name, child, about)
            return self._on_this_device(here, below)
        finally:
            os.close(here)

    def _on_this_device(self, here: int, below: list[str]) -> list[str]:
        kept = []
        for child in below:
            if os.lstat(child.rpartition("/")[2], dir_fd=here).st_dev == self._device:
                kept.append(child)
            else:  # the place stays, as it would be with nothing mounted there
                self._target.make_folder(child, Owner(0, 0, 0o755, 0))
                self._target.report.mounts_left_out += 1
        return kept

    def _entry(self, here: int, name: str, path: str, about: os.stat_result) -> None:
        # On an overlay a file has the device of its layer; asking for its mount costs an open more.
        if about.st_dev != self._device and _mount_of(name, here) != self._mount:
            self._target.report.mounts_left_out += 1
            return
        link = about.st_dev, about.st_ino
        if about.st_nlink > 1:
            first = self._links.setdefault(link, path)
            if first != path:
                self._target.make_hard_link(path, first)
                return
        kind = stat.S_IFMT(about.st_mode)
        if kind == stat.S_IFREG:
            source = os.open(name, _FILE, dir_fd=here)
            try:
                there = os.fstat(source)
                if not stat.S_ISREG(there.st_mode):
                    raise OSError(errno.ESTALE, "it was replaced while it was copied")
                owner = _owner(there, f"/proc/self/fd/{source}")
                self._target.make_file(
                    path, owner, lambda descriptor: _fill(source, there.st_size, descriptor)
                )
            finally:
                os.close(source)
            self._progress(self._source, self._target.report.bytes, 0)
        elif kind == stat.S_IFLNK:
            self._target.make_symbolic_link(path, os.readlink(name, dir_fd=here), _owner(about))
        elif kind == stat.S_IFSOCK:
            self._target.report.sockets_left_out += 1
            self._links.pop(link, None)
        else:
            before = self._target.report.devices_left_out
            self._target.make_special(path, kind, about.st_rdev, _owner(about))
            if self._target.report.devices_left_out != before:
                self._links.pop(link, None)


def _mount_of(path: str, folder: int | None = None) -> int:
    """The number of the mount that a file is seen through, whatever kind of file it is."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("mnt_id:"))
    finally:
        os.close(descriptor)


def _owner(about: os.stat_result, path: str = "") -> Owner:
    attributes = {}
    if path:
        try:
            attributes = kept_attributes((name, os.getxattr(path, name)) for name in os.listxattr(path))
        except OSError:  # a file system without them
            attributes = {}
    return Owner(about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode), about.st_mtime_ns, attributes)


def _fill(source: int, size: int, descriptor: int) -> None:
    """Copy the parts that hold data: holes stay holes."""
    at = 0
    while at < size:
        try:
            start = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # only a hole is left
        at = os.lseek(source, start, os.SEEK_HOLE)
        os.lseek(source, start, os.SEEK_SET)
        os.lseek(descriptor, start, os.SEEK_SET)
        _copy_part(source, at - start, descriptor)
    os.ftruncate(descriptor, max(size, at))


def _copy_part(source: int, size: int, descriptor: int) -> None:
    """In the kernel where it can, which may share blocks."""
    while size:
        try:
            done = os.copy_file_range(source, descriptor, size)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
                raise
            copy(lambda count: os.read(source, count), size, descriptor)
            return
        if not done:
            return  # the file became shorter
        size -= done
