"""A zone's files on a disk of their own size: a file system in a file, which no zone can fill beyond its end.

    ZONE/disk       the file; it takes of the host's disk what is in use, and what is removed goes back
    ZONE/mounted    where it is mounted, with the folders root and work in it

It is mounted in a mount namespace of those only who are to see it: the zone's, and that of a command that
fills it.  So the kernel takes mount and loop device away with their last process, whatever killed that.
Quotas of projects would need a file system that was made and mounted for them, and few are.

Numbers are those of linux/loop.h.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct

from sandbox.zone import ZoneError, ephemeral, files, kernel, store
from sandbox.zone.configuration import size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.store import Zone

SMALLEST = 16 << 20
"""Bytes: below, a file system with a journal has no room for files."""
_GET_FREE, _CONFIGURE = 0x4C82, 0x4C0A  # LOOP_CTL_GET_FREE, LOOP_CONFIGURE
_AUTOMATIC_END = 4  # LO_FLAGS_AUTOCLEAR: the device goes with its last user
_CONFIGURATION = struct.Struct("=II 52xI176x 64x")  # loop_config: file, block size, flags in its loop_info64


def check(settings: Configuration) -> None:
    """Raises ZoneError for a size or a combination that cannot be."""
    text = settings.text("disk")
    if text and size_of(text) < SMALLEST:
        raise ZoneError(f"disk={text}: a disk of {SMALLEST >> 20}M or more is needed")
    if text and settings.text("root"):
        raise ZoneError("a zone with a disk keeps its files on it: set root= or disk= to nothing")


def make(zone: Zone, settings: Configuration) -> None:
    """Raises ZoneError."""
    if os.geteuid() != 0:
        raise ZoneError(f"zone {zone.name} has a disk, and only root can mount one: set disk= to nothing")
    path = zone.path("disk")
    try:
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.truncate(size_of(settings.text("disk")))
        os.makedirs(zone.path("mounted"), 0o700, exist_ok=True)
    except OSError as error:
        raise ZoneError(f"{path} cannot be made: {store.failure(error)}") from None
    words = ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", "--", path]
    files.run(words, f"zone {zone.name} gets no disk, which e2fsprogs makes")


def mount(zone: Zone) -> None:
    """In this mount namespace, which must be the process's own.  Raises ZoneError."""
    try:
        image = os.open(zone.path("disk"), os.O_RDWR | os.O_CLOEXEC)
        try:
            device, name = _device(image)
        finally:
            os.close(image)
        try:
            kernel.mount("ext4", zone.path("mounted"), kernel.MS_NODEV, "discard", name)
        finally:
            os.close(device)
        for folder in ("root", "work"):
            os.makedirs(f"{zone.path('mounted')}/{folder}", 0o755, exist_ok=True)
    except OSError as error:
        raise ZoneError(f"the disk of zone {zone.name} cannot be mounted: {store.failure(error)}") from None


def _device(image: int) -> tuple[int, str]:
    """A block device that is the file, and its name; it ends when nobody has it open or mounted."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        while True:
            name = f"/dev/loop{fcntl.ioctl(control, _GET_FREE)}"
            device = os.open(name, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(device, _CONFIGURE, _CONFIGURATION.pack(image, 0, _AUTOMATIC_END))
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:  # somebody else was faster
                    raise
            else:
                return device, name
    finally:
        os.close(control)


@contextlib.contextmanager
def seen(zone: Zone, settings: Configuration) -> Iterator[None]:
    """Let this process see the zone's files, if they are on a disk, until the end.  Raises ZoneError."""
    if not settings.text("disk"):
        yield
        return
    namespace, root = ephemeral.where_we_are()
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            kernel.unshare("mount")
            kernel.make_private("/")
        except OSError as error:
            raise ZoneError(
                f"the disk of zone {zone.name} cannot be mounted: {store.failure(error)}"
            ) from None
        try:
            mount(zone)
            yield
        finally:
            ephemeral.go(namespace, root)
            os.fchdir(here)
    finally:
        for descriptor in (namespace, root, here):
            os.close(descriptor)
