"""Turns this process into the first guest.

The launcher does not stay as the guest's parent: it starts the supervisor beside itself and then
executes the runtime in its own place.  So the process that a shell started *is* the guest, and exit
status, death by signal, core dumps, job control, `kill`, `timeout` and process groups are what
they would be at home, without a line of forwarding code.

The time from here to the guest's first instruction is what every run pays, so this module imports
next to nothing, and the supervisor loads what it needs after the guest is on its way.
"""

from __future__ import annotations

import _signal  # not `signal` and `socket`: the enums that those build take longer than the launch
import _socket
import errno
import gc
import os
import sys

from personality.supervisor import images, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn, Protocol

    from personality.supervisor.tracer import Hook

    class Surroundings(Protocol):
        """What a guest is put into, as far as its launch has to know.

        The guest's files are other than ours: paths of the one are looked up `inside`, where a launch
        starts, and those of Guise `outside`.
        """

        def outside(self) -> None: ...

        def inside(self) -> None: ...

        def hold(self, path: str) -> int:
            """A descriptor of a file or folder outside that a guest may have."""
            ...

        def serve(self, work: tuple[str, str], settings: bytes, descriptors: Sequence[int]) -> None:
            """Let a process outside, which no guest sees, call work = (module, function).

            It gets `settings` and copies of the descriptors, behind them one of the guests' /proc.  Its
            namespaces are those of the guests, but for files and processes.
            """
            ...

        def confine(self) -> None:
            """The last step before the guest's own program."""
            ...

        def waiter(self) -> list[str]:
            """The words of a small program that stays for a supervisor.

            Behind them come a socket's descriptor, and the words that it executes when something comes over
            that.  None where guests could meddle with it.
            """
            ...


RESERVED = 11  # descriptors [base, base + RESERVED) belong to the runtime in every guest
_USUAL_LIMIT = 1024  # of descriptors, where nobody has raised it
_SCRIPT_DEPTH = 5  # as deep as Linux follows `#!` lines
_SERVED = (
    "engine",
    "host_guests",
    "kernel",
    "release",
    "release_of",
    "verbose",
)  # what a supervisor has to know
_YAMA = "/proc/sys/kernel/yama/ptrace_scope"


class LaunchError(Exception):
    """The program cannot be started: one sentence, and the status a shell would exit with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Options:
    """How to start a guest; every field has the default that `guise run PROGRAM` has.

    `before` and `after` are called around each call, in the supervisor's process (engine ptrace).
    `trace` is the descriptor of a trace area that every guest writes its calls into.
    `control`: the parent process is the supervisor already, and this is the guests' end of its socket.
    `release` is what guests of `kernel` are told, or of `release_of` where each file says its own kernel.
    `surroundings` are what the guest is put into; without, it has our files and rights.
    `host_guests`: the host's own programs become guests as well; otherwise the host executes them, and
    what they execute in turn.
    """

    __slots__ = (
        "after", "argv0", "before", "control", "engine", "host_guests", "kernel", "patch", "release",
        "release_of", "surroundings", "trace", "verbose",
    )  # fmt: skip

    def __init__(
        self,
        *,
        engine: str = "native",
        kernel: str | None = None,
        release: int = 0,
        release_of: str = "",
        patch: bool = True,
        argv0: str | None = None,
        verbose: bool = False,
        before: Hook | None = None,
        after: Hook | None = None,
        trace: int = -1,
        control: _socket.socket | None = None,
        surroundings: Surroundings | None = None,
        host_guests: bool = True,
    ) -> None:
        self.engine = engine
        self.host_guests = host_guests
        self.kernel = kernel
        self.release = release
        self.release_of = release_of
        self.patch = patch
        self.argv0 = argv0
        self.verbose = verbose
        self.before = before
        self.after = after
        self.trace = trace
        self.control = control
        self.surroundings = surroundings


def runtime_path() -> str:
    """Where the runtime ELF is; GUISE_RUNTIME names another one.  Raises LaunchError if there is none."""
    path = images.runtime_place()
    if not os.path.exists(path) and not os.environ.get("GUISE_RUNTIME"):
        # Only for installations that are no plain directory: importlib.resources takes 30 ms.
        from importlib import resources

        found = resources.files("personality").joinpath("guise-runtime")
        if not isinstance(found, os.PathLike) or not os.path.exists(found):
            raise LaunchError(
                f"the runtime is missing at {path}: build it with `python3 -m personality.build`, "
                "or install Guise again",
                126,
            )
        path = os.fspath(found)
    return path


def find_program(name: str, search_path: str) -> str:
    """The file a shell would execute for `name`.  Raises LaunchError(127)."""
    if not name:
        raise LaunchError("the program's name is empty: say which file to run", 127)
    if "/" in name:
        return name
    for directory in search_path.split(":"):
        candidate = os.path.join(directory or ".", name)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    if os.path.exists(name):
        raise LaunchError(f"{name} is not in PATH: say ./{name} for the one in this directory", 127)
    raise LaunchError(f"{name} is not in PATH: check the name, or give its path", 127)


def open_program(path: str) -> int:
    """A descriptor of an executable file.  Raises LaunchError (126, 127)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise LaunchError(f"{path} does not exist: check the path", 127) from None
        if error.errno == errno.EACCES and os.access(path, os.X_OK):
            raise LaunchError(
                f"{path} may be executed but not read, and Guise has to read it: chmod +r", 126
            ) from None
        raise LaunchError(f"{path} cannot be opened: {_reason(error)}", 126) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if mode & 0o170000 == 0o040000:
            raise LaunchError(f"{path} is a directory: give the program in it", 126)
        if mode & 0o170000 != 0o100000:
            raise LaunchError(f"{path} is no regular file: only those can be executed", 126)
        if not os.access(path, os.X_OK):
            raise LaunchError(f"{path} is not executable: chmod +x it", 126)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


