"""One run of `guise trace`: from its settings to a running program, and to what is said at its end."""

from __future__ import annotations

import _socket  # not `socket`, whose enums take longer than a start
import os
import sys

from guise import run_command
from guise.cli import UsageError, complain
from guise.trace_options import Settings
from guise.tracing import live, output
from personality.supervisor import launch
from personality.tracing import layout
from personality.tracing.area import Area, Chunk, Policy
from syscalls import HOST, load
from syscalls import kernels as kernel_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from guise.sandbox_options import Enter
    from guise.tracing.filters import Filter
    from sandbox.zone.ephemeral import Sandbox
    from syscalls.model import Abi

_FORMS_WITHOUT_NAMES = ("summary", "profile")


def kernels() -> list[Abi]:
    """All guest kernels, in the order that records use."""
    return [load(name) for name in kernel_names()]


def chosen(settings: Settings) -> Filter | None:
    """None: everything is wanted, and no table need be read to know that.  Raises ExpressionError."""
    if not settings.expressions:
        return None
    from guise.tracing import filters

    return filters.parse(settings.expressions, kernels())


class Plan:
    """What is to run, and how it is to be traced."""

    def __init__(self, settings: Settings, enter: Enter | None = None) -> None:
        """`enter` brings the program into its sandbox, and leaves this process outside, where nothing that
        the program kills is us.  Raises ExpressionError for what means nothing.
        """
        self.settings = settings
        self._enter = enter
        self.chosen = chosen(settings)
        self.policy = Policy()
        if self.chosen is not None or settings.orders:
            from guise.tracing import filters, policy, tampering

            abis = kernels()
            rules = [tampering.parse(order, abis) for order in settings.orders]
            self.policy = policy.build(self.chosen or filters.Filter(abis), rules)
        self._redact = redactor(settings)

    def area(self) -> Area:
        """Raises LaunchError."""
        settings = self.settings
        full = layout.FULL_DROP if settings.lossy else layout.FULL_WAIT
        options = 0 if settings.no_names or settings.form in _FORMS_WITHOUT_NAMES else layout.WITH_NAMES
        options |= layout.WITH_STACKS if settings.callers else 0
        options |= layout.WITH_HOST_CALLS if settings.host_calls else 0
        if settings.environment:
            options |= layout.WITH_ENVIRONMENT
            options |= layout.WITH_VALUES if settings.redact is None or settings.redact else 0
        return live.area_for(
            full=layout.FULL_OVERWRITE if settings.flight else full,
            options=options,
            text_limit=0 if settings.redact == "" else settings.text_limit,
            stack_limit=settings.stack_limit,
            policy=self.policy,
            events=settings.flight,
        )

    def start(self, before: Callable[[], None] | None = None, *, foreground: bool = True) -> live.Run:
        """`before` is called in the new process.  Raises LaunchError."""
        area = self.area()

        def begin(sandbox: Sandbox | None, outside: _socket.socket | None) -> int:
            if before is not None:
                before()
            output.open_gaps()
            return _start(self.settings.run, area, sandbox, outside)

        enter = self._enter
        if enter is None:
            return live.Run(area, lambda: begin(None, None), foreground=foreground)
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        try:
            return live.Run(
                area, lambda: enter(lambda sandbox: begin(sandbox, theirs)), ours, foreground=foreground
            )
        finally:
            theirs.close()

    def redacted(self, chunks: list[Chunk]) -> list[Chunk]:
        return [self._redact(chunk) for chunk in chunks]


def redactor(settings: Settings) -> Callable[[Chunk], Chunk]:
    if not settings.redact:
        return lambda chunk: chunk
    from guise.tracing.redact import Redactor

    return Redactor(settings.redact).chunk


def _start(
    run: run_command.Settings, area: Area, sandbox: Sandbox | None, outside: _socket.socket | None
) -> int:
    """In the new process: become the guest.  Raises ZoneError."""
    try:
        kernel, release = run_command.parse_guest(run.guest)  # before the files it reads are out of sight
        if sandbox is not None and outside is not None:
            processes = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            rights = processes.to_bytes(4, sys.byteorder)
            outside.sendmsg([b"p"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
            os.close(processes)
            outside.close()
            sandbox.furnish()
        release_of = ""
        if kernel is None and sandbox is not None:
            release_of, release = sandbox.kernel, sandbox.release
        options = launch.Options(
            engine=run.engine,
            kernel=kernel or HOST,  # its own programs are traced as well, and a file still says what it is
            release=release,
            release_of=release_of,
            patch=run.patch,
            argv0=run.argv0,
            verbose=run.verbose,
            trace=area.guests,
            surroundings=sandbox,
        )
        environment = {name: value for name, value in os.environ.items() if name != "GUISE"}
        if sandbox is not None:
            environment = sandbox.environment(environment)
        launch.start(run.program, run.words, environment, options)
    except launch.LaunchError as error:
        return complain(str(error), error.status)
    except UsageError as error:
        return complain(str(error), 2)


def conclude(settings: Settings, run: live.Run) -> int:
    """Say what was missed, and end as the program did."""
    lost, unmapped = run.area.losses(), run.area.unmapped()
    if lost:
        why = ": --lossy drops what nobody has read in time" if settings.lossy else ""
        complain(f"{lost} calls were not recorded{why}", 0)
    if unmapped:
        complain(f"{unmapped} processes were not traced: their address space has no room (ulimit -v)", 0)
    elif not run.saw_something and os.WIFEXITED(run.status) and _started(os.WEXITSTATUS(run.status)):
        complain(f"{settings.run.program} is a program that this system runs natively: it was not traced", 0)
    return live.end_as(run.status)


def _started(status: int) -> bool:
    """Whether a program can have ended so; a signal may have come before it began."""
    return status not in (125, 126, 127)
