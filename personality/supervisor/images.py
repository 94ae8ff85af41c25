"""What an exec of a file means: a guest image with its plan, a host program, or a script.

The loader knows files and nothing of processes; this is the one place where the supervisor and
the launcher ask it.  A plan that is cached is opened without importing any parser.
"""

from __future__ import annotations

import os

from personality.supervisor import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from personality.supervisor.launch import Options

    class Planner(Protocol):
        """Decides what an open file is.

        assume: the kernel that the user named for it ("": what the file says).
        interpreter_of: it is the program interpreter of a program of this kernel ("": it is a program).
        rules: the kernel whose `#!` rules apply ("": the host's).
        Raises ImageError.
        """

        def __call__(
            self, descriptor: int, path: str, *, assume: str = "", interpreter_of: str = "", rules: str = ""
        ) -> Answer: ...


class Answer:
    """How to execute one file.

    kind     wire.EXEC_GUEST, EXEC_HOST or EXEC_SCRIPT
    plan     descriptor of the load plan (guest), owned by whoever holds this object; else -1
    kernel   the guest kernel's name (guest)
    interpreter  path of the program interpreter (guest; "" when static) or of the script's
    argument     the script line's one argument, or None
    reason       why the host executes a program of its own although they are guests; else ""
    """

    __slots__ = ("argument", "interpreter", "kernel", "kind", "plan", "reason")

    def __init__(
        self, kind: int, plan: int = -1, kernel: str = "", interpreter: str = "", argument: str | None = None
    ) -> None:
        self.kind = kind
        self.plan = plan
        self.kernel = kernel
        self.interpreter = interpreter
        self.argument = argument
        self.reason = ""


class ImageError(Exception):
    """A file that cannot be executed: one sentence, a shell's status and the errno exec fails with."""

    def __init__(self, message: str, status: int, errno: int) -> None:
        super().__init__(message)
        self.status = status
        self.errno = errno


def plan(
    descriptor: int, path: str, *, assume: str = "", interpreter_of: str = "", rules: str = ""
) -> Answer:
    """The Planner that asks the loader.  Raises ImageError."""
    import loader
    from loader.result import HOST_KERNEL

    try:
        found = loader.plan_for(
            descriptor,
            path,
            personalities=personalities(),
            assume=assume,
            interpreter_of=interpreter_of,
            rules=rules or HOST_KERNEL,
        )
    except loader.LoadError as error:
        raise ImageError(str(error), error.status, error.errno) from None
    if isinstance(found, loader.GuestImage):
        return Answer(wire.EXEC_GUEST, found.plan_fd, found.personality, found.interpreter)
    if isinstance(found, loader.Script):
        return Answer(wire.EXEC_SCRIPT, interpreter=found.interpreter, argument=found.argument)
    return Answer(wire.EXEC_HOST)


def is_host(kernel: str) -> bool:
    """Whether it is the host's own kernel."""
    from loader.result import HOST_KERNEL

    return kernel == HOST_KERNEL


def assumed_by(options: Options) -> str:
    """The host's kernel where its programs are guests as well: by default, or as asked for; else ""."""
    from loader.result import HOST_KERNEL

    return HOST_KERNEL if options.host_guests or options.kernel == HOST_KERNEL else ""


def plan_assumed(
    planner: Planner, descriptor: int, path: str, assumed: str, rules: str = "", *, traced: bool = False
) -> Answer:
    """As the planner, but with the host's programs as guests where `assumed` names the host's kernel.

    What cannot be one stays the host's, and the answer has the reason.  `traced`: by another guest.
    Raises ImageError.
    """
    found = planner(descriptor, path, rules=rules)
    if found.kind != wire.EXEC_HOST or not assumed:
        return found
    found.reason = _only_for_the_host(descriptor, traced=traced)
    if found.reason:
        return found
    try:
        return planner(descriptor, path, assume=assumed, rules=rules)
    except ImageError as error:  # of another width, for one
        found.reason = str(error)
        return found


def _only_for_the_host(descriptor: int, *, traced: bool) -> str:
    """Why it can be no guest, or ""."""
    if traced:
        return "it is traced, and its tracer expects its own calls"
    if _gives_rights(descriptor):
        return "it gets its owner's rights, which only the host can give"
    if _is_runtime(descriptor):
        return "it is the runtime of another run"
    return ""


def _gives_rights(descriptor: int) -> bool:
    return bool(os.fstat(descriptor).st_mode & 0o6000) and os.geteuid() != 0


def _is_runtime(descriptor: int) -> bool:
    """Whether this is the runtime of an installation like this one, under whatever name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(runtime_place()))
    except OSError:
        return False


def runtime_place() -> str:
    """Where the runtime ELF is in an installation that is a plain directory, or what GUISE_RUNTIME says."""
    own = os.path.join(os.path.dirname(os.path.dirname(__file__)), "guise-runtime")
    return os.environ.get("GUISE_RUNTIME") or own


def personalities() -> frozenset[str]:
    """The guest kernels: those with a folder here and one with tables in syscalls/."""
    root = os.path.dirname(os.path.dirname(__file__))
    tables = os.path.join(os.path.dirname(root), "syscalls")
    with os.scandir(tables) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith((".", "_"))]
    return frozenset(name for name in names if os.path.exists(os.path.join(root, name, "__init__.py")))