class Target:
    """The program after scripts were followed: what is executed, and with which arguments."""

    __slots__ = ("answer", "arguments", "descriptor", "path")

    def __init__(self, path: str, descriptor: int, answer: images.Answer, arguments: list[str]) -> None:
        self.path = path
        self.descriptor = descriptor
        self.answer = answer
        self.arguments = arguments


def resolve(path: str, arguments: list[str], planner: images.Planner, options: Options) -> Target:
    """Follow `#!` lines to a guest image or a host program.  Raises LaunchError."""
    told = "" if options.kernel is None or images.is_host(options.kernel) else options.kernel
    program = path
    for _ in range(_SCRIPT_DEPTH):
        descriptor = open_program(program)
        try:
            if told:
                answer = planner(descriptor, program, assume=told)
            else:
                answer = images.plan_assumed(planner, descriptor, program, images.assumed_by(options))
        except images.ImageError as error:
            os.close(descriptor)
            raise LaunchError(str(error), error.status) from None
        if answer.kind != wire.EXEC_SCRIPT:
            return Target(program, descriptor, answer, arguments)
        os.close(descriptor)
        between = [] if answer.argument is None else [answer.argument]
        arguments = [answer.interpreter, *between, program, *arguments[1:]]
        if not os.path.exists(answer.interpreter):
            raise LaunchError(
                f"{program} asks for the interpreter {answer.interpreter}, which does not exist", 127
            )
        program = answer.interpreter
    raise LaunchError(
        f"{path} is a script whose interpreters are scripts, more than {_SCRIPT_DEPTH} deep", 126
    )


def start(
    program: str, arguments: Sequence[str], environment: Mapping[str, str], options: Options
) -> NoReturn:
    """Become the guest.  `arguments` are those after argv[0].  Raises LaunchError; never returns."""
    surroundings = options.surroundings
    planner = images.plan if surroundings is None else _planner_outside(images.plan, surroundings)
    path = find_program(program, environment.get("PATH", os.defpath))
    target = resolve(path, [options.argv0 or program, *arguments], planner, options)
    if target.answer.kind == wire.EXEC_HOST:
        os.set_inheritable(target.descriptor, False)
        _execute(target.path, target.arguments, environment, surroundings)

    ours, theirs = control_sockets() if options.control is None else (None, options.control)
    interpreter, interpreter_plan = _open_interpreter(target, planner)
    base = reserved_base(theirs.fileno())  # from here on what is opened is closed or put in its place
    os.dup2(theirs.fileno(), base, inheritable=True)
    runtime: str | int
    if surroundings is None:
        runtime = runtime_path()
        _place(os.open(runtime, os.O_RDONLY | os.O_CLOEXEC), base + 1)
        plans = _place_plans(base + RESERVED - 1)
    else:
        runtime = base + 1
        surroundings.outside()
        _place(surroundings.hold(runtime_path()), base + 1)
        plans = _place_plans(base + RESERVED - 1, surroundings)
        surroundings.inside()
    if options.trace >= 0:
        _place(options.trace, base + RESERVED - 2)
    settings = {
        "control": base,
        "runtime": base + 1,
        "plans": plans,
        "plan": target.answer.plan,
        "image": target.descriptor,
        "interp_plan": interpreter_plan,
        "interp": interpreter,
        "engine": options.engine,
        "release": options.release,
        "nopatch": 0 if options.patch else 1,
        "processors": os.cpu_count() or 0,
        "release_of": options.release_of or options.kernel or target.answer.kernel,
        "assume": images.assumed_by(options),
        "trace": base + RESERVED - 2 if options.trace >= 0 else -1,
    }
    for descriptor in (target.answer.plan, target.descriptor, interpreter_plan, interpreter):
        if descriptor >= 0:
            os.set_inheritable(descriptor, True)
    supervisor = 0
    if ours is None:
        supervisor = os.getppid() if _tracing_needs_permission() else 0
    elif surroundings is None:
        supervisor = _start_supervisor(ours, target.answer.kernel, images.plan, options)
    else:
        _let_serve(ours, target.answer.kernel, options, surroundings)
    if supervisor:
        settings["supervisor"] = supervisor
    if "," not in (name := os.path.basename(path)):
        settings["name"] = name
    settings["exe"] = target.path if target.path.startswith("/") else os.path.realpath(target.path)
    guise = ",".join(f"{name}={value}" for name, value in settings.items())
    _execute(runtime, target.arguments, {"GUISE": guise, **environment}, surroundings)


