"""A process that serves what runs in a sandbox, from outside of its namespace of processes.

Nothing in there can name it: no signal reaches it, kill(-1, SIGKILL) of the sandbox's root passes it by, and
no list of processes shows it.  So it has to be forked before the sandbox is made, and waits until somebody
inside says what to do; it ends where nobody is left who might.
"""

from __future__ import annotations

import _signal  # not `signal` and `socket`: see ephemeral.py
import _socket
import marshal
import os

from sandbox.zone import ZoneError, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_ORDERS = 3  # its descriptor of the socket that orders come from
_KINDS = (("user", "user"), ("ipc", "ipc"), ("uts", "uts"), ("net", "net"))  # kind, name below /proc/PID/ns
_MOST = 65536
_GONE = "the process that serves the sandbox has ended: was it killed, or is there too little memory?"
_MSG_CMSG_CLOEXEC = 0x40000000


class Attendant:
    """It, as seen by its parent and by what goes into the sandbox."""

    __slots__ = ("_asked", "_orders", "pid")

    def __init__(self, *, orphan: bool = False) -> None:
        """Fork it; an `orphan` is nobody's child, for what outlives this process.  Raises OSError."""
        self._asked = False
        self.pid = 0
        self._orders, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        try:
            if orphan:
                kernel.apart(lambda: self._fork(theirs))
            else:
                self._fork(theirs)
        except BaseException:
            self._orders.close()
            raise
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
            theirs.close()

    def _fork(self, theirs: _socket.socket) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            _wait(theirs.fileno())

    def serve(self, work: tuple[str, str], settings: bytes, descriptors: Sequence[int]) -> None:
        """Let it call work = (module, function) with `settings` and copies of the descriptors.

        Behind those comes one of our /proc.  It goes to our namespaces, but for files and processes.
        Raises ZoneError.
        """
        spaces = [os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for _, name in _KINDS]
        processes = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        sent = b"".join(number.to_bytes(4, "little") for number in (*spaces, *descriptors, processes))
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, sent)]
        try:
            self._orders.sendmsg([marshal.dumps((*work, settings))], rights)
        except OSError:
            raise ZoneError(_GONE) from None
        finally:
            for number in (*spaces, processes):
                os.close(number)
        self._asked = True

    def wait(self) -> None:
        """Until it serves, if it was asked to.  Raises ZoneError."""
        try:
            if not self._asked or self._orders.recv(1):
                return
        except ConnectionResetError:
            pass  # it left our order unread
        raise ZoneError(_GONE)

    def leave(self) -> None:
        """No order comes from this process: where none comes from another either, it ends."""
        self._orders.close()

    def dismiss(self) -> None:
        """For its parent: let it end, as it is not needed."""
        self.leave()
        os.waitpid(self.pid, 0)


def _wait(socket: int) -> NoReturn:
    """In the new process.  Signals are blocked: it is still in its parent's group."""
    try:
        os.setsid()
        kernel.write("/proc/self/comm", "guise-supervise")  # what ps shows
        if socket != _ORDERS:
            os.dup2(socket, _ORDERS, inheritable=False)
        kernel.null_streams()
        os.closerange(_ORDERS + 1, max(os.sysconf("SC_OPEN_MAX"), 1 << 16))
        os.chdir("/")
        for number in _signal.valid_signals() - {_signal.SIGKILL, _signal.SIGSTOP}:
            if _signal.getsignal(number) not in (_signal.SIG_DFL, _signal.SIG_IGN):
                _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
        orders = _socket.socket(fileno=_ORDERS)
        packet, ancillary, _, _ = orders.recvmsg(_MOST, _socket.CMSG_SPACE(64), _MSG_CMSG_CLOEXEC)
        if not packet:
            os._exit(0)
        sent = b"".join(data for _, _, data in ancillary)
        numbers = [int.from_bytes(sent[at : at + 4], "little") for at in range(0, len(sent), 4)]
        _see_own_processes()
        for kind, name in _KINDS:
            _go(kind, name, numbers.pop(0))
        module, function, settings = marshal.loads(packet)
        orders.send(b"s")
        orders.close()
        getattr(__import__(module, fromlist=[function]), function)(settings, numbers)
        os._exit(0)
    except BaseException as error:
        if os.environ.get("GUISE_DEBUG") == "1":
            import sys

            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(125)


def _see_own_processes() -> None:
    """Have a /proc where processes have the numbers that they have for us: `unshare --pid` leaves another."""
    if os.readlink("/proc/self") != str(os.getpid()):
        kernel.unshare("mount")
        kernel.make_private("/")
        kernel.mount("proc", "/proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def _go(kind: str, name: str, there: int) -> None:
    """Into a namespace, if we are not there: without rights over it that is no wish that could be refused."""
    if not os.path.samestat(os.stat(f"/proc/self/ns/{name}"), os.fstat(there)):
        kernel.set_namespace(there, kind)
    os.close(there)
