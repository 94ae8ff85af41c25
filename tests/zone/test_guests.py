"""Programs for another kernel that a zone's own programs start: its shell, and its scripts at boot."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.supervisor import real

from .bench import Zones

SCRIPT = "/guests/small cold 2 && echo served; echo hello | /guests/small echo; exec /guests/small exit 7"


@pytest.fixture
def zone(zones: Zones) -> Zones:
    """A zone "z" of Linux programs that sees a FreeBSD program at /guests/small."""
    real.require_guests()
    folder = zones.directory / "guests"
    folder.mkdir()
    real.small_guest(folder)
    zones.sparse("z", f"fs={folder}:/guests:ro")
    return zones


def test_a_zones_shell_starts_them(zone: Zones) -> None:
    zone("boot", "z")
    done = zone.run("exec", "z", "/bin/sh", "-c", SCRIPT)
    assert (done.returncode, done.stdout, done.stderr) == (7, "served\nready\nhello\n", "")
    login = zone.run("login", "z", "/bin/sh", "-c", SCRIPT, stdin=subprocess.DEVNULL)
    assert (login.returncode, login.stdout) == (7, "served\nready\nhello\n"), login.stderr


def test_boot_scripts_start_them(zone: Zones) -> None:
    scripts = zone.folder / "z/root/etc"
    scripts.mkdir()
    (scripts / "rc").write_text(f"({SCRIPT}) > /log 2>&1; echo $? >> /log; sleep 1000 &\n")
    zone("boot", "z")
    log = zone.folder / "z/root/log"
    deadline = time.monotonic() + 30
    while not log.exists() or not log.read_text().endswith("7\n"):
        assert time.monotonic() < deadline, log.read_text() if log.exists() else "nothing was started"
        time.sleep(0.02)
    assert log.read_text() == "served\nready\nhello\n7\n"