def _planner_outside(planner: images.Planner, surroundings: Surroundings) -> images.Planner:
    """The same planner, where Guise's own files are: its parser, and the plans it keeps."""

    def plan(
        descriptor: int, path: str, *, assume: str = "", interpreter_of: str = "", rules: str = ""
    ) -> images.Answer:
        surroundings.outside()
        try:
            return planner(descriptor, path, assume=assume, interpreter_of=interpreter_of, rules=rules)
        finally:
            surroundings.inside()

    return plan


def control_sockets() -> tuple[_socket.socket, _socket.socket]:
    """The supervisor's end and the guests'."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)  # before the first request is sent
    return ours, theirs


def reserved_base(probe: int) -> int:
    """A free run of RESERVED descriptors.  Raises LaunchError.

    The highest one that every guest can have, as limits go; where there is none, the lowest one above: a
    table of descriptors is copied at each fork.  `probe` is any open descriptor: it is put on each number
    for a moment, as some that seem free cannot be had where this process is a guest itself.
    """
    limit = os.sysconf("SC_OPEN_MAX")
    base = min(_USUAL_LIMIT, limit) - RESERVED
    while base > 2:
        used = [number for number in range(base, base + RESERVED) if not _is_free(number, probe)]
        if not used:
            return base
        base = used[0] - RESERVED
    base = _USUAL_LIMIT
    while base + RESERVED <= limit:
        used = [number for number in range(base, base + RESERVED) if not _is_free(number, probe)]
        if not used:
            return base
        base = used[-1] + 1
    raise LaunchError(
        f"there is no run of {RESERVED} free descriptors: raise `ulimit -n`, or close some before the start",
        126,
    )


def restore_signals() -> None:
    """Give back the dispositions that Python changed when it started; execve does the rest."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)


def _is_free(number: int, probe: int) -> bool:
    try:
        os.get_inheritable(number)
    except OSError:
        try:
            os.close(os.dup2(probe, number, inheritable=False))
        except OSError:
            return False
        return True
    return False


def _place_plans(number: int, surroundings: Surroundings | None = None) -> int:
    """The folder of kept plans at descriptor `number`, for execs that need not ask; -1 if there is none."""
    from loader.cache import default_directory

    folder = default_directory()
    try:
        if surroundings is None:
            _place(os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), number)
        else:
            _place(surroundings.hold(folder), number)
    except OSError:
        return -1
    return number


def _place(descriptor: int, number: int) -> None:
    if descriptor == number:
        os.set_inheritable(number, True)
        return
    os.dup2(descriptor, number, inheritable=True)
    os.close(descriptor)


def _open_interpreter(target: Target, planner: images.Planner) -> tuple[int, int]:
    """Descriptors of the program interpreter and of its plan, -1 where there is none."""
    path = target.answer.interpreter
    if not path:
        return -1, -1
    try:
        descriptor = open_program(path)
        answer = planner(descriptor, path, interpreter_of=target.answer.kernel)
    except (LaunchError, images.ImageError) as error:
        if not os.path.exists(path):
            message = (
                f"{target.path} is dynamically linked and needs {path}, which is part of a "
                f"{target.answer.kernel} system: run it with such a system as the root, or link it statically"
            )
            raise LaunchError(message, 127) from None
        raise LaunchError(f"{target.path} cannot start: {error}", 126) from None
    if answer.kind != wire.EXEC_GUEST:
        os.close(descriptor)
        raise LaunchError(
            f"{target.path} names {path} as its interpreter, which is no {target.answer.kernel} image", 126
        )
    return descriptor, answer.plan


