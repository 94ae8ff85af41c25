"""reboot(2) by a zone's programs: it is the zone that is stopped, or booted again, and never the host."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.zone.place import boot_again
from sandbox.zone.store import Zone
from tests.guest_c import build_guest

from .bench import Zones, python_folders
from .conftest import command, environment
from .test_processes import eventually

SOURCE = Path(__file__).with_name("reboot.c")
BY_PYTHON = """
import ctypes, sys
how = {"r": 0x1234567, "h": 0xCDEF0123, "p": 0x4321FEDC}[sys.argv[1]]
libc = ctypes.CDLL(None, use_errno=True)
sys.exit(ctypes.get_errno() if libc.reboot(ctypes.c_int(how)) else 0)
"""


@pytest.fixture(params=["freebsd", "netbsd", "linux"])
def asking(request: pytest.FixtureRequest, zones: Zones) -> list[str]:
    """What asks for it in the zone "a", which notes each boot: behind it says one letter how."""
    words = [sys.executable, "-c", BY_PYTHON]
    seen = python_folders()
    if request.param != "linux":
        folder = zones.directory / "guest"
        folder.mkdir()
        build_guest(SOURCE, folder / "reboot", kernel=request.param)
        words, seen = [str(folder / "reboot")], [f"fs={folder}:{folder}:ro"]
    zones.sparse("a", *seen, "boot=/bin/sh -c 'trap : TERM; echo booted; while sleep 1000; do :; done'")
    return words


def _boots(zones: Zones) -> int:
    return (zones.folder / "a/console").read_text().count("booted")


def test_the_zone_is_stopped_and_booted_again(asking: list[str], zones: Zones) -> None:
    zones("boot", "a")
    eventually(lambda: _boots(zones) == 1, "it boots")
    zones.run("exec", "a", *asking, "r")
    eventually(lambda: _boots(zones) == 2, "it is booted again")
    eventually(lambda: zones.state("a") == "running", "it runs")
    for how in ("h", "p"):
        zones.run("exec", "a", *asking, how)
        eventually(lambda: zones.state("a") == "installed", "it is stopped")
        zones("boot", "a")
    eventually(lambda: _boots(zones) == 4, "it boots")


def test_others_are_refused(asking: list[str], zones: Zones) -> None:
    zones("boot", "a")
    (zones.folder / "a/root/etc").mkdir()
    (zones.folder / "a/root/etc/passwd").write_text("joe:x:1001:1001::/:/bin/sh\n")
    for how in ("r", "h"):
        assert zones.run("exec", "--user", "joe", "a", *asking, how).returncode == errno.EPERM
    line = command("run", *asking, "r")  # its process 1 is no zone's
    done = subprocess.run(line, env=environment(), check=False, timeout=100, cwd=zones.directory)
    assert done.returncode == errno.EPERM
    assert os.path.exists(zones.folder / "a/control")
    assert zones.state("a") == "running"


def _who_reads(path: Path) -> list[str]:
    found = []
    for descriptor in Path("/proc").glob("[0-9]*/fd/0"):
        try:
            if os.readlink(descriptor) == str(path):
                found.append(descriptor.parts[2])
        except OSError:  # it has ended
            continue
    return found


def test_nobody_waits_for_a_zone_that_failed_at_once(tmp_path: Path) -> None:
    """Its process 1 has closed the FIFO before the one who waits opens it."""
    zone = Zone(str(tmp_path), "a")
    os.mkdir(zone.folder)
    os.mkfifo(zone.path("again"))
    first = os.open(zone.path("again"), os.O_RDWR)
    boot_again(zone, ["/bin/false"], 2)
    assert _who_reads(Path(zone.path("again")))
    os.close(first)
    boot_again(zone, ["/bin/false"], 2)
    eventually(lambda: not _who_reads(Path(zone.path("again"))), "all have ended")
