"""Run a program and hand on what the rings bring, until its last process has ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

from personality.supervisor import launch
from personality.tracing.area import Area, Chunk

_BUSY, _IDLE = 0.002, 0.05  # seconds between two looks, after something and after nothing was there


class Run:
    """A traced program.  `status` is its wait status once `rounds` has ended."""

    def __init__(self, area: Area, start: Callable[[], int]) -> None:
        """`start` becomes the guest in a new process, or returns the status to exit with."""
        self.area = area
        self.status = 0
        self.saw_something = False
        self._pid = os.fork()
        if self._pid == 0:
            status = 125
            try:
                area.leave()
                status = start()
            finally:
                os._exit(status)
        os.close(area.guests)
        self._waited = False
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)  # the terminal sends them to the guest as well
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._pass_on)

    def rounds(self) -> Iterator[list[Chunk]]:
        """What each look at the rings brings.  When the caller stops, guests go on untraced."""
        pause = _BUSY
        try:
            while True:
                alive = self.area.has_guests()
                chunks = self.area.drain()
                if not alive or (not chunks and pause >= _IDLE):
                    chunks += self.area.bury(everybody=not alive)
                self.saw_something = self.saw_something or bool(chunks)
                yield chunks
                if not alive and not chunks:
                    break
                pause = _BUSY if chunks else min(2 * pause, _IDLE)
                if not chunks:
                    time.sleep(pause)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """The guests go on untraced; returns when the program itself has ended."""
        self.area.stop()
        self.wait()

    def wait(self) -> None:
        """Until the program itself has ended."""
        if not self._waited:
            _, self.status = os.waitpid(self._pid, 0)
            self._waited = True

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if not self._waited:
            os.kill(self._pid, number)


def area_for(*, lossy: bool) -> Area:
    """Raises LaunchError when the host refuses the memory."""
    try:
        return Area(lossy=lossy)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise launch.LaunchError(f"there is no memory for the trace: {reason}", 125) from None


def end_as(status: int) -> int:
    """The exit status that says the same; does not return when a signal ended the program."""
    if os.WIFSIGNALED(status):
        import resource

        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), number)
    return os.waitstatus_to_exitcode(status) & 0xFF
