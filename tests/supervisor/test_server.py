"""The server against a fake runtime: every kind of request, and every way one can go wrong."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from personality.supervisor import handlers, images, wire
from personality.supervisor.guest import Guest

from .conftest import Session
from .fake_runtime import FakeRuntime

Start = Callable[..., Session]


def test_an_unknown_call_is_enosys(start_session: Start) -> None:
    assert start_session().runtime.ask(wire.CALL, 999_999).value == -errno.ENOSYS


def test_a_handler_serves_its_call(start_session: Start) -> None:
    session = start_session()
    assert session.runtime.ask(wire.CALL, 307, (0,)).value == 1  # kldnext
    assert session.runtime.ask(wire.CALL, 307, (77,)).value == -errno.ENOENT


def test_a_guest_of_another_kernel_is_known_without_its_exec(start_session: Start) -> None:
    session = start_session()
    session.runtime.personality = wire.personality_hash("linux")
    assert session.runtime.ask(wire.CALL, 307, (0,)).value == -errno.ENOSYS
    session.runtime.personality = wire.personality_hash("freebsd")
    assert session.runtime.ask(wire.CALL, 307, (0,)).value == 1


@pytest.mark.parametrize(
    ("handler", "value"),
    [
        (lambda guest, args: (3, 4), 3),
        (lambda guest, args: args[0] + 1, 42),
        (lambda guest, args: 1 / 0, -errno.EIO),
    ],
    ids=["two results", "arguments", "defect"],
)
def test_answers(
    start_session: Start, monkeypatch: pytest.MonkeyPatch, handler: handlers.Handler, value: int
) -> None:
    monkeypatch.setitem(handlers._loaded, ("freebsd", 7_000), handler)
    session = start_session()
    reply = session.runtime.ask(wire.CALL, 7_000, (41,))
    assert reply.value == value
    assert bool(reply.has_second) == (value == 3)


def test_guest_errnos_have_their_own_range(start_session: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(guest: Guest, args: tuple[int, ...]) -> int:
        raise handlers.GuestError(93)

    monkeypatch.setitem(handlers._loaded, ("freebsd", 7_000), refuse)
    assert start_session().runtime.ask(wire.CALL, 7_000).value == -(8192 - 93)


def test_a_defect_is_reported_in_one_sentence(start_session: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GUISE_DEBUG", raising=False)
    monkeypatch.setitem(handlers._loaded, ("freebsd", 7_000), lambda guest, args: [][1])
    session = start_session()
    session.runtime.ask(wire.CALL, 7_000)
    assert len(session.reports) == 1
    assert "IndexError" in session.reports[0]


def test_damaged_requests_are_einval(start_session: Start) -> None:
    session = start_session()
    assert session.runtime.ask_raw(b"nonsense").value == -errno.EINVAL
    assert session.runtime.ask(77).value == -errno.EINVAL
    assert session.runtime.ask(wire.CALL, 307, (0,)).value == 1


def test_exec_of_a_guest_hands_over_its_plan(start_session: Start, tmp_path: os.PathLike[str]) -> None:
    seen: list[tuple[str, str, str]] = []

    def planner(
        descriptor: int, path: str, *, assume: str = "", interpreter_of: str = "", rules: str = ""
    ) -> images.Answer:
        assert os.pread(descriptor, 3, 0) == b"abc"
        seen.append((path, interpreter_of, rules))
        plan = os.memfd_create("plan")
        os.write(plan, b"the plan")
        return images.Answer(wire.EXEC_GUEST, plan, "freebsd", "/libexec/ld-elf.so.1")

    path = os.path.join(tmp_path, "program")
    with open(path, "wb") as file:
        file.write(b"abc")
    session = start_session(planner=planner)
    with open(path, "rb") as program:
        reply = session.runtime.ask(wire.EXEC, payload=b"./pro\xffgram\0", send=program.fileno())
        assert (reply.value, reply.payload) == (wire.EXEC_GUEST, b"/libexec/ld-elf.so.1\0")
        assert os.pread(reply.descriptors[0], 100, 0) == b"the plan"
        os.close(reply.descriptors[0])
        again = session.runtime.ask(wire.EXEC, args=(1,), payload=b"ld\0", send=program.fileno())
        os.close(again.descriptors[0])
    assert seen == [("./pro\udcffgram", "", "freebsd"), ("ld", "freebsd", "")]


@pytest.mark.parametrize(
    ("answer", "value", "payload"),
    [
        (images.Answer(wire.EXEC_HOST), wire.EXEC_HOST, b""),
        (images.Answer(wire.EXEC_SCRIPT, interpreter="/bin/sh"), wire.EXEC_SCRIPT, b"/bin/sh\0"),
        (
            images.Answer(wire.EXEC_SCRIPT, interpreter="/bin/sh", argument=""),
            wire.EXEC_SCRIPT,
            b"/bin/sh\0\0",
        ),
    ],
    ids=["host", "script", "empty argument"],
)
def test_exec_of_others(start_session: Start, answer: images.Answer, value: int, payload: bytes) -> None:
    session = start_session(planner=lambda descriptor, path, **_: answer)
    reply = session.runtime.ask(wire.EXEC, payload=b"x\0", send=0)
    assert (reply.value, reply.payload, reply.descriptors) == (value, payload, [])


def test_exec_failures_carry_their_errno(start_session: Start) -> None:
    def planner(descriptor: int, path: str, **_: str) -> images.Answer:
        raise images.ImageError(f"{path}: not a program", 126, errno.ENOEXEC)

    session = start_session(planner=planner)
    assert session.runtime.ask(wire.EXEC, payload=b"x\0", send=0).value == -errno.ENOEXEC
    assert session.runtime.ask(wire.EXEC, payload=b"x\0").value == -errno.EBADF
    assert session.reports == ["x: not a program"]


def test_unserved_calls_are_reported(start_session: Start) -> None:
    session = start_session()
    session.runtime.ask(wire.COUNT, payload=b"mac_syscall 2\nfoo 1\n")
    assert session.reports == [
        f"process {os.getpid()} made calls that are not served: mac_syscall (2), foo (1)"
    ]


def test_hello_reaches_the_tracer_with_the_real_pid(start_session: Start) -> None:
    session = start_session()
    assert session.runtime.ask(wire.HELLO, args=(1, 2, 3)).value == 0
    assert session.hellos == [(os.getpid(), "freebsd", (1, 2, 3, 0, 0, 0, 0, 0))]


def test_no_descriptor_is_left_behind(start_session: Start) -> None:
    session = start_session()
    session.runtime.ask(wire.CALL, 307, (0,))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        session.runtime.ask(wire.EXEC, payload=b"x\0", send=0)
        session.runtime.ask_raw(b"nonsense", send=0)
    deadline = time.monotonic() + 10  # the server closes its copies after the answer
    while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_many_threads_share_the_socket(start_session: Start) -> None:
    session = start_session()
    wrong: list[int] = []

    def ask() -> None:
        runtime = FakeRuntime(session.runtime.control)
        wrong.extend(value for _ in range(50) if (value := runtime.ask(wire.CALL, 307, (0,)).value) != 1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_guest_that_died_waiting_does_not_stop_the_server(start_session: Start) -> None:
    session = start_session()
    request = wire.encode_request(wire.Request(wire.CALL, 307, (0,) * 8, 1, 1, 0, b""))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    with theirs:
        rights = theirs.fileno().to_bytes(4, "little")
        session.runtime.control.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    assert session.runtime.ask(wire.CALL, 307, (0,)).value == 1
