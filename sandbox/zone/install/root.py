"""Writing into a root that is being installed: every name is looked up with that root as "/".

Folders of a path are resolved by the kernel with RESOLVE_IN_ROOT, the last component never through a link.
So absolute names, and links that the archive itself made before, lead nowhere else.  Modes and times of
folders are set at the end: one that may not be written to can be filled, and filling it changes its time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType

from sandbox import zone
from sandbox.zone import ZoneError, kernel
from sandbox.zone.install.remove import remove_entry

DEVICES = ("skip", "make", "refuse")
_OPEN_FOLDERS = 64
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LATEST = 1 << 34  # a time that every file system can store

CHUNK = 1 << 20


@dataclass(slots=True)
class Report:
    """What an installation made, and what it could not."""

    files: int = 0
    folders: int = 0
    links: int = 0
    devices: int = 0
    bytes: int = 0
    devices_left_out: int = 0
    sockets_left_out: int = 0
    mounts_left_out: int = 0
    attributes_left_out: int = 0
    owners_kept: bool = True
    config: dict[str, object] = field(default_factory=dict)
    """What an image says about itself: Entrypoint, Cmd, Env, os, architecture."""

    def left_out(self) -> str:
        """What was not installed, counted in words; "" when that is nothing."""
        counted = (
            (self.devices_left_out, "device node"),
            (self.sockets_left_out, "socket"),
            (self.mounts_left_out, "mounted file system"),
            (self.attributes_left_out, "extended attribute"),
        )
        words = [f"{count} {name}{'s' * (count > 1)}" for count, name in counted if count]
        return " and ".join([*[", ".join(words[:-1])] * (len(words) > 1), *words[-1:]])


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is, what may be done with it, and since when (nanoseconds)."""

    user: int
    group: int
    mode: int
    time: int
    attributes: dict[str, bytes] = field(default_factory=dict)


def reason(error: OSError) -> str:
    """An error's text as the end of a sentence."""
    if error.errno == errno.ENOSPC:
        return "no space is left on the device; nothing of it was kept"
    if error.errno == errno.EDQUOT:
        return "the disk quota is used up; nothing of it was kept"
    return zone.reason(error)


