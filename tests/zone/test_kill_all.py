"""Programs that kill all they can reach: that is what their kernel has, and never what serves them.

killall5, halt and init end a system by kill(-1, SIGKILL).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guest_c import build_guest

from .bench import Zones, python_folders
from .conftest import Run, command, environment, show
from .test_processes import children, eventually, name_of, state

SOURCE = Path(__file__).with_name("kill_all.c")
LINUX = """
import os, shutil, signal, subprocess, sys, time

def kill_others(walks):
    children = []
    for _ in range(5):
        children.append(os.fork())
        if not children[-1]:
            while True:
                time.sleep(3600)
    if not walks:
        os.kill(-1, signal.SIGKILL)
    for pid in range(2, 1000) if walks else ():
        if pid != os.getpid():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    for child in children:
        assert os.waitpid(child, 0) == (child, signal.SIGKILL)
    for _ in range(200):  # until others' parents know of their end
        if [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) > 1] == [os.getpid()]:
            break
        time.sleep(0.01)
    try:
        os.kill(-1, 0)
    except ProcessLookupError:
        return
    sys.exit("somebody is left")

kill_others(False)
kill_others(True)
new = f"{sys.argv[1]}/new-{os.getpid()}"  # nobody has planned it: the supervisor has to
shutil.copy("/bin/echo", new)
sys.exit(subprocess.run([new, "served"]).returncode)
"""


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guests")
    for kernel in ("freebsd", "netbsd"):
        build_guest(SOURCE, folder / kernel, kernel=kernel)
    show(folder)
    return folder


Words = Callable[[str], list[str]]


@pytest.fixture(params=["freebsd", "netbsd", "linux"])
def words(request: pytest.FixtureRequest, guests: Path) -> Words:
    """words(place): the program of one kernel, and a folder that it may write to."""
    if request.param == "linux":
        return lambda place: [sys.executable, "-c", LINUX, place]
    return lambda place: [str(guests / request.param)]


@pytest.mark.parametrize("engine", ["native", "ptrace"])
def test_in_the_sandbox(run: Run, words: Words, engine: str, tmp_path: Path) -> None:
    done = run("run", "--engine", engine, *words(str(tmp_path)))
    assert (done.returncode, done.stderr) == (0, "")


def test_under_trace(run: Run, words: Words, tmp_path: Path) -> None:
    """Who writes the trace is none of its processes either."""
    done = run("trace", "-o", tmp_path / "trace", *words(str(tmp_path)))
    assert (done.returncode, done.stderr) == (0, "")
    assert "exited with 0" in (tmp_path / "trace").read_text()


def test_behind_a_shell(run: Run, guests: Path) -> None:
    """Which is among what they kill."""
    done = run("run", "--ro", guests, "/bin/sh", "-c", f"{guests}/freebsd; echo alive")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")


def test_in_a_zone_with_others(zones: Zones, words: Words, guests: Path) -> None:
    """Other programs in it end, each with a status that says how; the zone and what serves it do not."""
    before = _ours()
    zones.sparse("a", *python_folders(), f"fs={guests}:{guests}:ro")
    zones("ready", "a")
    line = zones.line("exec", "a", "/bin/sh", "-c", "echo ready; sleep 1000; :")
    with subprocess.Popen(line, env=zones.environment, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        done = zones.run("exec", "a", *words("/tmp"))
        assert (done.returncode, done.stderr) == (0, "")
        assert other.wait(timeout=60) == -signal.SIGKILL
    assert zones.state("a") == "ready"
    zones("halt", "a")
    eventually(lambda: _ours() <= before, "what served it is left")


def test_another_user_may_kill_nobody(zones: Zones, guests: Path) -> None:
    """And is told so in the words of its kernel: FreeBSD keeps ESRCH for where there is nobody."""
    zones.sparse("a", f"fs={guests}:{guests}:ro")
    zones("ready", "a")
    (zones.folder / "a/root/etc").mkdir()
    (zones.folder / "a/root/etc/passwd").write_text("joe:x:1001:1001::/:/bin/sh\n")
    zones("exec", "a", "/bin/sh", "-c", "sleep 1000 >/dev/null 2>&1 & :")
    for kernel, status in (("freebsd", 14), ("netbsd", 0)):
        done = zones.run("exec", "--user", "joe", "a", guests / kernel)
        assert (done.returncode, done.stderr) == (status, "")
    assert "sleep 1000" in zones("ps", "a")


@pytest.mark.parametrize(("engine", "status"), [("native", 15), ("ptrace", -signal.SIGKILL)])
def test_a_supervisor_that_is_killed_from_outside(
    guests: Path, engine: str, status: int, tmp_path: Path
) -> None:
    """A guest goes on without what that served; one that is traced ends with its tracer."""
    line = command("run", "--engine", engine, guests / "freebsd", "wait")
    pipe = subprocess.PIPE
    with subprocess.Popen(line, env=environment(), cwd=tmp_path, stdin=pipe, stdout=pipe) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        assert started.stdout.read(1) == b"r"
        (attendant,) = (pid for pid in children(started.pid) if name_of(pid) == "guise-supervise")
        os.kill(attendant, signal.SIGKILL)
        eventually(lambda: state(attendant) in ("", "Z"), "it has ended")
        started.stdin.close()
        assert started.wait(timeout=60) == status


def _ours() -> set[str]:
    """Guise's own processes."""
    found = set()
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as file:
                text = file.read()
        except OSError:
            continue
        if "(guise-" in text and text.rpartition(")")[2].split()[0] != "Z":
            found.add(name)
    return found
