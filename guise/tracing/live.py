"""Run a program and hand on what the rings bring, until its last process has ended."""

from __future__ import annotations

import _signal  # the enums of `signal` and `socket` take longer than all the rest
import _socket
import os
import sys
import time

from guise.cli import last_resort
from guise.tracing import forking
from personality.supervisor import launch
from personality.tracing import layout
from personality.tracing.area import LARGE_RING, Area, Chunk, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

    from personality.tracing.area import Taker

_BUSY, _IDLE = 0.005, 0.05  # seconds between two looks, after something and after nothing was there


class Run:
    """A traced program.  `status` is its wait status once `rounds` has ended."""

    def __init__(
        self,
        area: Area,
        start: Callable[[], int],
        processes: _socket.socket | None = None,
        *,
        foreground: bool = True,
    ) -> None:
        """`start` becomes the guest in a new process, or returns the status to exit with.

        `processes`: over this comes a descriptor of the guests' /proc, if theirs is another than ours.
        `foreground`: this process is a command that stands for the program, so signals go to the program.
        """
        self.area = area
        self.status = 0
        self.saw_something = False
        self._wanted_now = False
        self._processes = processes
        if processes is not None:
            processes.setblocking(False)
        self._pid = forking.fork()
        if self._pid == 0:
            status = 125
            try:
                area.leave()
                status = start()
            except Exception as error:
                status = last_resort(error)
            finally:
                os._exit(status)
        os.close(area.guests)
        self._waited = False
        if foreground:
            for number in (_signal.SIGINT, _signal.SIGQUIT):
                _signal.signal(number, _signal.SIG_IGN)  # the terminal sends them to the guest as well
            for number in (_signal.SIGTERM, _signal.SIGHUP):
                _signal.signal(number, self._pass_on)
            _signal.signal(_signal.SIGCHLD, lambda _number, _frame: None)  # ends a rest

    @property
    def process(self) -> int:
        return self._pid

    def rounds(
        self, *, patient: bool = True, straight: Taker | None = None
    ) -> Generator[list[Chunk], None, None]:
        """What each look at the rings brings.  When the caller stops, guests go on untraced.

        `patient`: wait a moment between two looks, unless much has come.  `straight` gets the complete
        records at once: what remains are the calls of those that were killed.
        """
        pause = _BUSY
        try:
            while True:
                self._find_processes()
                alive = self.area.has_guests()
                chunks = self.area.drain() if straight is None else []
                found = bool(chunks) if straight is None else self.area.hand_on(straight)
                if not alive or (not found and (pause >= _IDLE or not patient)):
                    chunks += self.area.bury(everybody=not alive)
                found = found or bool(chunks)
                self.saw_something = self.saw_something or found
                yield chunks
                if not alive and not found:
                    break
                pause = _BUSY if found else min(2 * pause, _IDLE)
                if patient and alive:
                    self.area.rest(pause)
        finally:
            self.abandon()

    def _find_processes(self) -> None:
        if self._processes is None:
            return
        try:
            _, found, _, _ = self._processes.recvmsg(1, _socket.CMSG_SPACE(4))
        except BlockingIOError:
            return
        self._processes.close()
        self._processes = None
        if found:
            self.area.processes = f"/proc/self/fd/{int.from_bytes(found[0][2][:4], sys.byteorder)}"

    def flights(self, events: int) -> Generator[tuple[str, list[Chunk]], None, None]:
        """The last events, and why now: "signal" (SIGUSR1), "crash" (of any process), "exit" at the end."""
        _signal.signal(_signal.SIGUSR1, self._want_now)
        kept: list[_Left] = []
        try:
            while self.area.has_guests():
                ended = self.area.snapshot(ended_only=True)
                kept = _keep(kept, ended, events) if ended else kept
                self.saw_something = self.saw_something or bool(ended)
                crashed = any(_crashed(chunk) for chunk in ended)
                if crashed or self._wanted_now:
                    self._wanted_now = False
                    held = [left.chunk for left in kept]
                    yield "crash" if crashed else "signal", [*held, *self.area.snapshot()]
                time.sleep(_IDLE)
            held = [left.chunk for left in kept]
            last = [*held, *self.area.snapshot(), *self.area.open_calls()]
            self.saw_something = self.saw_something or bool(last)
            yield "exit", last
        finally:
            self.abandon()

    def abandon(self) -> None:
        """The guests go on untraced; returns when the program itself has ended."""
        if self._processes is not None:
            self._processes.close()
            self._processes = None
        self.area.stop()
        self.wait()

    def wait(self) -> None:
        """Until the program itself has ended."""
        if not self._waited:
            _, self.status = os.waitpid(self._pid, 0)
            self._waited = True

    def kill(self) -> None:
        """End the program itself."""
        if not self._waited:
            os.kill(self._pid, _signal.SIGKILL)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if not self._waited:
            os.kill(self._pid, number)

    def _want_now(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted_now = True


class _Left:
    """What a thread that is gone has left, and when its last events were, the latest first."""

    __slots__ = ("chunk", "ends")

    def __init__(self, chunk: Chunk, ends: list[int]) -> None:
        self.chunk = chunk
        self.ends = ends


def _keep(kept: list[_Left], ended: list[Chunk], events: int) -> list[_Left]:
    """Without the threads that have none of the last events of all."""
    import heapq

    from personality.tracing import records

    for chunk in ended:
        ends = [record.end for record in records.parse(chunk.data)]
        kept = [*kept, _Left(chunk, heapq.nlargest(events, ends))]
    last = heapq.nlargest(events, (end for left in kept for end in left.ends))
    return [left for left in kept if left.ends and left.ends[0] >= last[-1]]


def _crashed(chunk: Chunk) -> bool:
    from personality.tracing import records

    return any(record.kind == layout.END and record.result for record in records.parse(chunk.data))


def area_for(
    *, full: int, options: int, text_limit: int, stack_limit: int, policy: Policy, events: int = 0
) -> Area:
    """Raises LaunchError when the host refuses the memory.  `events`: how many a ring must hold at least."""
    ring = LARGE_RING
    while ring < min(events * 512, 1 << 24):
        ring *= 2
    try:
        return Area(
            full=full,
            options=options,
            text_limit=text_limit,
            stack_limit=stack_limit,
            policy=policy,
            ring=ring,
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise launch.LaunchError(f"there is no memory for the trace: {reason}", 125) from None


def end_as(status: int) -> int:
    """The exit status that says the same; does not return when a signal ended the program."""
    if os.WIFSIGNALED(status):
        import resource

        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        _signal.signal(number, _signal.SIG_DFL) if number not in (_signal.SIGKILL, _signal.SIGSTOP) else None
        os.kill(os.getpid(), number)
    return os.waitstatus_to_exitcode(status) & 0xFF
