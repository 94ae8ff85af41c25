"""Job control on a terminal: the guest is the job, so every key means what it means at home."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal import Terminal

from . import real

PROMPT = "ready to go> "


class Shell(Terminal):
    """An interactive bash on a terminal of its own."""

    patience = 40.0

    def __init__(self) -> None:
        environment = {**real.environment(), "PS1": PROMPT, "TERM": "dumb", "PROMPT_COMMAND": ""}
        super().__init__(["bash", "--norc", "--noprofile", "--noediting", "-i"], environment)
        self.expect(PROMPT)

    def command(self, line: str) -> None:
        self.type(line + "\n")
        self.expect("\r\n")  # the echo of the line

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    real.require_guests()
    return real.small_guest(tmp_path_factory.mktemp("guest"))


@pytest.fixture
def terminal() -> Iterator[Shell]:
    opened = Shell()
    yield opened
    opened.close()


@pytest.fixture(params=real.ENGINES)
def start(request: pytest.FixtureRequest, guest: Path) -> str:
    """The beginning of a command line that runs the guest."""
    return " ".join(real.command(f"--engine={request.param}", guest))


def test_control_c_reaches_the_guest_once(terminal: Shell, start: str) -> None:
    terminal.command(f"{start} count")
    terminal.expect("ready\r\n")
    for _ in range(3):
        terminal.type("\x03")
        assert "signal" not in terminal.expect("signal 2\r\n")
    time.sleep(0.5)
    terminal.type("\x1c")
    terminal.expect("signal 3\r\n") if "signal 3" in terminal.text else terminal.expect("signal 3")
    assert "signal 2" not in terminal.text
    os.kill(job(start, "count"), signal.SIGTERM)
    terminal.expect(PROMPT)


def job(start: str, word: str) -> int:
    """The pid of the running guest with this argument."""
    program = start.split()[-1].encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while it was looked at
            if words[:2] == [program, word.encode()]:
                return int(entry.name)
    raise AssertionError("the guest is not there")


def test_control_c_ends_a_guest_that_does_not_care(terminal: Shell, start: str) -> None:
    terminal.command(f"{start} echo")
    terminal.expect("ready\r\n")
    terminal.type("\x03")
    terminal.expect(PROMPT)
    terminal.command("echo status $?")
    terminal.expect("status 130\r\n")


def test_control_z_and_fg(terminal: Shell, start: str) -> None:
    terminal.command(f"{start} echo")
    terminal.expect("ready\r\n")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect(PROMPT)
    terminal.command("echo status $?; jobs")
    terminal.expect("status 148\r\n")
    terminal.expect("Stopped")
    terminal.expect(PROMPT)
    terminal.command("fg")
    terminal.type("again\n")
    terminal.expect("again\r\n")
    terminal.expect("again\r\n")
    terminal.type("\x04")
    terminal.expect(PROMPT)
    terminal.command("echo status $?")
    terminal.expect("status 0\r\n")


def test_reading_in_the_background_stops_it(terminal: Shell, start: str) -> None:
    terminal.command(f"{start} echo &")
    terminal.expect("ready\r\n")
    time.sleep(0.3)
    for _ in range(50):
        terminal.command("jobs")
        if "Stopped" in terminal.expect(PROMPT):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the job was not stopped")
    terminal.command("kill %1; fg")
    terminal.expect(PROMPT)


def test_hanging_up_ends_it(guest: Path) -> None:
    terminal = Shell()
    start = " ".join(real.command(guest))
    terminal.command(f"{start} echo")
    terminal.expect("ready\r\n")
    pid = job(start, "echo")
    terminal.close()
    deadline = time.monotonic() + 20
    while _state(pid) not in ("Z", ""):
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)


def _state(pid: int) -> str:
    """The letter that ps shows; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
