"""A zone's place: its namespaces, file system and process 1, and how other processes get into it.

Process 1 is guise-init.  It is made first and waits: what the host keeps for the zone (its number, its group
of resources, its network) is in order before anything of the zone runs, and if whoever makes it is killed, it
ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import struct

from sandbox.zone import ZoneError, confine, ephemeral, holdings, kernel, reason, store
from sandbox.zone.attendant import Attendant
from sandbox.zone.ephemeral import SECURE_PROC, Request, Sandbox
from sandbox.zone.view import Share, View, furnish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.store import Zone

_KINDS = ("mount", "pid", "ipc", "uts")
_JOINED = (("ipc", "ipc"), ("uts", "uts"), ("net", "net"))  # kind, name below /proc/PID/ns
_CONTROL, _AGAIN = 3, 4  # descriptors of process 1
_PROGRAM_IS = 1
SCRATCH = ("/tmp", "/var/run", "/run")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(settings: Configuration) -> dict[str, str]:
    """What a zone's programs start with."""
    words = [item.partition("=") for item in settings.items("env")]
    return {"PATH": PATH, "HOME": "/", **{name: value for name, _, value in words}}


def boot_again(zone: Zone, words: Sequence[str], console: int) -> None:
    """Let a small process wait until the zone's root asks for a reboot: it executes `words` then.

    It ends with the zone.  Raises ZoneError.
    """
    line = [*ephemeral.waiter(), "0", *words]

    def start() -> None:
        pipe = os.open(zone.path("again"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        # The end of writers shows to those alone who saw one: process 1 may have ended already.
        os.close(os.open(zone.path("again"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        shown = ((0, pipe), (1, console), (2, console))
        actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in shown]
        variables = {**os.environ, "GUISE_ZONES": zone.store}
        os.posix_spawn(line[0], line, variables, file_actions=actions, setsid=True)

    try:
        kernel.apart(start)
    except OSError as error:
        raise ZoneError(f"nobody can wait to boot zone {zone.name} again: {store.failure(error)}") from None


def view_of(zone: Zone, settings: Configuration, root: str) -> View:
    """What the zone sees.  Raises ZoneError for what is not there."""
    shares = []
    for item in settings.items("inherit"):
        source, _, target = item.partition(":")
        shares.append(Share(_there(source, "inherit"), target or source, writable=False))
    for item in settings.items("fs"):
        source, target, *mode = item.split(":")
        shares.append(Share(_there(source, "fs"), target, writable=mode != ["ro"]))
    if settings.text("net") == "bridge":
        shares.append(Share(holdings.hosts(zone), "/etc/hosts", writable=False))
    return View(
        root,
        shares=tuple(shares),
        powerful=os.geteuid() == 0,
        writable=not settings.flag("readonly"),
        scratch=SCRATCH[:1] if settings.flag("readonly") else (),
        lower=_there(settings.text("lower"), "lower") if settings.text("lower") else "",
        work=zone.work(settings),
        devices=tuple(_there(path, "device") for path in settings.items("device")),
    )


def _there(path: str, name: str) -> str:
    if not os.path.exists(path):
        raise ZoneError(f"{name} names {path}, which does not exist")
    return path


class Place:
    """Process 1 of a zone that is being made.

    It builds its view of the files until `wait` returns; `go` lets it begin, and without it it ends.
    """

    __slots__ = ("_answers", "_go", "pid")

    def __init__(self, zone: Zone, settings: Configuration) -> None:
        """Raises ZoneError."""
        ephemeral.check_host()
        view = view_of(zone, settings, zone.root(settings))
        control = _fifo(zone, "control")
        again = _fifo(zone, "again")
        waits, self._go = os.pipe2(os.O_CLOEXEC)
        self._answers, answer = os.pipe2(os.O_CLOEXEC)
        self.pid = 0

        def begin() -> None:
            os.setsid()
            network = settings.text("net")
            ephemeral.isolate((*_KINDS, *(() if network == "host" else ("net",))), root=True)
            self.pid = os.fork()
            if self.pid == 0:
                os.close(self._go)
                os.close(self._answers)
                _be_first(zone, settings, view, (control, again), waits, answer)

        try:
            kernel.apart(begin)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise ZoneError(f"the zone's first process cannot be made: {store.failure(error)}") from None
            raise
        finally:
            for descriptor in (control, again, waits, answer):
                os.close(descriptor)

    def wait(self) -> None:
        """Raises ZoneError with why it cannot begin."""
        told = self._hear()
        if told != "ready":
            raise ZoneError(told or "the zone's first process ended: is there enough memory?")

    def go(self) -> None:
        """Returns when it has begun.  Raises ZoneError."""
        os.write(self._go, b"g")
        told = self._hear()
        self.close()
        if told:
            raise ZoneError(told)

    def _hear(self) -> str:
        """The next line, or "" when nobody is left to say one."""
        line = b""
        while (part := os.read(self._answers, 1)) not in (b"", b"\n"):
            line += part
        return line.decode("utf-8", "replace")

    def close(self) -> None:
        for descriptor in (self._go, self._answers):
            if descriptor >= 0:
                os.close(descriptor)
        self._go = self._answers = -1


def _fifo(zone: Zone, name: str) -> int:
    path = zone.path(name)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ZoneError(f"zone {zone.name}: {path} cannot be made: {reason(error)}") from None


def tell_program(zone: Zone, number: int) -> None:
    """Tell process 1 of the program with whose end the zone ends."""
    control = os.open(zone.path("control"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.write(control, struct.pack("=Ii", _PROGRAM_IS, number))
    finally:
        os.close(control)


def _be_first(
    zone: Zone, settings: Configuration, view: View, orders: tuple[int, int], waits: int, answer: int
) -> NoReturn:
    """Process 1 of the zone, until it is guise-init."""
    try:
        try:
            image = ephemeral.image()
            kernel.mount("proc", "/proc", SECURE_PROC)
            ephemeral.start_numbers()
            if settings.text("disk"):
                from sandbox.zone import disk

                disk.mount(zone)
            furnish(view)
            kernel.set_host_name(settings.text("hostname") or settings.name)
            if settings.text("net") in ("private", "bridge"):
                kernel.loopback_up()
            os.write(answer, b"ready\n")
            if not os.read(waits, 1):
                os._exit(0)
            os.umask(0o022)
            confine.confine(confine.KEPT)
            bsd = settings.text("brand").partition("-")[0] != "linux"
            ephemeral.become(("guise-init", "zone", _CONTROL, _AGAIN, int(bsd)), orders, image)
        except ZoneError as error:
            os.write(answer, f"{error}\n".encode())
        except OSError as error:
            os.write(answer, f"the zone's first process cannot start: {store.failure(error)}\n".encode())
        except Exception as error:
            os.write(answer, _defect(error) + b"\n")
    finally:
        os._exit(1)


def _defect(error: Exception) -> bytes:
    return f"something inside Guise failed ({type(error).__name__}: {error}); please report it".encode()


class Entrance:
    """Descriptors of a running zone's namespaces and root."""

    __slots__ = ("_descriptors", "_identity", "_processes", "_running", "_user", "inside", "name", "root")

    def __init__(self, zone: Zone, running: Mapping[str, Any]) -> None:
        """Raises ZoneError when the zone has ended, or is another user's."""
        self.name = zone.name
        self._identity = zone.identity
        self._running = dict(running)
        pid = int(running["pid"])
        try:
            process = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ZoneError(f"zone {zone.name} has just ended") from None
        try:
            if store.start_time(pid) != running["start"]:
                raise ZoneError(f"zone {zone.name} has just ended")
            user = os.readlink("ns/user", dir_fd=process)
            self._user = -1
            if user != os.readlink("/proc/self/ns/user"):
                self._user = os.open("ns/user", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
            names = [*(name for _, name in _JOINED), "pid", "mnt"]
            opened = [os.open(f"ns/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process) for name in names]
            self.inside = opened.pop()
            self._processes = opened.pop()
            self._descriptors = opened
            self.root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
        except PermissionError:
            raise ZoneError(f"zone {zone.name} is another user's: become that user, or root") from None
        except (FileNotFoundError, ProcessLookupError):
            raise ZoneError(f"zone {zone.name} has just ended") from None
        finally:
            os.close(process)

    def close(self) -> None:
        for descriptor in (*self._descriptors, self._processes, self._user, self.inside, self.root):
            if descriptor >= 0:
                os.close(descriptor)

    def hold(self, pid: int) -> None:
        """Hold a process to the zone's limits.  Raises ZoneError."""
        holdings.join(self._identity, self._running, pid)

    def join(self) -> None:
        """Move this process into the zone, but for files and processes.  Raises ZoneError.

        The host's files stay, in a mount namespace of this process's own.
        """
        self.hold(os.getpid())
        try:
            if self._user >= 0:
                kernel.set_namespace(self._user, "user")
            for (kind, _), descriptor in zip(_JOINED, self._descriptors, strict=True):
                kernel.set_namespace(descriptor, kind)
            kernel.unshare("mount")
            kernel.make_private("/")
        except OSError as error:
            raise ZoneError(f"zone {self.name} cannot be entered: {store.failure(error)}") from None

    def arrive(self) -> None:
        """Let this process's children to come be processes of the zone.  Raises ZoneError."""
        try:
            kernel.set_namespace(self._processes, "pid")
        except OSError as error:
            raise ZoneError(f"zone {self.name} cannot be entered: {store.failure(error)}") from None

    def files(self) -> None:
        """See the zone's files."""
        ephemeral.go(self.inside, self.root)


class Joined(Sandbox):
    """A running zone, as a process sees it that goes into it: see Sandbox.

    user  who the program shall be: numbers of user, group and further groups
    """

    def __init__(self, request: Request, attendant: Attendant, ready: int, entrance: Entrance) -> None:
        super().__init__(request, attendant, ready)
        self._entrance = entrance
        self.settings: Configuration | None = None
        self.user: tuple[int, int, list[int]] | None = None

    def furnish(self) -> None:
        self._outside, self._outer_root = ephemeral.where_we_are()
        self._inside, self._inner_root = self._entrance.inside, self._entrance.root
        self._directory = self._request.directory or "/"
        self.inside()

    def environment(self, given: dict[str, str]) -> dict[str, str]:
        """The zone's own, with nothing of the host's but what says which terminal it is."""
        kept = {"TERM": given["TERM"]} if "TERM" in given else {}
        return kept if self.settings is None else {**kept, **environment(self.settings)}

    def start_in(self, directory: str) -> None:
        """Start in a folder of the zone that may be missing, unless another was asked for."""
        if not self._request.directory and os.path.isdir(directory):
            self._directory = directory
            self.inside()

    def confine(self) -> None:
        self._attendant.wait()
        if self._ready >= 0:
            os.read(self._ready, 1)
        try:
            _lift_limits()
            confine.confine(confine.KEPT)
            if self.user is not None:
                user, group, groups = self.user
                os.setgroups(groups)
                os.setgid(group)
                os.setuid(user)
            if self._ready >= 0:
                kernel.prctl(kernel.PR_SET_PDEATHSIG, 1)  # SIGHUP, when whoever went in is killed
        except OSError as error:
            raise ZoneError(
                f"zone {self._entrance.name}: the program cannot start: {store.failure(error)}"
            ) from None


def _lift_limits() -> None:
    """The zone's root may give its programs what limits(1) and login.conf(5) say: nothing is the caller's.

    What costs the host's kernel memory stays: descriptors, queued signals and messages.
    """
    for name in ("AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NPROC", "RSS", "STACK"):
        kind = getattr(resource, f"RLIMIT_{name}")
        soft, _ = resource.getrlimit(kind)
        with contextlib.suppress(ValueError, PermissionError):  # an ordinary user's zone
            resource.setrlimit(kind, (soft, resource.RLIM_INFINITY))


@contextlib.contextmanager
def starting(name: str) -> Iterator[None]:
    """Say why a zone takes no process: fork(2) has one error for its end and for a lack of memory."""
    try:
        yield
    except OSError as error:
        why = {
            errno.ENOMEM: "it has just ended, or the host has no memory left",
            errno.EAGAIN: "it has as many processes as it may have (max-lwps), or the host has",
        }
        if error.errno not in why:
            raise
        raise ZoneError(f"zone {name} takes no more processes: {why[error.errno]}") from None


def enter(entrance: Entrance, request: Request) -> Joined:
    """Go on inside, with the exit status, signals and stops of a child: see ephemeral.enter."""
    with starting(entrance.name):
        attendant, ready = ephemeral.surround(entrance.join, entrance.arrive, attend=entrance.hold)
    return arrived(entrance, request, attendant, ready)


def arrived(entrance: Entrance, request: Request, attendant: Attendant, ready: int = -1) -> Joined:
    """For a process that was forked after `join` and `arrive`.  Raises ZoneError."""
    try:
        kernel.mount("proc", "/proc", SECURE_PROC)
    except OSError as error:
        raise ZoneError(f"zone {entrance.name} cannot be entered: {store.failure(error)}") from None
    return Joined(request, attendant, ready, entrance)


def detach(entrance: Entrance, request: Request, output: int, launch: Callable[[Joined], int]) -> int:
    """Start a program in the zone, a child of its process 1; its number there.

    `launch` becomes it.  Its output goes to descriptor `output`.  Raises ZoneError with why it did not start.
    """
    attendant = Attendant(orphan=True)
    said, say = os.pipe2(os.O_CLOEXEC)
    numbers: list[int] = []

    def inside() -> None:
        numbers.append(os.fork())
        if numbers[0] == 0:
            os.close(said)
            _become(entrance, request, attendant, (output, say), launch)

    def go_in() -> None:
        entrance.hold(attendant.pid)
        entrance.join()
        entrance.arrive()
        # Orphans become children of process 1 of their parent's namespace: it has to be the zone's.
        kernel.apart(inside)

    try:
        with starting(entrance.name):
            kernel.apart(go_in)
    except BaseException as error:
        os.close(said)
        if isinstance(error, OSError):
            raise ZoneError(f"zone {entrance.name} cannot be entered: {store.failure(error)}") from None
        raise
    finally:
        attendant.leave()
        os.close(say)
    told = b""
    while part := os.read(said, 4096):
        told += part
    os.close(said)
    if told:
        raise ZoneError(" ".join(told.decode("utf-8", "replace").removeprefix("guise: ").split()))
    return numbers[0]


def _become(
    entrance: Entrance,
    request: Request,
    attendant: Attendant,
    outputs: tuple[int, int],
    launch: Callable[[Joined], int],
) -> NoReturn:
    output, say = outputs
    try:
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            with starting(entrance.name):
                launch(arrived(entrance, request, attendant))
        except ZoneError as error:
            os.write(say, str(error).encode())
        except OSError as error:
            os.write(say, store.failure(error).encode())
        except Exception as error:  # else it would look as if the program had started
            os.write(say, _defect(error))
    finally:
        os._exit(1)
