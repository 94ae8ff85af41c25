"""A server and a fake runtime at the two ends of one control socket."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest

from personality.supervisor import images, wire
from personality.supervisor.server import Server

from .fake_runtime import FakeRuntime

MARK = f"GUISE_TEST_RUN={uuid.uuid4()}"


@pytest.fixture(scope="session", autouse=True)
def marked_environment() -> Iterator[None]:
    """What tells these tests' supervisors from others: they keep the launcher's environment."""
    name, _, value = MARK.partition("=")
    os.environ[name] = value
    yield
    del os.environ[name]


class Session:
    """A server that runs in a thread of this process, and what it reported."""

    def __init__(self, planner: images.Planner, release: int = 0) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = ours
        self.reports: list[str] = []
        self.hellos: list[tuple[int, str, tuple[int, ...]]] = []
        self.server = Server(
            ours,
            "freebsd",
            release,
            planner=planner,
            report=self.reports.append,
            on_hello=lambda pid, kernel, args: self.hellos.append((pid, kernel, args)),
        )
        self.runtime = FakeRuntime(theirs)
        self.thread = threading.Thread(target=self.server.serve, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.runtime.close()
        self.thread.join(10)
        assert not self.thread.is_alive(), "the server did not see the last guest's end"
        self.control.close()


def host_planner(
    descriptor: int, path: str, *, assume: str = "", interpreter_of: str = "", rules: str = ""
) -> images.Answer:
    return images.Answer(wire.EXEC_HOST)


@pytest.fixture
def start_session() -> Iterator[Callable[..., Session]]:
    """start_session(planner=..., release=...): a Session that is closed after the test."""
    sessions: list[Session] = []

    def start(planner: images.Planner = host_planner, release: int = 0) -> Session:
        sessions.append(Session(planner, release))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
