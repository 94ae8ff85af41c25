"""Linux programs as guests: C libraries, Go, and scripts that drive another kernel's programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.conftest import PROGRAMS

HERE = Path(__file__).parent
GUISE = [sys.executable, "-m", "guise", "run", "--as", "linux", "--"]
COMPILERS = {
    "glibc": ["gcc"],
    "glibc-static": ["gcc", "-static"],
    "musl-static": [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl"],
}


def _output(command: list[str | Path], folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("library", COMPILERS)
@pytest.mark.parametrize("patch", ["patched", "unpatched"])
@pytest.mark.parametrize("name", ["signals", "interrupts"])
def test_c_library(name: str, library: str, patch: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    source = HERE / "programs" / f"{name}.c"
    subprocess.run([*COMPILERS[library], "-O1", "-pthread", "-o", program, source], check=True, timeout=250)
    native = _output([program], tmp_path)
    assert native[0] == 0
    front = GUISE if patch == "patched" else [*GUISE[:-1], "--no-patch", "--"]
    assert _output([*front, program], tmp_path) == native


@pytest.mark.parametrize("name", ["goroutines", "files", "processes", "network", "signals"])
def test_go(name: str, go: Callable[..., None], tmp_path: Path) -> None:
    program = tmp_path / name
    go("build", "-o", str(program), str(PROGRAMS / f"{name}.go"), system="linux")
    place = tmp_path / "here"
    place.mkdir()
    native = _output([program], place)
    place.rename(tmp_path / "native")
    place.mkdir()
    assert _output([*GUISE, program], place) == native


def test_script_drives_foreign_programs(go: Callable[..., None], tmp_path: Path) -> None:
    """Guest, host and guest again, without binfmt_misc: the host's shell is a guest as well."""
    go("build", "-o", str(tmp_path / "shell"), str(PROGRAMS / "shell.go"), system="freebsd")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n./shell | cat\nx=$(./shell again); echo $? $x\n")
    script.chmod(0o755)
    assert _output([*GUISE, script], tmp_path) == (0, '"AGAIN\\nagain\\n3\\n" <nil>\n3 again\n', "")
