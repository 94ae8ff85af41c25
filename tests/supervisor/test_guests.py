"""The whole path with a real guest, on both engines: endings, cold calls, exec, tracing, many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import real
from .test_launch import supervisors


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    real.require_guests()
    return real.small_guest(tmp_path_factory.mktemp("guest"))


@pytest.fixture(params=real.ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return f"--engine={request.param}"


def test_it_runs(guest: Path, engine: str) -> None:
    done = real.run(engine, guest)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


@pytest.mark.parametrize("status", [0, 1, 130, 255])
def test_exit_status(guest: Path, engine: str, status: int) -> None:
    assert real.run(engine, guest, "exit", str(status)).returncode == status


@pytest.mark.parametrize(
    ("number", "host"),
    [(9, signal.SIGKILL), (15, signal.SIGTERM), (11, signal.SIGSEGV), (30, signal.SIGUSR1)],
)
def test_death_by_signal(guest: Path, engine: str, number: int, host: signal.Signals) -> None:
    assert real.run(engine, guest, "kill", str(number)).returncode == -host


def test_cold_calls(guest: Path, engine: str) -> None:
    assert real.run(engine, guest, "cold", "50").returncode == 0


def test_exec_chooses_by_image(guest: Path, engine: str) -> None:
    assert real.run(engine, guest, "exec", "/bin/sh", "-c", "echo host $0", "x").stdout == "host x\n"
    assert real.run(engine, guest, "exec", guest, "exit", "9").returncode == 9


def test_no_patching(guest: Path) -> None:
    assert real.run("--no-patch", guest, "cold", "3").returncode == 0


def test_a_daemon_is_served_after_its_parent_has_ended(guest: Path, engine: str, tmp_path: Path) -> None:
    result = tmp_path / "result"
    assert real.run(engine, guest, "daemon", result).returncode == 0
    deadline = time.monotonic() + 30
    while not result.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.1)
    assert result.read_text() == "ok"


def test_killing_the_process_kills_the_guest_and_all_of_it(guest: Path, engine: str) -> None:
    before = supervisors()
    child = subprocess.Popen(
        real.command(engine, guest, "echo"),
        env=real.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.kill()
    assert child.wait(30) == -signal.SIGKILL
    child.communicate()
    deadline = time.monotonic() + 20
    while supervisors() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not supervisors() - before


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (signal.SIGHUP, 1),
        (signal.SIGINT, 2),
        (signal.SIGUSR1, 30),
        (signal.SIGUSR2, 31),
        (signal.SIGCONT, 19),
    ],
)
def test_signals_reach_the_guest_by_its_own_numbers(guest: Path, engine: str, sent: int, seen: int) -> None:
    child = subprocess.Popen(
        real.command(engine, guest, "count"), env=real.environment(), stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(sent)
    assert child.stdout.readline() == f"signal {seen}\n"
    child.terminate()
    assert child.stdout.read() == "signal 15\n"
    assert child.wait(30) == 0
    child.stdout.close()


def test_many_at_once_and_in_a_row(guest: Path) -> None:
    before = supervisors()
    start = [
        subprocess.Popen(real.command(guest, "cold", "2"), env=real.environment(), stdout=subprocess.DEVNULL)
        for _ in range(24)
    ]
    assert [child.wait(120) for child in start] == [0] * len(start)
    for _ in range(10):
        assert real.run(guest).returncode == 0
    deadline = time.monotonic() + 20
    while supervisors() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not supervisors() - before


HOOKED = """
import os, sys
from personality.supervisor import launch
seen = []
def before(call):
    seen.append(call.number)
    if call.number == 4 and MODE == "argument":
        call.set_argument(2, 1)
    if call.number == 20 and MODE == "number":
        call.set_number(39)
def after(call):
    if call.number == 20 and MODE == "value":
        call.succeed(4242)
    if call.number == 20 and MODE == "error":
        call.fail(1)
    if MODE == "log":
        os.write(2, f"{call.number} {call.value} {call.error}\\n".encode())
MODE = sys.argv[1]
options = launch.Options(engine="ptrace", before=before, after=after, verbose=True)
launch.start(sys.argv[2], sys.argv[3:], dict(os.environ), options)
"""


def hooked(mode: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", HOOKED, mode, *map(str, words)]
    return subprocess.run(
        arguments, env=real.environment(), capture_output=True, text=True, check=False, timeout=60
    )


def test_hooks_see_each_call_before_and_after(guest: Path) -> None:
    done = hooked("log", guest)
    assert done.stdout == "hello\n"
    assert "4 6 0\n" in done.stderr


def test_hooks_change_calls_and_results(guest: Path) -> None:
    assert hooked("value", guest, "call").stdout == "4242"
    assert hooked("argument", guest).stdout == "h"
    parent = hooked("number", guest, "call")
    assert parent.stdout == str(os.getpid())
    # The guest prints -EPERM as its unsigned digits would be; what counts is that it is no pid.
    assert hooked("error", guest, "call").stdout != ""


def test_hooks_see_children_from_their_first_call_on(guest: Path, tmp_path: Path) -> None:
    for _ in range(5):
        done = hooked("log", guest, "daemon", tmp_path / "result")
        numbers = [int(line.split()[0]) for line in done.stderr.splitlines()]
        # fork, the parent's exit (whose end is not seen), and the child's four calls
        assert {2, 147, 240, 202, 5, 4} <= set(numbers)
