"""Other people's terminals, which are in the folder of one's own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from ..conftest import command, environment


def test_terminals_of_others_keep_owner_and_mode() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    ends = [*pty.openpty(), *pty.openpty()]
    theirs = os.ttyname(ends[1])
    script = f"""
import os, pty
for attempt, words in ((os.chmod, [0o666]), (os.chown, [1, 1]), (os.utime, [])):
    try:
        attempt({theirs!r}, *words)
        print("escaped")
    except OSError as error:
        print(error.errno)
master, slave = pty.openpty()
os.write(master, b"word\\n")
print(os.read(slave, 10).decode().strip(), os.ttyname(0))
"""
    before = os.stat(theirs)
    try:
        done = subprocess.run(
            command("run", sys.executable, "-c", script), stdin=ends[3], capture_output=True, text=True,
            check=False, env=environment(), timeout=100,
        )  # fmt: skip
        assert done.stdout.split() == ["30", "30", "30", "word", os.ttyname(ends[3])], done
        after = os.stat(theirs)
        assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    finally:
        for end in ends:
            os.close(end)
