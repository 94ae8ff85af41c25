"""The process that runs cases: JSON lines in, JSON lines out, one case at a time.

A process of its own because a subreaper adopts the orphans of *all* its descendants: with one worker for each
case at a time it is known whose they are.  When its input ends, the runner is gone: the case is ended too.
"""

from __future__ import annotations

import json
import os
import sys

from guise.compat import contain, scratch
from guise.compat.model import Command, Ended


def run_commands(commands: list[Command], *, abandoned: int = -1) -> list[Ended]:
    """Each in turn; a host that fails (no memory, no descriptors) is reported as a case not started."""
    results = []
    for command in commands:
        try:
            results.append(contain.run(command, abandoned=abandoned))
        except OSError as error:
            results.append(Ended(stopped="start", reason=f"the host failed: {error}"))
    return results


def main() -> int:
    contain.become_subreaper()
    scratch.sweep()  # of the workers before us that were killed
    answers = os.dup(1)
    os.dup2(2, 1)
    pending = b""
    while True:
        while b"\n" not in pending:
            data = os.read(0, 1 << 16)
            if not data:
                return 0
            pending += data
        line, _, pending = pending.partition(b"\n")
        commands = [Command.from_data(item) for item in json.loads(line)]
        results = run_commands(commands, abandoned=0)
        try:
            with os.fdopen(os.dup(answers), "wb") as stream:
                stream.write(json.dumps([ended.as_data() for ended in results]).encode() + b"\n")
        except BrokenPipeError:
            return 1  # the runner is gone


if __name__ == "__main__":
    sys.exit(main())
