"""Live migration of a running guest: the source's side, real (Clark et al., NSDI 2005).

Memory goes in rounds while the guest runs; KVM's dirty log says what to send again.  A page that was
written again before its turn waits for the next round.  The rate of a round is the dirty rate of the last
one plus a step, within bounds; when little is left, or sending cannot keep up, the guest stops,
the rest and the processor's state go at the highest rate, and the other side runs on.
"""

from __future__ import annotations

import hashlib
import socket
import time
from dataclasses import dataclass

from sandbox.machine.kvm import stream
from sandbox.machine.kvm.runner import Runner
from sandbox.migration import PAGE, Migration, Policy, Round


@dataclass(frozen=True)
class Moved:
    """A finished migration: the rounds as the model has them, and what was checked."""

    result: Migration
    identical: bool
    digest: str
    exits: int


@dataclass(frozen=True)
class RoundRobin:
    """How the writer guest writes: `hot` bytes of pages in turn, `rate` bytes of pages a second."""

    hot: float
    rate: float

    def pages(self, seconds: float) -> float:
        return min(self.hot, self.rate * seconds) / PAGE


class Pace:
    """Sends no faster than `rate` bits a second."""

    def __init__(self, peer: socket.socket, rate: float) -> None:
        self.peer, self.rate = peer, rate
        self.begun, self.sent = time.monotonic(), 0

    def send(self, data: bytes) -> None:
        stream.send(self.peer, data)
        self.sent += len(data)
        ahead = 8 * self.sent / self.rate - (time.monotonic() - self.begun)
        if ahead > 0:
            time.sleep(ahead)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun


def migrate(runner: Runner, peer: socket.socket, policy: Policy) -> Moved:
    """Move the running guest to whoever reads `peer`; it is stopped here afterwards.

    Raises BrokenStream when the other side fails: the guest then runs on here, as before.
    """
    machine = runner.machine
    machine.track(True)
    memory = memoryview(machine.memory)
    try:
        return _move(runner, peer, policy, memory)
    except stream.BrokenStream:
        machine.track(False)
        if not runner.running:
            runner.resume()
        raise
    finally:
        memory.release()


def _move(runner: Runner, peer: socket.socket, policy: Policy, memory: memoryview) -> Moved:
    machine = runner.machine
    stream.send(peer, stream.header(len(memory)))
    machine.dirty_pages()  # from here on
    todo = set(range(len(memory) // PAGE))
    rate = policy.least
    rounds: list[Round] = []
    while len(todo) * PAGE > policy.enough and len(rounds) < policy.rounds:
        done, todo = _round(runner, peer, policy, rate, todo, memory)
        rounds.append(done)
        wanted = 8 * done.dirty / done.seconds + policy.step
        if wanted > policy.most:
            break
        rate = max(policy.least, wanted)
    converged = len(todo) * PAGE <= policy.enough
    stopped = time.monotonic()
    runner.pause()
    todo |= set(machine.dirty_pages())
    pace = Pace(peer, policy.most)
    _send(pace, sorted(todo), memory)
    pace.send(stream.state(machine.snapshot().pack(), b""))
    if stream.receive(peer, 1) != b"R":
        raise stream.BrokenStream("the other side does not say that the guest can run there")
    downtime = time.monotonic() - stopped
    digest = hashlib.sha256(memory).digest()
    answer = stream.receive(peer, 1 + stream.DIGEST_BYTES)
    result = Migration(tuple(rounds), len(todo) * PAGE, downtime, converged)
    return Moved(result, answer == b"V" + digest, digest.hex(), sum(runner.exits.values()))


def _round(
    runner: Runner, peer: socket.socket, policy: Policy, rate: float, todo: set[int], memory: memoryview
) -> tuple[Round, set[int]]:
    """Send `todo` at `rate`, leaving out what is written before its turn; what is dirty afterwards."""
    machine, pace = runner.machine, Pace(peer, rate)
    order, dirty, sent = sorted(todo), set[int](), 0
    for at in range(0, len(order), stream.BATCH):
        if policy.skip:
            dirty |= set(machine.dirty_pages())
        batch = [number for number in order[at : at + stream.BATCH] if number not in dirty]
        _send(pace, batch, memory)
        sent += len(batch)
    seconds = max(pace.seconds, 1e-6)
    dirty |= set(machine.dirty_pages())
    return Round(sent * PAGE, rate, seconds, len(dirty) * PAGE), dirty


def _send(pace: Pace, numbers: list[int], memory: memoryview) -> None:
    for at in range(0, len(numbers), stream.BATCH):
        pace.send(stream.pages(numbers[at : at + stream.BATCH], memory))
