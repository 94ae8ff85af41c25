"""Roots from OCI images: a layout in a folder or in a tar archive.

index -> manifest -> layers, each named by its digest, and each digest compared with what was read.  A layer
is a tar archive that changes what the layers before it made; a file `.wh.NAME` in it takes NAME away,
`.wh..wh..opq` all that they had in that folder (OCI image specification, "Image Layer Filesystem Changeset").
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sandbox.zone import ZoneError
from sandbox.zone.install import archive
from sandbox.zone.install.root import Root, reason
from sandbox.zone.install.streams import Counted, Forward, Plain, compression

if TYPE_CHECKING:
    from sandbox.zone.install import Progress

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_INDEX = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_LAYERS = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
)
_LARGEST_DOCUMENT = 1 << 24
_DEEPEST_INDEX = 8
_SEARCHED = 64  # entries of an archive that are looked at to see what it is


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive with an OCI layout in it; False for what cannot be read."""
    try:
        with open(path, "rb") as file:
            if compression(file.read(8)):
                return False  # a layout's archive has to be read at any place of it
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as content:
                for count, entry in enumerate(content):
                    if os.path.normpath(entry.name) in ("oci-layout", "index.json"):
                        return True
                    if count >= _SEARCHED and not entry.name.lstrip("./").startswith("blobs"):
                        return False
    except (OSError, *archive.DAMAGE):
        return False
    return False


