"""Roots of Debian and its relatives, by their own installer: debootstrap, where it is there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from sandbox.zone import ZoneError

if TYPE_CHECKING:
    from sandbox.zone.install import Progress

_SUITE = re.compile(r"[a-z][a-z0-9.-]*")
_MIRROR = re.compile(r"(https?|file)://\S+")


def install(source: str, place: str, progress: Progress) -> None:
    """`source` is SUITE or SUITE@MIRROR.  Raises ZoneError."""
    suite, _, mirror = source.partition("@")
    if not _SUITE.fullmatch(suite) or (mirror and not _MIRROR.fullmatch(mirror)):
        raise ZoneError(f"{source} names no suite of Debian: write SUITE or SUITE@MIRROR, as in trixie")
    if shutil.which("debootstrap") is None:
        raise ZoneError("debootstrap, which installs Debian, is not there: apt-get install debootstrap")
    if os.geteuid() != 0:
        raise ZoneError("debootstrap installs Debian as root only: use root, or install an image of it")
    command = ["debootstrap", "--variant=minbase", suite, place, *([mirror] if mirror else [])]
    last = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True, env={**os.environ, "LC_ALL": "C"},
    ) as running:  # fmt: skip
        try:
            assert running.stdout is not None
            for done, line in enumerate(running.stdout, 1):
                last = line.strip() or last
                progress(last.removeprefix("I: "), done, 0)
            status = running.wait()
        except BaseException:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            raise
    if status != 0:
        raise ZoneError(
            f"debootstrap could not install {suite} (status {status}): "
            f"{last.removeprefix('E: ') or 'it said nothing'}"
        )
