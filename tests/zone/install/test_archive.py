"""Roots from tar archives: what is made, and what a hostile archive cannot do."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sandbox.zone import ZoneError
from sandbox.zone.install import install, remove

ROOT = Path(__file__).parents[3]

Spec = tuple[str, bytes, str]  # name, type, link's target or content


def archive(path: Path, *specs: Spec, how: str = "w", **fields: object) -> Path:
    with tarfile.open(path, how) as out:  # type: ignore[call-overload]
        for name, kind, content in specs:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.mtime = (
                kind,
                0o755 if kind == tarfile.DIRTYPE else 0o640,
                1_000_000_000,
            )
            for field, value in fields.items():
                setattr(entry, field, value)
            if kind == tarfile.REGTYPE:
                entry.size = len(content)
                out.addfile(entry, io.BytesIO(content.encode()))
            else:
                entry.linkname = content
                out.addfile(entry)
    return path


FILE, FOLDER, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2", "zstd"])
def test_a_system_is_unpacked(tmp_path: Path, mode: str) -> None:
    specs = [
        ("./", FOLDER, ""), ("./empty", FOLDER, ""), ("./bin/sh", FILE, "program"),
        ("./bin/csh", HARD, "./bin/sh"),
        ("./sys", LINK, "usr/src/sys"), ("./pipe", tarfile.FIFOTYPE, ""), ("/etc/passwd", FILE, "root"),
    ]  # fmt: skip
    source = archive(tmp_path / "base", *specs, how="w" if mode == "zstd" else mode)
    if mode == "zstd":
        if shutil.which("zstd") is None:
            pytest.skip("needs zstd")
        subprocess.run(["zstd", "-q", "--rm", source, "-o", f"{source}.zst"], check=True)
        source = Path(f"{source}.zst")
    said: list[str] = []
    root = tmp_path / "root"
    report = install(source, root, progress=said.append)
    assert (report.files, report.links, said[-1]) == (3, 2, f"{source}: 100 %")
    assert (root / "bin/csh").read_text() == "program"
    assert (root / "bin/sh").stat().st_nlink == 2
    assert stat.S_IMODE((root / "bin/sh").stat().st_mode) == 0o640
    assert os.readlink(root / "sys") == "usr/src/sys"
    assert (root / "etc/passwd").read_text() == "root"
    assert (root / "empty").stat().st_mtime == (root / "bin/sh").stat().st_mtime == 1_000_000_000


def test_owners_modes_and_attributes_are_kept(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    source = archive(
        tmp_path / "a", ("d", FOLDER, ""), ("d/su", FILE, "x"), uid=7, gid=9, mode=0o4511,
        pax_headers={"SCHILY.xattr.user.note": "kept", "SCHILY.xattr.trusted.x": "not"},
    )  # fmt: skip
    install(source, tmp_path / "root")
    about = (tmp_path / "root/d/su").stat()
    assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) == (7, 9, 0o4511)
    assert os.listxattr(tmp_path / "root/d/su") == ["user.note"]
    remove(tmp_path / "root")
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    "specs",
    [
        [("../escaped", FILE, "x")],
        [("a/../../escaped", FILE, "x")],
        [("link", LINK, ".."), ("link/escaped", FILE, "x")],
        [("link", LINK, "OUT"), ("link/escaped", FILE, "x")],
        [("a", LINK, "b"), ("b", LINK, "OUT"), ("a/escaped", FILE, "x")],
        [("OUT/escaped", FILE, "x")],
        [("f", LINK, "OUT/victim"), ("f", FILE, "escaped")],
        [("h", HARD, "../victim"), ("h", FILE, "escaped")],
        [("h", HARD, "OUT/victim"), ("h", FILE, "escaped")],
        [("l", LINK, "OUT"), ("h", HARD, "l/victim"), ("h", FILE, "escaped")],
        [("l", LINK, "OUT/victim"), ("h", HARD, "l"), ("h", FILE, "escaped")],
        [("d", LINK, "OUT"), ("d", FOLDER, ""), ("d/escaped", FILE, "x")],
        [("d", LINK, "OUT/new"), ("d", FOLDER, "")],
        [("d", LINK, "/proc/self/cwd"), ("d/escaped", FILE, "x")],
        [("d", LINK, "/proc/1/root/OUT"), ("d/escaped", FILE, "x")],
        [("d", FOLDER, ""), ("d/f", FILE, "x"), ("d", LINK, "OUT"), ("d/escaped", FILE, "x")],
    ],
)
def test_nothing_outside_is_reached(
    tmp_path: Path, specs: list[Spec], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "victim").write_text("untouched")
    before = outside.stat()
    monkeypatch.chdir(outside)
    place = [
        (name.replace("OUT", str(outside)), kind, to.replace("OUT", str(outside))) for name, kind, to in specs
    ]
    source = archive(tmp_path / "hostile.tar", *place)
    try:
        install(source, outside / "root")
    except ZoneError:
        said = True
    else:
        said = False
    assert (outside / "root").exists() != said
    remove(outside / "root")
    assert [entry.name for entry in outside.iterdir()] == ["victim"]
    assert ((outside / "victim").read_text(), (outside / "victim").stat().st_nlink) == ("untouched", 1)
    assert outside.stat().st_mode == before.st_mode
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("damage", ["cut", "bits", "nothing", "text", "name", "owner", "no end"])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_damaged_archive_leaves_nothing(tmp_path: Path, damage: str, mode: str) -> None:
    fields: dict[str, object] = {"pax_headers": {"path": "a" * (1 << 25)}} if damage == "name" else {}
    fields = {"pax_headers": {"uid": "-5"}} if damage == "owner" else fields
    names = [("bin", FOLDER, ""), *((f"bin/{number}", FILE, str(number) * 999) for number in range(20))]
    source = archive(tmp_path / "a.tar", *names[: 2 if fields else None], how=mode, **fields)
    content = bytearray(source.read_bytes())
    if damage == "cut":
        del content[len(content) // 3 :]
    elif damage == "bits":
        third = len(content) // 3
        for place in range(third, min(third + 3000, 2 * third)):
            content[place] ^= 0xFF
    elif damage == "no end" and mode == "w":
        content = content.rstrip(b"\0")
        content += bytes(-len(content) % 512)
    elif damage == "no end":
        del content[-6:]
    elif not fields:
        content = bytearray(b"" if damage == "nothing" else b"no archive\n" * 500)
    source.write_bytes(content)
    with pytest.raises(ZoneError, match=r"damaged|cannot be"):
        install(source, tmp_path / "root")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar"]


def test_device_nodes_come_only_where_asked_for(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "a", ("dev/mem", tarfile.CHRTYPE, ""), ("f", FILE, ""), devmajor=1, devminor=1
    )
    assert install(source, tmp_path / "skip").devices_left_out == 1
    assert not (tmp_path / "skip/dev/mem").exists()
    with pytest.raises(ZoneError, match="dev/mem is a device"):
        install(source, tmp_path / "refuse", devices="refuse")
    assert not (tmp_path / "refuse").exists()
    if os.geteuid() == 0:
        install(source, tmp_path / "make", devices="make")
        assert (tmp_path / "make/dev/mem").stat().st_rdev == os.makedev(1, 1)


def test_sets_go_over_each_other_and_huge_files_stay_sparse(tmp_path: Path) -> None:
    if shutil.which("tar") is None:
        pytest.skip("needs GNU tar")
    content = tmp_path / "content"
    content.mkdir()
    with open(content / "huge", "wb") as file:
        file.seek(1 << 34)
        file.write(b"end")
    (content / "file").write_text("new")
    subprocess.run(["tar", "-cSf", tmp_path / "two.tar", "-C", content, "."], check=True)
    one = archive(tmp_path / "one.tar", ("file", FILE, "old"), ("huge", LINK, "file"), ("other", FILE, "x"))
    root = tmp_path / "root"
    install([one, tmp_path / "two.tar"], root)
    assert ((root / "file").read_text(), (root / "other").read_text()) == ("new", "x")
    about = (root / "huge").lstat()
    assert about.st_size == (1 << 34) + 3
    assert about.st_blocks * 512 < 1 << 20
    install(root, tmp_path / "copy")
    copied = (tmp_path / "copy/huge").stat()
    assert (copied.st_size, copied.st_blocks * 512 < 1 << 20) == (about.st_size, True)


def test_a_folder_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "closed").mkdir(parents=True)
    (source / "closed/file").write_text("content")
    os.link(source / "closed/file", source / "again")
    (source / "link").symlink_to("/etc/passwd")
    (source / "closed").chmod(0o555)
    report = install(source, tmp_path / "root")
    root = tmp_path / "root"
    assert (report.files, (root / "again").stat().st_nlink, (root / "closed").stat().st_mode & 0o777) == (
        1,
        2,
        0o555,
    )
    assert os.readlink(root / "link") == "/etc/passwd"
    with pytest.raises(ZoneError, match="around itself"):
        install(source, source / "below")
    with pytest.raises(ZoneError, match="is not empty"):
        install(source, root)
    with pytest.raises(ZoneError, match="cannot be read"):
        install(tmp_path / "missing", tmp_path / "x")


OVERLAID = """
mkdir lower layers merged
echo below > lower/one; ln lower/one lower/two
mount -t tmpfs none layers
mkdir layers/upper layers/work
mount -t overlay none -o lowerdir=lower,upperdir=layers/upper,workdir=layers/work merged
echo above > merged/three; ln merged/three merged/four
mkdir merged/mnt; mount -t tmpfs none merged/mnt
echo hidden > merged/mnt/file
touch merged/bound; mount --bind merged/mnt/file merged/bound
exec "$0" -c 'from sandbox.zone.install import install; report = install("merged", "root")
print(report.files, report.mounts_left_out)'
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_a_folder_on_an_overlay_is_copied_whole(tmp_path: Path) -> None:
    """Its files have the devices of their layers; what is mounted in it is left out all the same."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", OVERLAID, sys.executable], cwd=tmp_path, capture_output=True,
        text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "2 2\n"), done
    root = tmp_path / "root"
    found = {entry.name: entry.read_text() for entry in root.iterdir() if entry.is_file()}
    assert found == {"one": "below\n", "two": "below\n", "three": "above\n", "four": "above\n"}
    assert (root / "three").stat().st_nlink == 2
    assert list((root / "mnt").iterdir()) == []


def test_no_space_and_interruption_leave_nothing(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.tar", *((str(number), FILE, "x" * 400_000) for number in range(20)))

    def interrupt(_said: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install(source, tmp_path / "root", progress=interrupt)
    assert not (tmp_path / "root").exists()
    if os.geteuid() != 0:
        return
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=True)
    try:
        with pytest.raises(ZoneError, match="no space is left"):
            install(source, small / "root")
        assert os.listdir(small) == []
        (tmp_path / "around").mkdir()
        subprocess.run(["mount", "--bind", small, tmp_path / "around"], check=True)
        try:
            with pytest.raises(ZoneError, match="cannot be removed"):
                remove(tmp_path)
        finally:
            subprocess.run(["umount", tmp_path / "around"], check=True)
    finally:
        subprocess.run(["umount", small], check=True)


def test_any_depth_is_made_and_removed(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 1500)
    source = archive(tmp_path / "a.tar", (f"{deep}/file", FILE, "x"))
    report = install(source, tmp_path / "root")
    assert (report.files, report.folders) == (1, 1500)
    remove(tmp_path / "root")
    assert not (tmp_path / "root").exists()