class _Layout:
    """The files of an image: where each begins, and how long it is."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._members: dict[str, tuple[int, int]] = {}
        self._archive = not os.path.isdir(path)
        if self._archive:
            with archive.unpacking(path), tarfile.open(path, "r:") as content:
                for entry in content:
                    if entry.isreg() and entry.sparse is None:
                        self._members[os.path.normpath(entry.name)] = (entry.offset_data, entry.size)

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        """A file at its beginning, and its size.  Raises ZoneError where it is not there."""
        if self._archive:
            if name not in self._members:
                raise ZoneError(f"{self.path} is incomplete: {name} is missing in it")
            offset, size = self._members[name]
            with open(self.path, "rb") as file:
                file.seek(offset)
                yield file, size
            return
        try:
            file = open(os.path.join(self.path, name), "rb")
        except OSError as error:
            raise ZoneError(f"{self.path} is incomplete: {name} cannot be read: {reason(error)}") from None
        with file:
            yield file, os.fstat(file.fileno()).st_size

    def document(self, name: str, digest: str = "") -> dict[str, Any]:
        """A JSON object, with its digest checked."""
        with self.open(name) as (file, size):
            if size > _LARGEST_DOCUMENT:
                raise ZoneError(f"{self.path} is refused: {name} is too long for what it should be")
            text = file.read(size)
        if digest:
            kind, _, value = digest.partition(":")
            if hashlib.new(kind, text).hexdigest() != value:
                raise ZoneError(f"{self.path} is damaged: the digest of {name} is not what it should be")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ZoneError(f"{self.path} is damaged: {name} is no JSON object")
        return found


def install(source: str, target: Root, platform: tuple[str, str] | None, progress: Progress) -> None:
    """Raises ZoneError."""
    layout = _Layout(source)
    try:
        manifest = _choose(layout, layout.document("index.json"), platform, 0)
        config = _document(layout, manifest.get("config"))
        layers = manifest["layers"]
        differences = config.get("rootfs", {}).get("diff_ids", [])
        if not isinstance(layers, list) or len(layers) != len(differences):
            raise ZoneError(f"{source} is damaged: its manifest and its configuration speak of other layers")
        total = sum(int(layer["size"]) for layer in layers)
        before = 0
        for layer, difference in zip(layers, differences, strict=True):
            start = before

            def told(done: int, start: int = start) -> None:
                progress(source, start + done, total)

            _layer(layout, layer, difference, target, told)
            before += int(layer["size"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ZoneError(f"{source} is damaged: a part of its description is missing ({error})") from None
    described = config.get("config")
    target.report.config = {
        **(described if isinstance(described, dict) else {}),
        "os": config.get("os", ""),
        "architecture": config.get("architecture", ""),
    }


def _digest(layout: _Layout, descriptor: Any) -> str:
    digest = descriptor["digest"]
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ZoneError(f"{layout.path} is refused: {digest!r} is no digest that can be checked")
    return digest


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _document(layout: _Layout, descriptor: Any) -> dict[str, Any]:
    digest = _digest(layout, descriptor)
    return layout.document(_blob(digest), digest)


def _choose(
    layout: _Layout, index: dict[str, Any], platform: tuple[str, str] | None, depth: int
) -> dict[str, Any]:
    """The manifest that is meant: the only one, or the one for the platform."""
    if depth > _DEEPEST_INDEX:
        raise ZoneError(f"{layout.path} is refused: its indexes are too deep")
    found = [one for one in index["manifests"] if not _is_about_another(one)]
    if platform is not None and len(found) > 1:
        found = [one for one in found if _platform(one) in (platform, None)]
    if len(found) != 1:
        there = ", ".join(
            sorted(
                {
                    "/".join(_platform(one) or ("?",))
                    for one in index["manifests"]
                    if not _is_about_another(one)
                }
            )
        )
        wanted = f" for {'/'.join(platform)}" if platform else ""
        raise ZoneError(
            f"{layout.path} holds {len(found) or 'no'} images{wanted}, and one is needed: "
            f"it has {there or 'none'}"
        )
    document = _document(layout, found[0])
    if found[0].get("mediaType") in _INDEX or "manifests" in document:
        return _choose(layout, document, platform, depth + 1)
    return document


def _is_about_another(descriptor: dict[str, Any]) -> bool:
    """An attestation stands in an index as if it were an image."""
    return (descriptor.get("annotations") or {}).get("vnd.docker.reference.type") == "attestation-manifest"


def _platform(descriptor: dict[str, Any]) -> tuple[str, str] | None:
    about = descriptor.get("platform")
    return (str(about.get("os")), str(about.get("architecture"))) if about else None


def _layer(layout: _Layout, layer: dict[str, Any], difference: str, target: Root, told: Any) -> None:
    kind = str(layer["mediaType"])
    if not kind.startswith(_LAYERS):
        raise ZoneError(f"{layout.path} has a layer of a kind that is not known: {kind}")
    digest = _digest(layout, layer)
    where = f"{layout.path} (layer {digest[:19]})"
    with layout.open(_blob(digest)) as (file, size):
        if size != layer["size"]:
            raise ZoneError(f"{where} is damaged: it has {size} bytes, and should have {layer['size']}")
        raw = Counted(file, size, told, digest.partition(":")[0])
        with archive.unpacking(where), Plain(raw, where) as plain:
            stream = Forward(plain.file, _digest(layout, {"digest": difference}).partition(":")[0])
            Layer(target, where).apply(stream)
            content = stream.drain()
            plain.finish()
        if raw.drain() != digest.partition(":")[2] or content != difference.partition(":")[2]:
            raise ZoneError(f"{where} is damaged: its digest is not what it should be")


class Layer:
    """One layer's changes to a root.  What it makes itself is not touched by what it takes away."""

    def __init__(self, target: Root, where: str) -> None:
        self._target = target
        self._where = where
        self._made: set[tuple[int, str]] = set()  # (inode of the folder, name)

    def apply(self, stream: Forward) -> None:
        for entry, path, content in archive.entries(stream, self._where, must_end=False):
            above, _, name = path.rpartition("/")
            if name.startswith(WHITEOUT):
                self._take_away(above, name)
                continue
            archive.make(entry, path, content, self._target, self._where)
            if path:
                self._note(path)

    def _note(self, path: str) -> None:
        while path:
            above, _, name = path.rpartition("/")
            key = (os.fstat(self._target.folder(above)).st_ino, name)
            if key in self._made:
                return
            self._made.add(key)
            path = above

    def _take_away(self, above: str, name: str) -> None:
        folder = self._target.existing(above)
        if name == OPAQUE:
            if folder is not None:
                self._empty(folder)
            return
        if name.startswith(WHITEOUT * 2):
            return  # notes of an older union file system to itself
        hidden = name.removeprefix(WHITEOUT)
        if hidden in ("", ".", ".."):
            raise ZoneError(f"{self._where} is refused: it takes {hidden!r} away, which is no name")
        if folder is not None:
            self._remove(folder, hidden)

    def _empty(self, folder: int) -> None:
        here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            for name in os.listdir(here):
                self._remove(here, name)
        finally:
            os.close(here)

    def _remove(self, folder: int, name: str) -> None:
        try:
            about = os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            return
        if (os.fstat(folder).st_ino, name) not in self._made:
            self._target.clear(folder, name)
        elif stat.S_ISDIR(about.st_mode):
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                self._empty(below)
            finally:
                os.close(below)


__all__ = ["Layer", "install", "is_archive"]
