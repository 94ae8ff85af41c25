"""A sandbox around one program, for as long as it runs: what `guise run` puts its guests into.

Three processes.  The one that the shell started becomes the *monitor*; its child is the namespace's
*init*; the init's child goes on with this Python program and becomes the guest.  The first two execute
guise-init, a static program of a few pages: sandbox/zone/init says how they make exit status, signals and
job control what they would be without a sandbox.  Killing any of them ends all of it.

There are two views of the file system.  *Outside* is the host's own, with the sandbox's /proc: processes that
serve the guest stay there.  *Inside* is the guest's.
"""

from __future__ import annotations

import _signal  # not `signal` and `socket`: the enums that those build take longer than the sandbox
import _socket
import errno
import os
import stat

from sandbox.zone import ZoneError, confine, kernel, reason
from sandbox.zone.attendant import Attendant
from sandbox.zone.view import Share, furnish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NETWORKS = ("host", "none", "private")
_NAMESPACES = ("mount", "pid", "ipc", "uts")
_INIT = os.path.join(os.path.dirname(__file__), "guise-init")
_SOCKET, _READY = 3, 4  # descriptors that guise-init is started with
_LAST_RESERVED = 99
"""Numbers up to here are for no guest's thread: 16 and 17 in a mutex's owner mean something else on FreeBSD,
whose own threads start at 100000."""
SECURE_PROC = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


class Request:
    """What the sandbox shall share.

    root        the host's folder that becomes "/"
    shares      what appears besides, and what may be written to
    network     one of NETWORKS: the host's, none at all, or one with nothing but a loopback of its own
    program     the program's name as the user gave it, and its arguments
    directory   where it starts ("": where we are)
    read_only   folders of the host that stay as they are even below a writable one
    """

    __slots__ = ("arguments", "directory", "network", "program", "read_only", "root", "shares")

    def __init__(
        self,
        program: str,
        arguments: Sequence[str] = (),
        *,
        root: str = "/",
        shares: Sequence[Share] = (),
        network: str = "host",
        directory: str = "",
        read_only: Sequence[str] = (),
    ) -> None:
        self.program = program
        self.arguments = tuple(arguments)
        self.root = root
        self.shares = tuple(shares)
        self.network = network
        self.directory = directory
        self.read_only = tuple(read_only)


class Sandbox:
    """The sandbox as the process sees it that will become the guest, or its tracer."""

    def __init__(self, request: Request, attendant: Attendant, ready: int) -> None:
        self._request = request
        self._attendant = attendant
        self._ready = ready
        self._outside = self._inside = -1
        self._outer_root = self._inner_root = -1
        self.kernel = ""  # whose programs are told this release
        self.release = 0
        self._directory = "/"

    def furnish(self) -> None:
        """Build the guest's view of the file system, and see it.  Raises ZoneError."""
        from sandbox.zone import surroundings

        view, self._directory = surroundings.view_for(self._request)
        self._outside, self._outer_root = where_we_are()
        kernel.unshare("mount")
        furnish(view)
        self._inside, self._inner_root = where_we_are()
        self._start_there()
        if os.geteuid() == 0:
            _use_own_devices()

    def environment(self, given: dict[str, str]) -> dict[str, str]:
        """What the program starts with, where `given` is this process's."""
        return given

    def outside(self) -> None:
        """See the host's files, until `inside`."""
        go(self._outside, self._outer_root)

    def inside(self) -> None:
        """See the guest's files again."""
        go(self._inside, self._inner_root)
        self._start_there()

    def hold(self, path: str) -> int:
        """A descriptor of a file or folder of the host that the guest may have: all it gives is reading that.

        Call it outside.
        """
        folder, name = (path, "") if os.path.isdir(path) else os.path.split(path)
        tree = kernel.clone_tree(folder)
        kernel.change_tree(tree, set=kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV)
        if not name:
            return tree
        try:
            return os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=tree)
        finally:
            os.close(tree)

    def serve(self, work: tuple[str, str], settings: bytes, descriptors: Sequence[int]) -> None:
        """Let the process beside the sandbox work for it: see Attendant."""
        self._attendant.serve(work, settings, descriptors)

    def waiter(self) -> list[str]:
        """As the function, for an attendant that has nothing to do.

        Only root keeps over execve(2) the rights because of which guests cannot trace it.
        """
        return waiter() if os.geteuid() == 0 else []

    def confine(self) -> None:
        """The last thing before the guest's program: only its capabilities and calls are left.

        Raises ZoneError.
        """
        self._attendant.wait()
        os.read(self._ready, 1)  # until the init has made sure that the guest cannot trace it
        try:
            confine.confine(confine.KEPT if os.geteuid() == 0 else ())
        except OSError as error:
            raise ZoneError(f"the sandbox cannot be closed: {reason(error)}; {_GO_ON}") from None

    def _start_there(self) -> None:
        try:
            try:
                os.chdir(self._directory)
            except FileNotFoundError:
                if not self._directory.startswith("/proc/"):
                    raise
                os.chdir("/proc")  # it was of a process that the sandbox does not see
        except OSError as error:
            raise ZoneError(f"{self._directory} cannot be entered in the sandbox: {reason(error)}") from None


