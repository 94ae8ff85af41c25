"""Go programs: the same source for FreeBSD and NetBSD under Guise and for Linux natively, outputs compared.

Go brings its own runtime and no libc: threads, signals, timers and the network are raw calls.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.conftest import KERNELS, Guise, Pair


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", ["goroutines", "files", "processes", "network", "signals"])
def test_same_output(
    name: str, kernel: str, guise: Guise, go_program: Callable[..., Pair], tmp_path: Path
) -> None:
    pair = go_program(name, kernel)
    here, there = tmp_path / "host", tmp_path / "same"
    here.mkdir()
    native = subprocess.run([pair.host], capture_output=True, text=True, cwd=here, timeout=120)
    assert native.returncode == 0, f"the test itself is wrong: {native.stderr}"
    # The same name for the directory, for a program that prints where it is.
    here.rename(there)
    (tmp_path / "host").mkdir()
    done = guise.run(pair.guest, cwd=tmp_path / "host")
    assert done.stdout == native.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_host_program_starts_a_guest(guise: Guise, go_program: Callable[[str], Pair], tmp_path: Path) -> None:
    done = guise.run(go_program("shell").guest, cwd=tmp_path)
    assert done.stdout == '"AGAIN\\nagain\\n3\\n" <nil>\n'
