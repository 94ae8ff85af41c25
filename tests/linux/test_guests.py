"""Linux programs as guests: C libraries, Go, and scripts that drive another kernel's programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from personality.supervisor import launch
from tests.real.conftest import PROGRAMS

HERE = Path(__file__).parent
RUN: list[str | Path] = [sys.executable, "-m", "guise", "run"]
GUISE: list[str | Path] = [*RUN, "--as", "linux", "--"]
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


@pytest.mark.parametrize("front", [GUISE, RUN], ids=["asked", "default"])
def test_script_drives_foreign_programs(
    front: list[str | Path], go: Callable[..., None], tmp_path: Path
) -> None:
    """Guest, host and guest again, without binfmt_misc: the host's shell is a guest as well."""
    go("build", "-o", str(tmp_path / "shell"), str(PROGRAMS / "shell.go"), system="freebsd")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n./shell | cat\nx=$(./shell again); echo $? $x\n")
    script.chmod(0o755)
    assert _output([*front, script], tmp_path) == (0, '"AGAIN\\nagain\\n3\\n" <nil>\n3 again\n', "")


EXECUTES = """
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

func main() {
	fmt.Println(runtime.GOOS)
	if len(os.Args) > 1 {
		said, err := exec.Command(os.Args[1], os.Args[2:]...).CombinedOutput()
		fmt.Printf("%s%v\\n", said, err)
	}
}
"""


def test_foreign_program_starts_another_through_host_programs(
    go: Callable[..., None], tmp_path: Path
) -> None:
    """What nohup and sh execute for a FreeBSD program is loaded by its own kernel's rules, not by Linux."""
    (tmp_path / "executes.go").write_text(EXECUTES)
    go("build", "-o", str(tmp_path / "executes"), str(tmp_path / "executes.go"), system="freebsd")
    command = [*RUN, "./executes", "nohup", "sh", "-c", "exec ./executes"]
    assert _output(command, tmp_path) == (0, "freebsd\nfreebsd\n<nil>\n", "")


MAPS: list[str | Path] = ["sh", "-c", "cat /proc/self/maps"]


def test_host_programs_are_guests_unless_they_are_to_run_natively(tmp_path: Path) -> None:
    name = Path(launch.runtime_path()).name
    assert name in _output([*RUN, *MAPS], tmp_path)[1]
    assert name not in _output([*RUN, "--host-programs=native", *MAPS], tmp_path)[1]
    assert "guest or native" in _output([*RUN, "--host-programs=both", "true"], tmp_path)[2]


def test_a_guest_starts_guise(tmp_path: Path) -> None:
    """The inner runtime is no guest of the outer one, and finds descriptors that are free."""
    outer = [*RUN, "--no-sandbox", "sh", "-c", 'x=$("$@"); echo "$x"', "sh"]
    code, out, errors = _output([*outer, *RUN, "--no-sandbox", *MAPS], tmp_path)
    assert (code, errors) == (0, "")
    assert Path(launch.runtime_path()).name in out
