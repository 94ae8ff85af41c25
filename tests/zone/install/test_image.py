"""Roots from OCI images: digests, whiteouts, choices, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.zone import ZoneError
from sandbox.zone.install import install, recognise

Layer = dict[str, str | None]  # path -> content; None: a folder; "-> x": a link


class Image:
    def __init__(self, folder: Path, *layers: Layer, system: str = "freebsd") -> None:
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        plain = [self.tar(layer) for layer in layers]
        self.config = {
            "os": system, "architecture": "amd64", "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [_name(content) for content in plain]},
        }  # fmt: skip
        self.layers = [self.blob(gzip.compress(content), "layer.v1.tar+gzip") for content in plain]
        self.seal()

    def seal(self) -> None:
        manifest = {
            "schemaVersion": 2,
            "config": self.document(self.config, "config.v1+json"),
            "layers": self.layers,
        }
        self.manifest = self.document(manifest, "manifest.v1+json")
        self.index([self.manifest])

    def index(self, manifests: list[dict[str, Any]]) -> None:
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))

    def document(self, content: dict[str, Any], kind: str) -> dict[str, Any]:
        return self.blob(json.dumps(content).encode(), kind)

    def blob(self, content: bytes, kind: str) -> dict[str, Any]:
        digest = _name(content)
        (self.folder / "blobs" / digest.replace(":", "/")).write_bytes(content)
        kind = "application/vnd.oci.image." + kind
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    @staticmethod
    def tar(layer: Layer) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for path, content in layer.items():
                entry = tarfile.TarInfo(path)
                entry.mode = 0o755
                if content is None:
                    entry.type = tarfile.DIRTYPE
                elif content.startswith("-> "):
                    entry.type, entry.linkname = tarfile.SYMTYPE, content[3:]
                else:
                    entry.size = len(content)
                archive.addfile(entry, io.BytesIO((content or "").encode()))
        return out.getvalue()


def _name(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def files(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()
    )


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_layers_go_over_each_other(tmp_path: Path, form: str) -> None:
    image = Image(
        tmp_path / "image",
        {"a/one": "1", "a/two": "2", "b/x": "x", "b/sub/y": "y", "c/f": "f", "d": "file", "l": "-> a"},
        {
            "a/.wh.one": "",
            "b/new": "n",
            "b/.wh..wh..opq": "",
            "b/sub": None,
            "b/sub/z": "z",
            ".wh.c": "",
            "d": None,
            "d/in": "i",
        },
        {
            "l/three": "3",
            "a/.wh.missing": "",
            ".wh..wh.plnk": "",
            "missing/.wh.x": "",
            "c/.wh.c": "",
            "c/g": "g",
        },
    )
    source = image.folder
    if form == "archive":
        source = tmp_path / "image.tar"
        with tarfile.open(source, "w") as out:
            out.add(image.folder, ".")
    assert recognise(source) == "image"
    report = install(source, tmp_path / "root")
    assert files(tmp_path / "root") == ["a/three", "a/two", "b/new", "b/sub/z", "c/g", "d/in", "l"]
    assert (report.config["os"], report.config["Cmd"]) == ("freebsd", ["/bin/sh"])


def test_an_image_for_several_systems(tmp_path: Path) -> None:
    image = Image(tmp_path / "image", {"freebsd": "x"})
    first = {**image.manifest, "platform": {"os": "freebsd", "architecture": "amd64"}}
    image.layers = [image.blob(gzip.compress(image.tar({"linux": "x"})), "layer.v1.tar+gzip")]
    image.config["rootfs"] = {"diff_ids": [_name(image.tar({"linux": "x"}))]}
    image.seal()
    second = {**image.manifest, "platform": {"os": "linux", "architecture": "amd64"}}
    image.index([image.document({"manifests": [first, second]}, "index.v1+json")])
    for system in ("freebsd", "linux"):
        install(image.folder, tmp_path / system, platform=(system, "amd64"))
        assert files(tmp_path / system) == [system]
    for platform in (None, ("netbsd", "amd64")):
        with pytest.raises(ZoneError, match="freebsd/amd64, linux/amd64"):
            install(image.folder, tmp_path / "none", platform=platform)


def _other(image: Image, what: str) -> None:
    layer = image.folder / "blobs" / image.layers[0]["digest"].replace(":", "/")
    if what == "layer":
        layer.write_bytes(gzip.compress(image.tar({"f": "y"}), mtime=1))
    elif what == "same size":
        changed = bytearray(layer.read_bytes())
        changed[5] ^= 1  # the time in gzip's header: what is packed stays the same
        layer.write_bytes(changed)
    elif what == "difference":
        image.config["rootfs"] = {"diff_ids": ["sha256:" + "0" * 64]}
        image.seal()
    elif what == "manifest":
        path = image.folder / "blobs" / image.manifest["digest"].replace(":", "/")
        path.write_text(path.read_text().replace("schemaVersion", "schemaversion"))
    elif what == "missing":
        layer.unlink()
    elif what == "path":
        image.layers[0]["digest"] = "sha256:../../../secret"
        image.seal()
    elif what == "weak":
        image.layers[0]["digest"] = "md5:" + "0" * 32
        image.seal()
    elif what == "kind":
        image.layers[0]["mediaType"] = "application/x-program"
        image.seal()
    elif what == "count":
        image.layers *= 2
        image.seal()
    elif what == "json":
        (image.folder / "index.json").write_text("[" * 100_000)
    elif what == "empty":
        (image.folder / "index.json").write_text("{}")
    else:
        content = image.tar({what: ""})
        image.layers = [image.blob(gzip.compress(content), "layer.v1.tar+gzip")]
        image.config["rootfs"] = {"diff_ids": [_name(content)]}
        image.seal()


@pytest.mark.parametrize(
    "what",
    [
        "layer", "same size", "difference", "manifest", "missing", "path", "weak", "kind", "count", "json",
        "empty",
        ".wh...", ".wh..", ".wh.", "a/.wh...", "../.wh.victim",
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "secret").write_text("x")
    image = Image(tmp_path / "image", {"f": "x", "a/b": "x"})
    _other(image, what)
    with pytest.raises(ZoneError, match=r"damaged|refused|incomplete|not known|missing") as error:
        install(image.folder, tmp_path / "root")
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image", "secret", "victim"]


def test_a_whiteout_goes_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/victim").write_text("untouched")
    out = str(tmp_path / "out")
    image = Image(
        tmp_path / "image",
        {"l": f"-> {out}", "up": "-> ../out", "kept": "k"},
        {"l/.wh.victim": "", "l/.wh..wh..opq": "", "up/.wh.victim": "", "up/.wh..wh..opq": ""},
        {".wh.l": ""},
    )
    install(image.folder, tmp_path / "root")
    assert files(tmp_path / "root") == ["kept", "up"]
    assert (tmp_path / "out/victim").read_text() == "untouched"