class Root:
    """A folder as the "/" that entries are made in.  Use it in a `with`."""

    def __init__(self, place: str, report: Report, *, devices: str = "skip") -> None:
        self.place = place
        self.report = report
        self._devices = devices
        self._top = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._folders: dict[str, int] = {}
        self._owners: dict[str, Owner] = {}  # of folders, for the end
        self._powerful = os.geteuid() == 0
        report.owners_kept = self._powerful

    def __enter__(self) -> Root:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self._forget()
            os.close(self._top)

    def folder(self, path: str) -> int:
        """A descriptor of a folder, which stays this object's; missing folders are made."""
        found = self._folders.get(path)
        if found is not None:
            return found
        try:
            found = self._open(path)
        except FileNotFoundError:
            self._make_missing(path)
            found = self._open(path)
        if len(self._folders) >= _OPEN_FOLDERS:
            oldest = next(iter(self._folders))
            os.close(self._folders.pop(oldest))
        self._folders[path] = found
        return found

    def _open(self, path: str) -> int:
        try:
            return kernel.open_in_root(self._top, path or ".", os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EXDEV, errno.ENAMETOOLONG):
                raise
            raise ZoneError(
                f"{self.place} cannot be installed: /{path} is used as a folder: {reason(error)}"
            ) from None

    def _make_missing(self, path: str) -> None:
        """Make the folders of a path that are not there, from the top down."""
        at, name = self._open(""), ""
        try:
            done: list[str] = []
            for part in path.split("/"):
                done.append(part)
                name = "/".join(done)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=at)
                    self.report.folders += 1
                below = self._open(name)
                os.close(at)
                at = below
        except FileNotFoundError:
            raise ZoneError(
                f"{self.place} cannot be installed: /{name} is a link to nothing, and is used as a folder"
            ) from None
        finally:
            os.close(at)

    def existing(self, path: str) -> int | None:
        """As `folder`, where there is one."""
        try:
            if path not in self._folders:
                os.close(kernel.open_in_root(self._top, path or ".", os.O_PATH | os.O_DIRECTORY))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV):
                return None
            raise
        return self.folder(path)

    def make_folder(self, path: str, owner: Owner) -> None:
        """A folder; what was in one that is there already stays."""
        if path:
            above, name = self._split(path)
            try:
                os.mkdir(name, 0o700, dir_fd=above)
                self.report.folders += 1
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(name, dir_fd=above).st_mode):
                    self.clear(above, name)
                    os.mkdir(name, 0o700, dir_fd=above)
                    self.report.folders += 1
        self._owners.pop(path, None)
        self._owners[path] = owner

    def make_file(self, path: str, owner: Owner, fill: Callable[[int], None]) -> None:
        """A file: fill(descriptor) writes its content."""
        above, name = self._split(path)
        descriptor = self._fresh(above, name, lambda folder: os.open(name, _FILE, 0o600, dir_fd=folder))
        try:
            fill(descriptor)
            self.report.bytes += os.fstat(descriptor).st_size
            self._give(descriptor, owner)
        finally:
            os.close(descriptor)
        self.report.files += 1

    def make_symbolic_link(self, path: str, leads_to: str, owner: Owner) -> None:
        above, name = self._split(path)
        self._fresh(above, name, lambda folder: os.symlink(leads_to, name, dir_fd=folder))
        self._own_entry(self.folder(path.rpartition("/")[0]), name, owner, mode=False)
        self.report.links += 1

    def make_hard_link(self, path: str, other: str) -> None:
        """`path` becomes another name of the file `other` of this root."""
        above, name = self._split(path)
        there, _, other_name = other.rpartition("/")
        try:
            source = kernel.open_in_root(self._top, there or ".", os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise self._no_target(path, other, error) from None
        try:
            before = os.lstat(other_name or ".", dir_fd=source)
            if stat.S_ISDIR(before.st_mode):
                raise OSError(errno.EISDIR, "it is a folder")
            if not _same(above, name, before):
                self._fresh(
                    above,
                    name,
                    lambda folder: os.link(
                        other_name, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False
                    ),
                )
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EISDIR):
                raise
            raise self._no_target(path, other, error) from None
        finally:
            os.close(source)
        self.report.links += 1

    def _no_target(self, path: str, other: str, error: OSError) -> ZoneError:
        return ZoneError(
            f"{self.place} cannot be installed: /{path} is another name of /{other}, which is not there "
            f"({reason(error)})"
        )

    def make_special(self, path: str, kind: int, device: int, owner: Owner) -> None:
        """A pipe, or a device node where those are wanted; `kind` is of stat.S_IF*."""
        if kind != stat.S_IFIFO:
            if self._devices == "refuse":
                raise ZoneError(f"{self.place} cannot be installed: /{path} is a device: refused")
            if self._devices == "skip":
                self.report.devices_left_out += 1
                return
        above, name = self._split(path)
        self._fresh(above, name, lambda folder: os.mknod(name, kind | 0o600, device, dir_fd=folder))
        self._own_entry(self.folder(path.rpartition("/")[0]), name, owner, mode=True)
        if kind == stat.S_IFIFO:
            self.report.files += 1
        else:
            self.report.devices += 1

    def clear(self, above: int, name: str) -> None:
        """Remove an entry, whatever it is, and forget what was known through it."""
        mode = os.lstat(name, dir_fd=above).st_mode
        keep = os.dup(above)
        try:
            if stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
                self._forget()
            folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=keep)
            try:
                remove_entry(folder, name)
            finally:
                os.close(folder)
        finally:
            os.close(keep)

    def finish(self) -> None:
        """Set what folders shall be, deepest first."""
        for path, owner in sorted(self._owners.items(), key=lambda one: one[0].count("/"), reverse=True):
            try:
                descriptor = kernel.open_in_root(self._top, path or ".", os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ENOTDIR):
                    continue  # a later layer took it away
                raise
            try:
                self._give(descriptor, owner)
            finally:
                os.close(descriptor)
        self._owners.clear()

    def _give(self, descriptor: int, owner: Owner) -> None:
        """To an open file or folder all that `owner` says; the time last, as the others change it."""
        if self._powerful:
            os.fchown(descriptor, owner.user, owner.group)
        os.fchmod(descriptor, owner.mode)
        self._set_attributes(descriptor, owner.attributes)
        os.utime(descriptor, ns=(owner.time, owner.time))

    def _split(self, path: str) -> tuple[int, str]:
        above, _, name = path.rpartition("/")
        return self.folder(above), name

    def _fresh(self, above: int, name: str, make: Callable[[int], int | None]) -> int:
        """make(folder) an entry, in the place of whatever has its name."""
        try:
            return make(above) or 0
        except FileExistsError:
            keep = os.dup(above)  # clearing may forget the folder
        try:
            self.clear(keep, name)
            return make(keep) or 0
        finally:
            os.close(keep)

    def _own_entry(self, above: int, name: str, owner: Owner, *, mode: bool) -> None:
        if self._powerful:
            os.chown(name, owner.user, owner.group, dir_fd=above, follow_symlinks=False)
        if mode:
            os.chmod(name, owner.mode, dir_fd=above)
        os.utime(name, ns=(owner.time, owner.time), dir_fd=above, follow_symlinks=False)

    def _set_attributes(self, descriptor: int, attributes: dict[str, bytes]) -> None:
        for name, value in attributes.items():
            try:
                os.setxattr(descriptor, name, value)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise
                self.report.attributes_left_out += 1

    def _forget(self) -> None:
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()


def _same(above: int, name: str, other: os.stat_result) -> bool:
    try:
        there = os.lstat(name, dir_fd=above)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (other.st_dev, other.st_ino)


def clean_name(name: str, where: str) -> str:
    """An entry's name as a path from the root, without "." and slashes in front ("" is the root itself).

    Raises ZoneError for one that goes up, or that no file can have.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ZoneError(f"{where} is refused: its entry {name!r} leads up and out of the root")
    if "\0" in name or len(parts) > 2000:
        raise ZoneError(f"{where} is refused: it has an entry with a name that no file can have")
    return "/".join(parts)


def sane_time(seconds: float) -> int:
    """A time in nanoseconds, within what file systems can store."""
    if not -_LATEST < seconds < _LATEST:  # not a number, too
        return 0
    return int(seconds * 1_000_000_000)


def copy(read: Callable[[int], bytes], size: int, descriptor: int) -> None:
    """Write `size` bytes from read(size) to a descriptor.  Raises EOFError where there are fewer."""
    while size:
        block = read(min(size, CHUNK))
        if not block:
            raise EOFError("it ends in the middle of a file")
        size -= len(block)
        view = memoryview(block)
        while view:
            view = view[os.write(descriptor, view) :]


def kept_attributes(pairs: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Of extended attributes those that mean something in a zone: a user's own, and files' capabilities."""
    return {name: value for name, value in pairs if name.startswith("user.") or name == "security.capability"}
