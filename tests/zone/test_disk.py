"""Zones with a disk of their own: its end is theirs alone, and no mount or device outlives them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from .bench import Zones
from .conftest import USER, as_user, lend
from .test_lifecycle import system
from .test_processes import eventually
from .test_repair import killed_at


@pytest.fixture(autouse=True)
def _can_make_disks() -> None:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4 (e2fsprogs)")
    if not os.access("/dev/loop-control", os.W_OK):
        pytest.skip("needs loop devices")


def _devices(zones: Zones) -> list[str]:
    """The devices that stand for disks of these zones."""
    files = []
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            files.append(entry.read_text().strip())
        except OSError:
            continue  # it is just ending
    return [file for file in files if zones.directory.name in file]


def _none_left(zones: Zones) -> None:
    eventually(lambda: not _devices(zones), "its device goes")
    assert str(zones.folder) not in Path("/proc/self/mounts").read_text()


def _has_booted(zones: Zones, name: str) -> bool:
    return bool(zones.run("exec", name, "cat", "/log").stdout == "booted\n")


def test_a_zone_fills_its_own_disk_only(zones: Zones) -> None:
    zones.sparse("a", "disk=24M", "boot=/bin/sleep 1000")
    zones("boot", "a")
    assert len(_devices(zones)) == 1
    fill = "dd if=/dev/zero of=/fill bs=64k; echo $?; ls -s /fill >/dev/null && rm /fill && echo x >/kept"
    done = zones.run("exec", "a", "/bin/sh", "-c", fill)
    assert "No space left on device" in done.stderr
    assert done.stdout == "1\n"
    assert (zones.folder / "a/disk").stat().st_size == 24 << 20
    zones("reboot", "a")
    assert zones("exec", "a", "cat", "/kept") == "x\n"
    os.kill(json.loads(zones("list", "--json"))[0]["id"], signal.SIGKILL)
    _none_left(zones)
    zones("uninstall", "a")
    assert sorted(os.listdir(zones.folder / "a")) == ["configuration", "console", "lock"]
    zones("delete", "a")


def test_its_own_scripts_and_layers_are_on_it(zones: Zones, tmp_path: Path) -> None:
    folders = "inherit=/usr /bin /lib /lib64"
    files = system(tmp_path / "system")
    (files / "etc/rc").write_text("echo booted >/log; sleep 1000 &\n")
    zones("create", "a", folders, "disk=24M")
    zones("install", "a", files)
    zones("create", "b", folders, "disk=32M")
    zones("clone", "b", "a")
    assert not (zones.folder / "b/mounted/root").exists()  # only the zone sees it
    zones("create", "c", folders, "disk=24M", f"lower={files}")
    zones("install", "c")
    for name in ("b", "c"):
        zones("boot", name)
        eventually(partial(_has_booted, zones, name), "it boots")
        zones("shutdown", name)
    _none_left(zones)
    assert zones("verify") == ""


def test_what_cannot_be(zones: Zones, tmp_path: Path) -> None:
    assert "16M or more" in zones.refuses("create", "a", "disk=1M")
    assert "keeps its files on it" in zones.refuses("create", "a", "disk=1G", "root=/x")
    zones.sparse("a", "disk=16M")
    assert "not installed" in zones.refuses("set", "a", "disk=1G")
    assert "is not moved" in zones.refuses("move", "a", tmp_path / "elsewhere")
    (zones.folder / "a/disk").write_bytes(bytes(4096))
    assert "the disk of zone a cannot be mounted" in zones.refuses("boot", "a")
    (zones.folder / "a/disk").unlink()
    assert "is missing" in zones.refuses("verify", "a")
    zones("uninstall", "a")
    files = system(tmp_path / "system")
    (files / "large").write_bytes(bytes(20 << 20))
    assert "no space is left" in zones.refuses("install", "a", files)
    assert zones.state("a") == "configured"
    _none_left(zones)


def test_others_than_root_get_none(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if reason := request.getfixturevalue("_no_user"):
        pytest.skip(reason)
    lend(tmp_path)
    zones = Zones(tmp_path, as_user)
    zones.owner = USER, USER
    zones("create", "a", "inherit=/usr", "disk=16M")
    assert "only root can mount one" in zones.refuses("install", "a")
    assert zones.state("a") == "configured"


@pytest.mark.long
def test_killed_while_it_is_filled(zones: Zones, tmp_path: Path) -> None:
    files = system(tmp_path / "system")
    for step in range(1, 200, 20):
        zones("create", "a", "disk=16M")
        killed = killed_at(zones, step, "install", "a", str(files))
        zones("verify", "--repair")
        _none_left(zones)
        state = zones.state("a")
        assert state in ("configured", "installed")
        if state == "installed":
            zones("uninstall", "a")
        zones("delete", "a")
        if not killed:
            break
    assert step > 20
