"""Linux programs as guests: C libraries, Go, and scripts that drive another kernel's programs."""

from __future__ import annotations

import shutil
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
@pytest.mark.parametrize("name", ["signals", "interrupts", "sharing"])
def test_c_library(name: str, library: str, patch: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    source = HERE / "programs" / f"{name}.c"
    subprocess.run([*COMPILERS[library], "-O1", "-pthread", "-o", program, source], check=True, timeout=250)
    native = _output([program], tmp_path)
    assert native[0] == 0
    front = GUISE if patch == "patched" else [*GUISE[:-1], "--no-patch", "--"]
    assert _output([*front, program], tmp_path) == native


def test_the_link_to_the_program_follows_its_file(tmp_path: Path) -> None:
    built = tmp_path / "built"
    subprocess.run(["gcc", "-O1", "-o", built, HERE / "programs/renamed.c"], check=True, timeout=250)
    (tmp_path / "link").symlink_to("program")
    said = []
    for front in ([], GUISE):
        shutil.copy(built, tmp_path / "program")  # it removes itself
        said.append(_output([*front, tmp_path / "link"], tmp_path))
    assert said[0][0] == 0
    assert said[1] == said[0]


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


@pytest.mark.parametrize("engine", ["native", "ptrace"])
def test_a_process_is_named_as_it_was_asked_for(engine: str, tmp_path: Path) -> None:
    """Neither by what a link leads to nor by a script's interpreter, as the host does it."""
    (tmp_path / "link").symlink_to("/bin/sh")
    script = tmp_path / "script, longer than kept"
    script.write_text("#!/bin/sh\nread -r name </proc/self/comm; echo $name\n")
    script.chmod(0o755)
    command = "read -r name </proc/self/comm; echo $name; './script, longer than kept'"
    wanted = _output([tmp_path / "link", "-c", command], tmp_path)
    assert wanted == (0, "link\nscript, longer\n", "")
    assert _output([*RUN, f"--engine={engine}", "--as", "linux", "./link", "-c", command], tmp_path) == wanted


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


TRACER = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
TRACEME, SEIZE, CONT, INTERRUPT = 0, 0x4206, 7, 0x4207
ready, go = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    if sys.argv[1] == "traceme" and libc.ptrace(TRACEME, 0, None, None):
        os._exit(1)
    os.write(ready[1], b".")
    os.read(go[0], 1)
    os.execv(sys.argv[2], sys.argv[2:])
os.read(ready[0], 1)
if sys.argv[1] == "seize" and libc.ptrace(SEIZE, child, None, None):
    sys.exit(os.strerror(ctypes.get_errno()))
os.write(go[1], b".")
stops = []
while True:
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        break
    stops.append(os.WSTOPSIG(status))
    signal_number = 0 if stops[-1] in (signal.SIGTRAP, signal.SIGSTOP) else stops[-1]
    libc.ptrace(CONT, child, None, signal_number)
print(os.waitstatus_to_exitcode(status), signal.SIGTRAP in stops, flush=True)
"""


@pytest.mark.parametrize("how", ["traceme", "seize"])
def test_what_a_tracer_starts_is_run_by_the_host(how: str, tmp_path: Path) -> None:
    """So debuggers find the program that they expect; not its untraced sister."""
    (tmp_path / "tracer.py").write_text(TRACER)
    maps = "sh", "-c", "cat /proc/self/maps; exit 3"
    tracer = [sys.executable, "-S", "tracer.py", how, "/bin/sh", *maps[1:]]
    code, out, errors = _output([*RUN, "-v", *tracer], tmp_path)
    assert (code, out.splitlines()[-1]) == (0, f"3 {how == 'traceme'}")
    assert Path(launch.runtime_path()).name not in out
    assert "executed by the host: it is traced" in errors
    both = f"{sys.executable} -S tracer.py {how} /bin/true; cat /proc/self/maps"
    assert Path(launch.runtime_path()).name in _output([*RUN, "sh", "-c", both], tmp_path)[1]


def test_what_only_the_host_can_start_says_so(tmp_path: Path) -> None:
    """A 32-bit program, which makes its calls by another table."""
    source = tmp_path / "small.S"
    source.write_text(".globl _start\n_start: mov $1, %eax\nmov $7, %ebx\nint $0x80\n")
    build: list[str | Path] = ["gcc", "-m32", "-nostdlib", "-static", "-o", tmp_path / "small", source]
    subprocess.run(build, check=True, timeout=100)
    code, _, errors = _output([*RUN, "-v", "sh", "-c", "./small"], tmp_path)
    assert code == 7
    assert "small is executed by the host: " in errors