def _use_own_devices() -> None:
    """Standard streams that are the host's /dev/null and its like become the sandbox's.

    Through an open descriptor root changes owner and mode of the host's node; the sandbox's is read-only.
    """
    for number in (0, 1, 2):
        try:
            state = os.fstat(number)
            name = _COMMON_DEVICES.get(state.st_rdev)
            if name is None or not stat.S_ISCHR(state.st_mode):
                continue
            with open(f"/proc/self/fdinfo/{number}", "rb") as lines:  # codecs may be out of reach
                flags = next(int(line.split()[1], 8) for line in lines if line.startswith(b"flags:"))
            own = os.open(name, flags & (os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK))
            os.dup2(own, number)
            os.close(own)
        except OSError:
            continue  # closed, or a root without devices: what the descriptor is open to stays


def where_we_are() -> tuple[int, int]:
    """Descriptors of this process's mount namespace, and of its root in there."""
    namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    return namespace, os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def go(namespace: int, root: int) -> None:
    """Into a mount namespace, and to a root in it: whoever enters one is put at its topmost otherwise, which
    in a chroot is another.
    """
    kernel.set_namespace(namespace, "mount")
    os.fchdir(root)
    os.chroot(".")


_COMMON_DEVICES = {
    os.makedev(1, minor): f"/dev/{name}" for minor, name in ((3, "null"), (5, "zero"), (7, "full"))
}
_GO_ON = "--no-sandbox, or GUISE_SANDBOX=no for all runs, goes on without"


def enter(request: Request) -> Sandbox:
    """Put what follows into a sandbox: returns in a new process, and ends this one as that one ends.

    Raises ZoneError where the host does not allow it; nothing has changed then.
    """
    kinds = (*_NAMESPACES, *(() if request.network == "host" else ("net",)))
    attendant, ready = surround(lambda: isolate(kinds))
    try:
        kernel.mount("proc", "/proc", SECURE_PROC)
        if request.network == "private":
            kernel.loopback_up()
    except OSError as error:
        raise ZoneError(
            f"this host does not let {_who()} have a /proc of its own ({reason(error)}), as in a container "
            f"that hides parts of it: {_GO_ON}"
        ) from None
    return Sandbox(request, attendant, ready)


def check_host() -> None:
    """Raises ZoneError where nothing can be isolated."""
    if not os.access(_INIT, os.X_OK):
        raise ZoneError(f"there can be no sandbox: {_INIT} is missing: install Guise again; {_GO_ON}")
    if not os.access("/proc/self/ns/mnt", os.F_OK):
        raise ZoneError(f"there can be no sandbox: /proc is not mounted; {_GO_ON}")


