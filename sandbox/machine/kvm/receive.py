"""The other side of a live migration: a process of its own that takes a guest and runs it on.

`python -m sandbox.machine.kvm.receive DESCRIPTOR SECONDS` reads a guest from an inherited socket, answers
that it can run, then its memory's digest, runs it for so long, checks it and prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import time
from dataclasses import dataclass

from sandbox.machine.kvm import stream
from sandbox.machine.kvm.machine import Machine, NoKvm, Snapshot
from sandbox.machine.kvm.runner import GuestStopped, Runner
from sandbox.machine.kvm.writer import BrokenGuest, check

TIMEOUT = 60.0  # seconds without a byte


@dataclass(frozen=True)
class Arrived:
    """A guest that ran on: pages written on arrival, and when it was stopped again."""

    digest: str
    before: int
    after: int


def arrive(peer: socket.socket, seconds: float) -> Arrived:
    """Take a guest, run it for `seconds`, and check it before and after.

    Raises BrokenStream, NoKvm, BrokenGuest, GuestStopped.
    """
    peer.settimeout(TIMEOUT)
    size = stream.read_header(peer)
    with Machine(size) as machine:
        memory = memoryview(machine.memory)
        try:
            frame = None
            while frame is None:
                frame = stream.read_frame(peer, memory)
            try:
                machine.restore(Snapshot.unpack(frame[0]))
            except (ValueError, OSError) as error:
                raise stream.BrokenStream(f"the processor's state cannot be taken over: {error}") from None
            stream.send(peer, b"R")
            digest = hashlib.sha256(memory).digest()
            before = check(machine)
            stream.send(peer, b"V" + digest)
            with Runner(machine) as runner:
                runner.resume()
                time.sleep(seconds)
            return Arrived(digest.hex(), before, check(machine))
        finally:
            memory.release()


def main() -> int:
    descriptor, seconds = int(sys.argv[1]), float(sys.argv[2])
    with socket.socket(fileno=descriptor) as peer:
        try:
            arrived = arrive(peer, seconds)
        except (stream.BrokenStream, NoKvm, BrokenGuest, GuestStopped) as error:
            print(f"guise: the receiving side: {error}", file=sys.stderr)
            return 1
    print(json.dumps({"digest": arrived.digest, "before": arrived.before, "after": arrived.after}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
