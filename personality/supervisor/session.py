"""One run's supervisor after the fork: serve upcalls, and trace where the engine asks for it."""

from __future__ import annotations

import _socket
import gc
import marshal
import os

from personality.supervisor import images, numbers, wire
from personality.supervisor.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from personality.supervisor.images import Planner
    from personality.supervisor.launch import Options


def run(
    control: _socket.socket, kernel: str, planner: Planner, options: Options, waiter: list[str] | None = None
) -> int:
    """Until every guest has ended; the supervisor's own exit status.

    waiter  the words of a small program that stays for this one: see launch.Surroundings
    """
    _name_process()
    report = _print if options.verbose else None
    if numbers.are_apart():
        planner = _planner_of_copies(planner)
    assumed = images.assumed_by(options)
    release_of = options.release_of or options.kernel or kernel
    if options.engine == "ptrace":
        from personality.supervisor.tracer import Tracer

        tracer = Tracer(options.before, options.after)
        server = Server(
            control, kernel, options.release,
            release_of=release_of, assumed=assumed, planner=planner, report=report, on_hello=tracer.on_hello,
        )  # fmt: skip
        tracer.run(server)
        return 0
    server = Server(
        control, kernel, options.release,
        release_of=release_of, assumed=assumed, planner=planner, report=report,
    )  # fmt: skip
    if not waiter or options.verbose or os.environ.get("GUISE_DEBUG") == "1":
        server.serve()
        return 0
    _serve_at_times(server, waiter, [kernel, options.release, release_of, assumed])
    return 0


def begin(settings: bytes, descriptors: list[int]) -> None:
    """Outside of the guests' sandbox, in a process that has nothing else to do: see launch.Surroundings.

    descriptors  our end of the control socket, perhaps one for sentences, the guests' /proc
    """
    import fcntl

    from personality.supervisor.launch import Options

    gc.enable()
    kernel, chosen, waiter = marshal.loads(settings)
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, numbers.PLACE + 1) for descriptor in descriptors]
    control, *errors, processes = moved
    for descriptor in errors:
        os.dup2(descriptor, 2)
    os.dup2(control, wire.CONTROL, inheritable=False)
    os.dup2(processes, numbers.PLACE, inheritable=False)
    os.closerange(wire.CONTROL + 1, numbers.PLACE)
    os.closerange(numbers.PLACE + 1, max(*moved, *descriptors) + 1)
    numbers.live_apart()
    run(_socket.socket(fileno=wire.CONTROL), kernel, images.plan, Options(**chosen), waiter)


def come_back(state: Mapping[str, Any]) -> NoReturn:
    """Go on as a supervisor that stood by, with what it put away."""
    from personality.supervisor import remembered

    if state["apart"]:
        os.set_inheritable(numbers.PLACE, False)
        numbers.live_apart()
    _name_process()
    remembered.bring_back(state["remembered"])
    kernel, release, release_of, assumed = state["settings"]
    control = _socket.socket(fileno=wire.CONTROL)
    os.set_inheritable(wire.CONTROL, False)
    planner = _planner_of_copies(images.plan)
    server = Server(control, kernel, release, release_of=release_of, assumed=assumed, planner=planner)
    _serve_at_times(server, state["waiter"], state["settings"])
    os._exit(0)


def _serve_at_times(server: Server, waiter: list[str], settings: list[Any]) -> None:
    """Until every guest has ended, as a small process while they ask nothing."""
    from personality.supervisor import standby

    if waiter and not server.serve(standby.patience()):
        standby.stand_by(waiter, settings)
    server.serve()


def _name_process() -> None:
    """What ps shows; the name of the launcher would be taken for the guest."""
    try:
        with open("/proc/self/comm", "wb") as file:
            file.write(b"guise-supervise")
    except OSError:
        return  # no /proc here: only the name is lost


def _planner_of_copies(planner: Planner) -> Planner:
    """The same planner, for guests that must not get at the file of a plan through its descriptor."""

    def plan(
        descriptor: int, path: str, *, assume: str = "", interpreter_of: str = "", rules: str = ""
    ) -> images.Answer:
        answer = planner(descriptor, path, assume=assume, interpreter_of=interpreter_of, rules=rules)
        if answer.plan >= 0:
            from loader.cache import in_memory
            from loader.layout import MAX_PLAN_SIZE

            kept, answer.plan = answer.plan, -1
            try:
                answer.plan = in_memory(os.pread(kept, MAX_PLAN_SIZE + 1, 0))
            finally:
                os.close(kept)
        return answer

    return plan


def _print(sentence: str) -> None:
    os.write(2, f"guise: {sentence}\n".encode("utf-8", "backslashreplace"))