def surround(
    move: Callable[[], None],
    arrive: Callable[[], None] | None = None,
    *,
    attend: Callable[[int], None] | None = None,
) -> tuple[Attendant, int]:
    """Start attendant, monitor and init around what follows: returns in a new process.

    With it the descriptor of a pipe that ends when the init is ready.  `move` takes this process to other
    namespaces.  Either to one of processes as well, for children: the init becomes its process 1.  Or
    `arrive` does that later, for one that has a process 1: the init stays outside then, where nothing
    inside can reach it.  `attend` is called with the attendant's number.  Raises what these raise, and
    ZoneError.
    """
    check_host()
    everything = _signal.valid_signals()
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, everything)
    on_child = _signal.getsignal(_signal.SIGCHLD)
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    attendant = None
    try:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored, it would hide how children end
        group = kernel.new_group()
        attendant = Attendant()
        if attend is not None:
            attend(attendant.pid)
        move()
        init = os.fork()
    except BaseException:
        if attendant is not None:
            attendant.dismiss()
        _signal.signal(_signal.SIGCHLD, on_child)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
        raise
    if init:
        apart = _stand_apart(group)
        # In a zone what the program leaves behind lives on, and needs who serves it.
        serves_us_alone = attendant.pid if arrive is None else 0
        become(("guise-monitor", "monitor", _SOCKET, init, serves_us_alone, int(apart)), (ours.fileno(),))
    ours.close()
    ready, not_ready = os.pipe2(os.O_CLOEXEC)  # who holds the write end is not ready
    while _signal.sigpending():
        _signal.sigtimedwait(everything, 0)  # the monitor has them too, and hands them on
    if arrive is None:
        start_numbers()
    else:
        arrive()
    guest = os.fork()
    if guest:
        words = ("guise-init", "init" if arrive is None else "guest", _SOCKET, guest, _READY)
        become(words, (theirs.fileno(), not_ready))
    theirs.close()
    os.close(not_ready)
    _signal.signal(_signal.SIGCHLD, on_child)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    return attendant, ready


def start_numbers() -> None:
    """In a new namespace of processes: leave out the numbers that no guest's thread may have."""
    kernel.start_numbers_after(_LAST_RESERVED)


def _stand_apart(group: int) -> bool:
    """Leave this process's group to the init and the guest: then what comes was sent to this process alone.

    A session's leader may not leave its group: False.  The first process of a container must not: the
    host lets it end only when all other numbers of its namespace are free, and it would hold its group's.
    """
    try:
        if os.getpid() == 1:
            return False
        os.setpgid(0, group)
    except OSError:
        return False
    finally:
        os.waitpid(group, 0)
    return True


def waiter() -> list[str]:
    """The words of a small program that stays for a large one: see await.c."""
    return [_INIT, "await"]


def image() -> int:
    """A descriptor of guise-init, for `become` where its file is out of sight."""
    return os.open(_INIT, os.O_RDONLY | os.O_CLOEXEC)


def become(words: tuple[object, ...], descriptors: tuple[int, ...], image: int = -1) -> None:
    """Execute guise-init with these descriptors at 3, 4, ... and no others; never returns."""
    try:
        # Nothing else stays open, so that there is room, however few more this process may have.
        kept = sorted((*descriptors, *(() if image < 0 else (image,))))
        first, last = _SOCKET + len(descriptors), max(os.sysconf("SC_OPEN_MAX"), 1 << 16)
        start = 3
        for number in (*kept, last):
            if number > start:
                os.closerange(start, number)
            start = max(start, number + 1)
        # Above all numbers that are given out: one of a closed standard stream may be among the old ones.
        free = (number for number in range(first, last) if number not in kept)
        program: str | int = _INIT
        if image >= 0:
            program = os.dup2(image, next(free), inheritable=False)
            image = program
        high = [os.dup2(old, next(free), inheritable=False) for old in descriptors]
        kernel.null_streams()
        for number, old in enumerate(high, _SOCKET):
            os.dup2(old, number)
        os.closerange(first, image if image >= 0 else last)
        os.closerange(max(first, image + 1), last)
        os.chdir("/")
        os.execve(program, [str(word) for word in words], {})
    finally:
        os._exit(125)


def isolate(kinds: tuple[str, ...], *, root: bool = False) -> None:
    """New namespaces, and a user namespace around them where this process has no right to make them.

    There an ordinary user stays who they are, or becomes `root`.  Raises ZoneError.
    """
    try:
        if os.geteuid() == 0:
            try:
                kernel.unshare(*kinds)
            except OSError as error:
                if error.errno != errno.EPERM:
                    raise
            else:
                kernel.make_private("/")
                return
        user, group = os.geteuid(), os.getegid()
        kernel.unshare("user", *kinds)
        kernel.write("/proc/self/setgroups", "deny")
        kernel.write("/proc/self/uid_map", f"{0 if root else user} {user} 1")
        kernel.write("/proc/self/gid_map", f"{0 if root else group} {group} 1")
        kernel.make_private("/")
    except OSError as error:
        raise ZoneError(
            f"this host does not let {_who()} isolate a program ({reason(error)}): `guise doctor` says what "
            f"would change that; {_GO_ON}"
        ) from None


def _who() -> str:
    return "its root here" if os.geteuid() == 0 else "an ordinary user"
