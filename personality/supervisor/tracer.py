"""Engine ptrace: every guest call stops twice, and Python sees it before and after.

The runtime still does the translation, so there is one implementation of each call and two ways of
catching it.  A call arrives as the stop for the SIGSYS that the host's syscall user dispatch sends;
it ends with a breakpoint that the runtime executes on its way out.  python-ptrace provides the
requests it has; seizing, listening and siginfo come from the core.
"""

from __future__ import annotations

import errno
import os
import signal
import threading

from ptrace.binding import func as requests
from ptrace.error import PtraceError

from personality import _core
from personality.supervisor import handlers, numbers
from personality.supervisor.call import FRAME_SIZE, Call
from personality.supervisor.guest import Guest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from personality.supervisor.server import Server

    Hook = Callable[[Call], None]

_EXITKILL = 0x100000
_OPTIONS = (
    requests.PTRACE_O_TRACECLONE
    | requests.PTRACE_O_TRACEFORK
    | requests.PTRACE_O_TRACEVFORK
    | requests.PTRACE_O_TRACEEXEC
    | _EXITKILL
)
_EVENT_STOP = 128
_BIRTHS = (requests.PTRACE_EVENT_FORK, requests.PTRACE_EVENT_VFORK, requests.PTRACE_EVENT_CLONE)
_GROUP_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_WALL = 0x40000000
_OWN = 0x20000000  # __WNOTHREAD: what this thread started or traces, and nobody else's children
_USER_DISPATCH = 2  # si_code of a caught call
_KERNEL = 0x80  # si_code of a breakpoint instruction
_CODE_OFFSET = 8  # of si_code in siginfo_t


class Tracer:
    """Traces the guests of one run, from the first one's first call to the last one's end.

    `before` and `after` are called in the tracing thread, one call at a time.  What a hook raises
    ends the run.
    """

    def __init__(self, before: Hook | None = None, after: Hook | None = None) -> None:
        self._before = before
        self._after = after
        self._started = False
        self.statuses: dict[int, int] = {}
        """Wait statuses of the threads and processes that have ended."""
        self._breakpoints: set[int] = set()
        self._kernels: dict[int, str] = {}
        self._calls: dict[int, Call] = {}
        self._guests: dict[int, int] = {}
        self._siginfo = _core.ffi.new("char[]", 128)

    def on_hello(self, pid: int, kernel: str, args: tuple[int, ...]) -> None:
        """A guest image is about to start.  Raises OSError when it cannot be traced."""
        self._breakpoints.add(args[2] + 1)
        self._kernels[pid] = kernel
        if not self._started:
            failed = -_core.lib.core_seize(pid, _OPTIONS)
            if failed > 0:
                raise OSError(failed, os.strerror(failed))
            self._started = True

    def run(self, server: Server) -> None:
        """Serve upcalls and trace until the last guest has ended."""
        while not self._started:
            if not server.serve_one():
                return
        serving = threading.Thread(target=server.serve, daemon=True)
        serving.start()
        try:
            self._trace()
        except BaseException:
            server.stop()  # its socket is closed by whoever catches this; no thread may still read it then
            raise
        finally:
            serving.join()

    def _trace(self) -> None:
        while True:
            try:
                tid, status = os.waitpid(-1, _WALL | _OWN)
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                self.statuses[tid] = status
                self._forget(tid)
                continue
            try:
                self._stopped(tid, os.WSTOPSIG(status), status >> 16)
            except (PtraceError, ProcessLookupError) as error:
                # Another thread's exit or a SIGKILL took it away between the stop and now.
                if getattr(error, "errno", None) not in (errno.ESRCH, 0, None):
                    raise

    def _stopped(self, tid: int, number: int, event: int) -> None:
        if event in _BIRTHS:
            child = requests.ptrace_geteventmsg(tid)
            self._kernels[child] = self._kernel_of(tid)
            requests.ptrace_cont(tid)
        elif event == _EVENT_STOP and number in _GROUP_STOPS:
            _core.lib.core_listen(tid)  # stays stopped until SIGCONT, as a job
        elif event:
            requests.ptrace_cont(tid)
        elif number == signal.SIGSYS and self._code(tid) == _USER_DISPATCH:
            self._enter(tid)
            requests.ptrace_cont(tid, number)
        elif number == signal.SIGTRAP and self._code(tid) == _KERNEL and self._leave(tid):
            requests.ptrace_cont(tid)
        else:
            requests.ptrace_cont(tid, number)

    def _code(self, tid: int) -> int:
        if _core.lib.core_get_siginfo(tid, self._siginfo, 128) < 0:
            return 0
        raw = bytes(_core.ffi.buffer(self._siginfo, 128))
        return int.from_bytes(raw[_CODE_OFFSET : _CODE_OFFSET + 4], "little", signed=True)

    def _kernel_of(self, tid: int) -> str:
        """The kernel that a thread believes in: its own, its process's, its parent's.

        A child's first stops may be seen before the stop that tells of its birth.
        """
        kernel = self._kernels.get(tid)
        if kernel is None:
            try:
                with open(f"/proc/{tid}/status", encoding="utf-8", errors="replace") as file:
                    facts = dict(line.split(":\t", 1) for line in file if ":\t" in line)
            except (FileNotFoundError, ProcessLookupError):
                return ""
            relatives = (int(facts["Tgid"]), int(facts["PPid"]))
            kernel = next((self._kernels[pid] for pid in relatives if pid in self._kernels), "")
            self._kernels[tid] = kernel
        return kernel

    def _known(self, tid: int) -> int:
        """The guest's own number of a thread, which keeps it for life.  Raises ProcessLookupError."""
        if tid not in self._guests:
            self._guests[tid] = numbers.of_guest(tid)
        return self._guests[tid]

    def _enter(self, tid: int) -> None:
        if self._before is None and self._after is None:
            return
        kernel = self._kernel_of(tid)
        convention = handlers.convention(kernel)
        if convention is None:
            return
        registers = requests.ptrace_getregs(tid)
        known = self._known(tid)
        call = Call(Guest(known, known, kernel, number=tid), convention, registers)
        if self._before is not None:
            self._before(call)
            if call.changed:
                requests.ptrace_setregs(tid, registers)
        self._calls[tid] = call

    def _leave(self, tid: int) -> bool:
        """Handle the runtime's breakpoint; False: the trap is the guest's own."""
        registers = requests.ptrace_getregs(tid)
        if registers.rip not in self._breakpoints:
            return False
        call = self._calls.pop(tid, None)
        if call is None or self._after is None:
            return True
        frame = int(registers.rdi)
        try:
            call.finished(call.guest.read(frame, FRAME_SIZE))
            self._after(call)
            if call.changed:
                call.guest.write(frame, call.frame)
        finally:
            call.guest.close()
        return True

    def _forget(self, tid: int) -> None:
        self._kernels.pop(tid, None)
        self._guests.pop(tid, None)
        call = self._calls.pop(tid, None)
        if call is not None:
            call.guest.close()
