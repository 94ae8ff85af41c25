"""Taking a root away again, whatever is in it."""

from __future__ import annotations

import errno
import os
import stat

from sandbox.zone import ZoneError, reason

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(place: str | os.PathLike[str], *, keep_top: bool = False) -> None:
    """Remove the folder `place` and all below it; a missing one is no error.

    No link is followed and no mount is crossed.  Raises ZoneError where something stays: what is mounted
    below, or belongs to somebody else.
    """
    path = os.path.abspath(place)
    try:
        top = _enter(path, None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ZoneError(f"{path} cannot be removed: {reason(error)}") from None
    try:
        for name in os.listdir(top):
            remove_entry(top, name)
        if not keep_top:
            os.rmdir(path)
    except OSError as error:
        name = os.fsdecode(error.filename or "something in it")
        raise ZoneError(f"{path} cannot be removed, because of {name}: {reason(error)}") from None
    finally:
        os.close(top)


def remove_entry(folder: int, name: str) -> None:
    """Remove `name` from a folder, with all that is below it.  Raises OSError.

    Folders below it are moved up before their turn comes: any depth takes two descriptors.
    """
    waiting, count = [name], 0
    while waiting:
        here = waiting.pop()
        if not stat.S_ISDIR(os.lstat(here, dir_fd=folder).st_mode):
            os.unlink(here, dir_fd=folder)
            continue
        descriptor = _enter(here, folder)
        try:
            for child in os.listdir(descriptor):
                if not stat.S_ISDIR(os.lstat(child, dir_fd=descriptor).st_mode):
                    os.unlink(child, dir_fd=descriptor)
                    continue
                os.close(_enter(child, descriptor))
                while _is_there(aside := f".removed-{count}", folder):
                    count += 1
                os.rename(child, aside, src_dir_fd=descriptor, dst_dir_fd=folder)
                waiting.append(aside)
        finally:
            os.close(descriptor)
        os.rmdir(here, dir_fd=folder)


def _enter(name: str, folder: int | None) -> int:
    """Open a folder that is to be emptied; its owner may have closed it to himself."""
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=folder)
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    there = os.fstat(descriptor)
    try:
        if folder is not None and there.st_dev != os.fstat(folder).st_dev:
            raise OSError(errno.EBUSY, "another file system is mounted there", name)
        if there.st_mode & 0o700 != 0o700:
            os.fchmod(descriptor, 0o700)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_there(name: str, folder: int) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
