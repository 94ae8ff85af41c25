"""Roots from tar archives: FreeBSD's base.txz, NetBSD's sets, layers of images.

tarfile takes an archive apart; what is made of its entries is this module's and `root`'s.  Where tarfile
would take a damaged header for the end, this stops.
"""

from __future__ import annotations

import lzma
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Self, cast

from sandbox.zone import ZoneError
from sandbox.zone.install.root import Owner, Root, clean_name, copy, kept_attributes, reason, sane_time
from sandbox.zone.install.streams import Counted, Forward, Plain

if TYPE_CHECKING:
    from sandbox.zone.install import Progress

DAMAGE = (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError, lzma.LZMAError, zlib.error)
_XATTR = "SCHILY.xattr."
_HIGHEST_OWNER = (1 << 32) - 2
_FAILED = "it has a damaged header"


class Damaged(Exception):
    """What tarfile would take for the end of the archive."""


class _Entry(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            entry = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.ended = True  # type: ignore[attr-defined]
            raise
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise Damaged(f"{_FAILED} ({error})") from None
        if entry.size < 0:
            raise Damaged(_FAILED)
        return entry


def install(source: str, target: Root, progress: Progress) -> None:
    """Raises ZoneError."""
    try:
        with open(source, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = Counted(file, size, lambda done: progress(source, done, size))
            with unpacking(source), Plain(raw, source) as plain:
                stream = Forward(plain.file)
                extract(stream, target, source)
                stream.drain()
                plain.finish()
    except OSError as error:
        if error.filename == source:
            raise ZoneError(f"{source} cannot be read: {reason(error)}") from None
        raise


class unpacking:
    """What goes wrong with an archive's bytes becomes one sentence about it."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (*DAMAGE, Damaged)) or (isinstance(error, OSError) and error.errno is None):
            raise ZoneError(f"{self._where} is damaged, or no tar archive: {_text(error)}") from None


def _text(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "its headers do not end"
    text = str(error).strip().rstrip(".") or type(error).__name__
    return text[0].lower() + text[1:]


def extract(stream: Forward, target: Root, where: str, *, must_end: bool = True) -> None:
    """Make all entries of an uncompressed archive."""
    for entry, name, content in entries(stream, where, must_end=must_end):
        make(entry, name, content, target, where)


def entries(
    stream: Forward, where: str, *, must_end: bool = True
) -> Iterator[tuple[tarfile.TarInfo, str, Forward]]:
    """Entries, with their names as paths in the root, and the stream at their content.

    must_end: an archive without its end mark is damaged; one whose digest is known needs none.
    """
    archive = tarfile.TarFile(fileobj=cast(IO[bytes], stream), tarinfo=_Entry, errors="surrogateescape")
    archive.ended = False  # type: ignore[attr-defined]
    while (entry := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # of a hundred thousand nobody needs a list
        yield entry, clean_name(entry.name, where), stream
    if must_end and not archive.ended:  # type: ignore[attr-defined]
        raise Damaged("it has no end mark, as if its last part were missing")


def make(entry: tarfile.TarInfo, name: str, stream: Forward, target: Root, where: str) -> None:
    """Make one entry.  Raises ZoneError, OSError."""
    if not (0 <= entry.uid <= _HIGHEST_OWNER and 0 <= entry.gid <= _HIGHEST_OWNER):
        raise Damaged(f"{entry.name!r} belongs to nobody who can exist")
    attributes = {
        key.removeprefix(_XATTR): value.encode("utf-8", "surrogateescape")
        for key, value in entry.pax_headers.items()
        if key.startswith(_XATTR)
    }
    owner = Owner(
        entry.uid, entry.gid, entry.mode & 0o7777, sane_time(entry.mtime), kept_attributes(attributes.items())
    )
    if not name:
        if entry.isdir():
            target.make_folder("", owner)
            return
        raise Damaged("one of its entries has no name")
    if entry.isdir():
        target.make_folder(name, owner)
    elif entry.isreg():
        target.make_file(name, owner, lambda descriptor: _fill(entry, stream, descriptor))
    elif entry.issym():
        target.make_symbolic_link(name, entry.linkname, owner)
    elif entry.islnk():
        target.make_hard_link(name, clean_name(entry.linkname, where))
    elif entry.isfifo():
        target.make_special(name, stat.S_IFIFO, 0, owner)
    elif entry.isdev():
        kind = stat.S_IFCHR if entry.ischr() else stat.S_IFBLK
        target.make_special(name, kind, os.makedev(entry.devmajor, entry.devminor), owner)
    else:
        raise Damaged(f"{entry.name!r} is of a kind that is not known ({entry.type!r})")


def _fill(entry: tarfile.TarInfo, stream: Forward, descriptor: int) -> None:
    stream.seek(entry.offset_data)
    if entry.sparse is None:
        copy(stream.read, entry.size, descriptor)
        return
    for offset, size in cast(list[tuple[int, int]], entry.sparse):
        if offset < 0 or size < 0 or offset + size > entry.size:
            raise Damaged(f"{entry.name!r} has parts outside of itself")
        os.lseek(descriptor, offset, os.SEEK_SET)
        copy(stream.read, size, descriptor)
    os.ftruncate(descriptor, entry.size)
