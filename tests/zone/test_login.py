"""`guise zone login` on a terminal: a shell with job control, sizes, and the way out."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import time

import pytest

from tests.terminal import Terminal

from .bench import Zones


@pytest.fixture(autouse=True)
def booted(zones: Zones) -> None:
    zones.sparse("a")
    zones("boot", "a")


class Login(Terminal):
    def __init__(self, zones: Zones, *words: str) -> None:
        super().__init__(zones.line("login", *words), {**zones.environment, "TERM": "dumb"})

    def end(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)


def test_a_shell_on_a_terminal_of_its_own(zones: Zones) -> None:
    terminal = Login(zones, "a")
    terminal.expect("connected to zone a")
    terminal.expect("# ")
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("4H", 33, 77, 0, 0))
    terminal.type("tty; stty size; echo $HOME $0\r")
    terminal.expect("/dev/pts/0\r\n")
    terminal.expect("33 77\r\n")
    terminal.expect("-sh\r\n")
    terminal.type("sleep 1000\r")
    terminal.expect("sleep 1000\r\n")
    time.sleep(0.5)
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("kill -9 %1; sleep 0.1\r\r")
    terminal.expect("Killed")
    terminal.type("trap 'echo interrupted' INT; kill -INT $$\r")
    terminal.expect("kill -INT $$\r\n")  # a prompt may come only now, if this was typed before it
    terminal.expect("interrupted\r\n")
    terminal.type("exit 4\r")
    terminal.expect("connection to zone a closed")
    assert terminal.end() == 4


def test_disconnecting(zones: Zones) -> None:
    terminal = Login(zones, "a")
    terminal.expect("# ")
    terminal.type("sleep 999\r")
    terminal.expect("sleep 999\r\n")
    terminal.type("\r~.")
    terminal.expect("connection to zone a closed")
    assert terminal.end() == 129
    deadline = time.monotonic() + 30
    while "sleep 999" in zones("ps"):
        assert time.monotonic() < deadline, "what it ran goes on"
        time.sleep(0.05)


def test_a_login_that_is_killed_leaves_nothing(zones: Zones) -> None:
    terminal = Login(zones, "a")
    terminal.expect("# ")
    os.kill(terminal.pid, 9)
    assert terminal.end() == -9
    deadline = time.monotonic() + 30
    while len(zones("ps").splitlines()) > 2:
        assert time.monotonic() < deadline, zones("ps")
        time.sleep(0.05)