def _start_supervisor(ours: _socket.socket, kernel: str, planner: images.Planner, options: Options) -> int:
    """Fork the supervisor so that it is nobody's child.  Its pid where Yama has to know it, else 0."""
    announce = _tracing_needs_permission()
    reader, writer = os.pipe() if announce else (-1, -1)
    middle = os.fork()
    if middle == 0:
        # The guest must not find a child it never made, hence a second fork and a wait.
        child = os.fork()
        if child == 0:
            _supervise(ours, kernel, planner, options)
        if announce:
            os.write(writer, str(child).encode())
        os._exit(0)
    _collect(middle)
    if not announce:
        return 0
    os.close(writer)
    supervisor = int(os.read(reader, 32) or b"0")
    os.close(reader)
    return supervisor


def _let_serve(ours: _socket.socket, kernel: str, options: Options, surroundings: Surroundings) -> None:
    """As _start_supervisor, outside of a sandbox.  Raises LaunchError."""
    import marshal

    if options.before is not None or options.after is not None:
        raise LaunchError("hooks cannot be called for a program in a sandbox: launch it without one", 126)
    chosen = {name: getattr(options, name) for name in _SERVED}
    settings = marshal.dumps((kernel, chosen, surroundings.waiter()))
    descriptors = [ours.fileno()]
    if options.verbose or os.environ.get("GUISE_DEBUG") == "1":
        descriptors.append(2)
    surroundings.serve(("personality.supervisor.session", "begin"), settings, descriptors)
    ours.close()


def _collect(child: int) -> None:
    """Wait for a child, and take back the SIGCHLD that a guest with a blocked one would find waiting."""
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return  # SIGCHLD is ignored: the kernel has collected it
    if _signal.SIGCHLD in _signal.sigpending():
        _signal.sigtimedwait([_signal.SIGCHLD], 0)


def _tracing_needs_permission() -> bool:
    try:
        with open(_YAMA, "rb") as file:
            return file.read().strip() == b"1"
    except OSError:
        return False


def _supervise(ours: _socket.socket, kernel: str, planner: images.Planner, options: Options) -> NoReturn:
    """The supervisor's whole life; `ours` is its end of the control socket."""
    status = 125
    gc.enable()
    try:
        os.setsid()
        os.chdir("/")
        _keep_only(ours.detach(), keep_errors=options.verbose or os.environ.get("GUISE_DEBUG") == "1")
        control = _socket.socket(fileno=wire.CONTROL)
        from personality.supervisor import session

        status = session.run(control, kernel, planner, options)
    except BaseException as error:
        # The guest sees the socket close; the only reader left of a reason is somebody debugging.
        if os.environ.get("GUISE_DEBUG") == "1":
            sys.excepthook(type(error), error, error.__traceback__)
    os._exit(status)


def _keep_only(control: int, *, keep_errors: bool) -> None:
    """Leave the control socket and, if asked for, stderr: readers of the guest's pipes wait for EOF."""
    if control != wire.CONTROL:  # it is, where the launcher's own standard files were closed
        os.dup2(control, wire.CONTROL, inheritable=False)
    try:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # a root directory without devices
        null = os.memfd_create("guise-null")
    for number in (0, 1) if keep_errors else (0, 1, 2):
        os.dup2(null, number)
    os.closerange(wire.CONTROL + 1, max(os.sysconf("SC_OPEN_MAX"), 1 << 16))


def _execute(
    program: str | int,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    surroundings: Surroundings | None,
) -> NoReturn:
    """`program` is a path, or a descriptor."""
    restore_signals()
    if surroundings is not None:
        surroundings.confine()
    try:
        os.execve(program, list(arguments), dict(environment))
    except OSError as error:
        if error.errno == errno.E2BIG:
            raise LaunchError(
                f"the arguments and the environment of {arguments[0]} are larger than this system allows: "
                "pass the list through a file or standard input",
                126,
            ) from None
        name = program if isinstance(program, str) else "the runtime"
        raise LaunchError(f"{name} cannot be executed: {_reason(error)}", 126) from None
    except ValueError as error:
        raise LaunchError(f"{arguments[0]} cannot be started: {error}", 126) from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
