"""`guise zone login`: a shell in a zone on a terminal of the zone's own, as zlogin(1) gives it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import struct
import termios
import tty

from guise.cli import complain
from guise.zone import entering
from personality.supervisor import launch
from sandbox.zone import ZoneError, ephemeral, place
from sandbox.zone.attendant import Attendant
from sandbox.zone.ephemeral import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.place import Entrance

_UNLOCK, _NUMBER = 0x40045431, 0x80045430  # TIOCSPTLCK, TIOCGPTN of asm-generic/ioctls.h
_LEAVE = b"~."
"""At the start of a line: disconnect, as in zlogin(1)."""


def login(name: str, command: list[str], user: str) -> int:
    """The shell's own exit status.  Without a terminal of ours: as `exec`.  Raises ZoneError."""
    _, settings, entrance = entering.running_zone(name, "login")
    if not os.isatty(0):
        return entering.execute(name, command, user, "")
    master, slave = _terminal(entrance)
    _copy_size(master)
    child = os.fork()
    if child == 0:
        os.close(master)
        _become(settings, entrance, slave, command, user)
    os.close(slave)
    complain(f"[connected to zone {name} on {os.ttyname(0)}; ~. at the start of a line disconnects]", 0)
    ended = _carry(master)
    os.close(master)
    if not ended:
        os.kill(child, signal.SIGHUP)
    _, status = os.waitpid(child, 0)
    complain(f"[connection to zone {name} closed]", 0)
    return _status(status)


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _terminal(entrance: Entrance) -> tuple[int, int]:
    """A pair of the zone's own terminals: what runs there finds its name."""
    outside = ephemeral.where_we_are()
    entrance.files()
    try:
        master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        fcntl.ioctl(master, _UNLOCK, struct.pack("i", 0))
        (number,) = struct.unpack("i", fcntl.ioctl(master, _NUMBER, bytes(4)))
        slave = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise ZoneError(f"zone {entrance.name} gives no terminal: {(error.strerror or '').lower()}") from None
    finally:
        ephemeral.go(*outside)
        for descriptor in outside:
            os.close(descriptor)
    return master, slave


def _copy_size(master: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))


def _become(settings: Configuration, entrance: Entrance, slave: int, command: list[str], user: str) -> None:
    """In the child: go in, and wait there for the shell, whose end becomes this process's."""
    status = 125
    try:
        os.setsid()
        attendant = Attendant()
        entrance.hold(attendant.pid)
        entrance.join()
        entrance.arrive()
        with place.starting(entrance.name):
            shell = os.fork()
        if shell == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for number in (0, 1, 2):
                os.dup2(slave, number)
            joined = place.arrived(entrance, Request("", ()), attendant)
            more = {"TERM": os.environ.get("TERM", "dumb")}
            with place.starting(entrance.name):
                entering.start(settings, command, joined, more=more, user=user)
        os.close(slave)
        signal.signal(signal.SIGHUP, lambda number, frame: _hang_up(shell))
        _, ended = os.waitpid(shell, 0)
        status = _status(ended)
    except launch.LaunchError as error:
        status = complain(str(error), error.status)
    except ZoneError as error:
        status = complain(str(error), 1)
    finally:
        os._exit(status)


def _hang_up(shell: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(shell, signal.SIGHUP)


def _carry(master: int) -> bool:
    """Between our terminal and the zone's until one side has ended; whether it was the zone's."""
    before = termios.tcgetattr(0)

    def resized(number: int, frame: FrameType | None) -> None:
        _copy_size(master)

    handled = signal.signal(signal.SIGWINCH, resized)
    start_of_line = True
    tilde = False
    tty.setraw(0)
    try:
        while True:
            readable, _, _ = select.select([0, master], [], [])
            if master in readable:
                try:
                    output = os.read(master, 1 << 16)
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    return True
                if not output:
                    return True
                _write(1, output)
            if 0 in readable:
                typed = os.read(0, 1 << 12)
                if not typed:
                    return False
                for at in range(len(typed)):
                    one = typed[at : at + 1]
                    if tilde and one == _LEAVE[1:]:
                        return False
                    tilde = start_of_line and one == _LEAVE[:1]
                    start_of_line = one in (b"\r", b"\n")
                _write(master, typed)
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, before)
        signal.signal(signal.SIGWINCH, handled)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
