"""Tracing from Python: iterate the events of a run, or change its calls on their way.

with guise.trace("./program", ["--version"], filter=["%file"]) as run:
    for event in run:
        if isinstance(event, guise.CallEvent):
            print(event.call.name, event.call.outcome.error)
print(run.returncode)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from os import PathLike, fspath
from types import TracebackType

from guise.trace_options import Settings
from guise.tracing import forking, session
from guise.tracing.events import (
    Assembler,
    CallEvent,
    EndEvent,
    Event,
    LostEvent,
    SignalEvent,
    StartEvent,
    Thread,
)
from personality.supervisor import images, launch
from personality.supervisor.call import Call
from syscalls import parse as tables
from syscalls.model import HOST

__all__ = [
    "Call", "CallEvent", "EndEvent", "Event", "LostEvent", "SignalEvent", "StartEvent", "Thread", "Trace",
    "intercept", "trace",
]  # fmt: skip

Hook = Callable[[Call], None]
_FAILED = 125


class Trace:
    """A traced run: an iterator of its events, and a context manager that ends it.

    `returncode` is the program's exit status, or -N when signal N ended it; None until the events have ended.
    """

    def __init__(self, plan: session.Plan, before: Callable[[], None]) -> None:
        self._run = plan.start(before, foreground=False)
        self._events = self._iterate(plan)
        self.returncode: int | None = None
        self.lost = 0
        """Calls that were not recorded (with `lossy`)."""

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._run.process

    def __iter__(self) -> Iterator[Event]:
        return self._events

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is not None:
            self._run.kill()
        self.close()

    def close(self) -> None:
        """Stop tracing, and wait for the program's end."""
        self._events.close()  # type: ignore[attr-defined]
        self._run.abandon()
        self._ended()

    def kill(self) -> None:
        """Kill the program; its last events can still be read."""
        self._run.kill()

    def _iterate(self, plan: session.Plan) -> Iterator[Event]:
        kernels = tuple(tables.kernels())
        chosen = plan.chosen
        wants = None
        if chosen is not None and chosen.needs_reader:
            wants = lambda thread, record, names: chosen.wants(  # noqa: E731
                thread.process, thread.thread, names, record
            )
        assembler = Assembler(kernels, wants=wants)
        for chunks in self._run.rounds():
            yield from assembler.round(plan.redacted(chunks))
        yield from assembler.round([], last=True)
        self._ended()

    def _ended(self) -> None:
        self.returncode = os.waitstatus_to_exitcode(self._run.status)
        self.lost = self._run.area.losses()


def trace(
    program: str | PathLike[str],
    arguments: Sequence[str] = (),
    *,
    engine: str = "native",
    as_kernel: str | None = None,
    filter: Sequence[str] = (),
    inject: Sequence[str] = (),
    text_limit: int = 32,
    callers: bool = False,
    host_calls: bool = False,
    lossy: bool = False,
    redact: str | None = None,
    env: dict[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Trace:
    """Start a program and trace it.  `filter` and `inject` are what `guise trace -e` and `--inject` take.

    The streams are descriptors (None: this process's own); `env` is added to this process's environment.
    Raises ExpressionError for an expression that means nothing, and LaunchError when there is no memory;
    a program that cannot be started ends with 126 or 127.  The process forks: start threads afterwards.
    """
    settings = Settings()
    settings.form = "json"
    settings.run.program, settings.run.words = fspath(program), list(arguments)
    settings.run.engine, settings.run.guest = engine, as_kernel
    settings.expressions, settings.orders = list(filter), list(inject)
    settings.text_limit, settings.callers, settings.host_calls = text_limit, callers, host_calls
    settings.lossy, settings.redact = lossy, redact

    def before() -> None:
        _redirect((stdin, stdout, stderr))
        os.environ.update(env or {})

    return Trace(session.Plan(settings), before)


def intercept(
    program: str | PathLike[str],
    arguments: Sequence[str] = (),
    *,
    on_entry: Hook | None = None,
    on_exit: Hook | None = None,
    as_kernel: str | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> int:
    """Run a program on engine ptrace and call these around each of its calls; its exit status, or -N.

    On entry a hook may look at `call.name`, `call.arguments` and the memory of `call.guest`, and use
    `set_argument` and `set_number`; on exit at `value` and `error`, and use `succeed` and `fail`.  They
    run in this process, one at a time, in a thread of their own.  What a hook raises ends the program and
    is raised here.
    """
    outcome: list[int | BaseException] = []

    def work() -> None:
        try:
            outcome.append(_intercepted(fspath(program), list(arguments), on_entry, on_exit, as_kernel,
                                        (stdin, stdout, stderr)))  # fmt: skip
        except BaseException as error:
            outcome.append(error)

    # The host lets only the thread that traces wait for what it traces.
    worker = threading.Thread(target=work, name="guise-intercept")
    worker.start()
    worker.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _intercepted(
    program: str, arguments: list[str], on_entry: Hook | None, on_exit: Hook | None, as_kernel: str | None,
    streams: tuple[int | None, ...],
) -> int:  # fmt: skip
    from guise.run_command import parse_guest
    from personality.supervisor.server import Server
    from personality.supervisor.tracer import Tracer

    kernel, release = parse_guest(as_kernel)
    kernel = kernel or HOST
    ours, theirs = launch.control_sockets()
    child = forking.fork()
    if child == 0:
        _become(program, arguments, theirs, ours, kernel, release, streams)
    theirs.close()
    tracer = Tracer(on_entry, on_exit)
    server = Server(
        ours, kernel, release, assumed=HOST, planner=images.plan, on_hello=tracer.on_hello
    )  # fmt: skip
    try:
        tracer.run(server)
    except BaseException:
        os.kill(child, 9)
        raise
    finally:
        ours.close()
        if child not in tracer.statuses:
            tracer.statuses[child] = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(tracer.statuses[child])


def _become(
    program: str, arguments: list[str], theirs: object, ours: object, kernel: str, release: int,
    streams: tuple[int | None, ...],
) -> None:  # fmt: skip
    """In the new process: the guest."""
    status = _FAILED
    try:
        _redirect(streams)
        ours.close()  # type: ignore[attr-defined]
        options = launch.Options(engine="ptrace", kernel=kernel, release=release, control=theirs)  # type: ignore[arg-type]
        launch.start(program, arguments, {k: v for k, v in os.environ.items() if k != "GUISE"}, options)
    except launch.LaunchError as error:
        os.write(2, f"guise: {error}\n".encode("utf-8", "backslashreplace"))
        status = error.status
    finally:
        os._exit(status)


def _redirect(streams: tuple[int | None, ...]) -> None:
    for number, descriptor in enumerate(streams):
        if descriptor is not None:
            os.dup2(descriptor, number)
