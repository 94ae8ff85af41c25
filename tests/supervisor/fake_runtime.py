"""A runtime that speaks the wire format and runs nothing: what the real one says, from Python.

It is imported by tests that talk to a server in this process, and executed as the runtime itself by
tests of the launch: then it reports as JSON what it was started with.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence

from personality.supervisor import wire


class Reply:
    """A decoded answer; `descriptors` belong to the caller."""

    def __init__(self, packet: bytes, descriptors: list[int]) -> None:
        self.value, self.second, self.has_second, size = wire.REPLY.unpack_from(packet)
        self.payload = packet[wire.REPLY.size :]
        assert len(self.payload) == size
        self.descriptors = descriptors


class FakeRuntime:
    """One guest process's end of the control socket."""

    def __init__(self, control: socket.socket, personality: str = "freebsd") -> None:
        self.control = control
        self.personality = wire.personality_hash(personality)

    def ask(
        self,
        kind: int,
        number: int = 0,
        args: Sequence[int] = (),
        payload: bytes = b"",
        send: int = -1,
    ) -> Reply:
        words = (*args, *(0,) * (8 - len(args)))
        pid = os.getpid()
        request = wire.Request(kind, number, words, pid, pid, self.personality, payload)
        return self.ask_raw(wire.encode_request(request), send)

    def ask_raw(self, packet: bytes, send: int = -1) -> Reply:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                rights = array.array("i", [theirs.fileno(), *([send] if send >= 0 else [])])
                self.control.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            answer, ancillary, _flags, _peer = ours.recvmsg(65536, socket.CMSG_SPACE(16))
        descriptors = array.array("i")
        for _level, _kind, data in ancillary:
            descriptors.frombytes(data)
        return Reply(answer, list(descriptors))

    def close(self) -> None:
        self.control.close()


def settings() -> dict[str, str]:
    """The GUISE string that this process was started with."""
    text = os.environ["GUISE"]
    head, _, program = text.partition(",exe=")
    return {**dict(part.split("=", 1) for part in head.split(",")), "exe": program}


def main() -> None:
    """As the runtime: say what was handed over, make one cold call, end as the last argument says."""
    told = settings()
    control = socket.socket(fileno=int(told["control"]))
    runtime = FakeRuntime(control)
    hello = runtime.ask(wire.COUNT, payload=b"getrlimit 2\nfoo 1\n")
    report = {
        "arguments": sys.argv[1:],
        "settings": told,
        "first": next(iter(os.environ)),
        "environment": dict(os.environ),
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "plan": os.pread(int(told["plan"]), 8, 0).decode("latin-1"),
        "image": os.pread(int(told["image"]), 4, 0).decode("latin-1"),
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "children": children(),
        "pending": sorted(signal.sigpending()),
        "directory": os.getcwd(),
        "count": hello.value,
    }
    os.write(1, json.dumps(report).encode())
    end = sys.argv[-1]
    if end.startswith("exit:"):
        os._exit(int(end[5:]))
    if end.startswith("kill:"):
        number = int(end[5:])
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)  # Python, and no launcher, ignores SIGPIPE here
        os.kill(os.getpid(), number)
    if end == "daemon" and os.fork() == 0:
        os.setsid()
        os.close(1)
        os.close(2)
        runtime.ask(wire.COUNT)
        os._exit(0)


def children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


if __name__ == "__main__":
    main()
