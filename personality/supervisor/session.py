"""One run's supervisor after the fork: serve upcalls, and trace where the engine asks for it."""

from __future__ import annotations

import _socket
import os

from personality.supervisor import images
from personality.supervisor.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.images import Planner
    from personality.supervisor.launch import Options


def run(control: _socket.socket, kernel: str, planner: Planner, options: Options) -> int:
    """Until every guest has ended; the supervisor's own exit status."""
    report = _print if options.verbose else None
    if options.surroundings is not None:
        planner = _planner_of_copies(planner)
    assumed = images.assumed_by(options)
    release_of = options.kernel or kernel
    if options.engine == "ptrace":
        from personality.supervisor.tracer import Tracer

        tracer = Tracer(options.before, options.after)
        server = Server(
            control, kernel, options.release,
            release_of=release_of, assumed=assumed, planner=planner, report=report, on_hello=tracer.on_hello,
        )  # fmt: skip
        tracer.run(server)
    else:
        server = Server(
            control, kernel, options.release,
            release_of=release_of, assumed=assumed, planner=planner, report=report,
        )  # fmt: skip
        server.serve()
    return 0


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
