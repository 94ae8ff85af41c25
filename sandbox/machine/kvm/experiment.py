"""A live migration between two processes, start to finish, with the model's prediction beside it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from sandbox.machine.kvm.machine import Machine
from sandbox.machine.kvm.migrate import Moved, RoundRobin, migrate
from sandbox.machine.kvm.receive import TIMEOUT
from sandbox.machine.kvm.runner import Runner
from sandbox.machine.kvm.stream import BrokenStream
from sandbox.machine.kvm.writer import PAGE, Writer, check
from sandbox.migration import Migration, Policy
from sandbox.migration import migrate as predict

WARM_UP = 0.2  # seconds in which the guest's dirty rate is measured


@dataclass(frozen=True)
class Journey:
    """One migration.  Pages written: before it, on arrival, and after running on over there."""

    moved: Moved
    predicted: Migration
    dirty_rate: float  # bytes of pages a second, before the migration
    before: int
    arrived: int
    after: int

    @property
    def sound(self) -> bool:
        """Bit-identical on arrival, and it went on from there."""
        return self.moved.identical and self.before <= self.arrived <= self.after


def live(writer: Writer, policy: Policy, seconds: float) -> Journey:
    """Start a guest, move it to a new process while it runs, let it run on there for `seconds`.

    Raises NoKvm, BrokenStream, BrokenGuest, GuestStopped.
    """
    with Machine(writer.memory) as machine:
        writer.start(machine)
        with Runner(machine) as runner:
            runner.resume()
            time.sleep(WARM_UP)
            runner.pause()
            before = check(machine)
            rate = before * PAGE / WARM_UP
            predicted = predict(writer.memory, RoundRobin(writer.pages * PAGE, rate), policy)
            runner.resume()
            moved, arrival = _move(runner, policy, seconds)
    return Journey(moved, predicted, rate, before, arrival["before"], arrival["after"])


def _move(runner: Runner, policy: Policy, seconds: float) -> tuple[Moved, dict[str, int]]:
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(TIMEOUT)
        with theirs:
            command = [
                sys.executable,
                "-m",
                "sandbox.machine.kvm.receive",
                str(theirs.fileno()),
                str(seconds),
            ]
            other = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, text=True)
        try:
            moved = migrate(runner, ours, policy)
            printed, _ = other.communicate(timeout=TIMEOUT + seconds)
        finally:
            other.kill()
            other.wait()
    if other.returncode != 0:
        raise BrokenStream("the receiving side failed after the guest had arrived")
    arrival: dict[str, int] = json.loads(printed)
    return moved, arrival
