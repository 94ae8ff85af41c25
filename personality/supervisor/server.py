"""Serves upcalls: what the runtime cannot do alone inside a guest process.

One process serves one `guise run` and everything it starts.  It is nobody's child by the time
guests run, has a session and no descriptors of its own, and ends when the last guest has ended:
that closes the last copy of the control socket.
"""

from __future__ import annotations

import _socket  # not `socket`: its enums alone take longer to import than all of the supervisor
import errno
import os
import struct  # not `array`: the extension imports `collections`, and a guest waits for it
import sys

from personality.supervisor import handlers, images, numbers, wire
from personality.supervisor.guest import Guest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_RIGHTS = 8  # descriptors one request may carry; the runtime sends two
_CREDENTIALS_SIZE = 12
_MSG_CMSG_CLOEXEC = 0x40000000


class Server:
    """Upcalls of all guests of one run.

    `kernel` is the first guest's: what a request means that does not say.  `release` is what guests of
    the kernel `release_of` are told (that of the first guest if it is not given).  `planner` decides what
    an exec'd file is; with `assumed`, the host's kernel, its programs are guests too.  `report`
    receives a sentence that the user asked to see (-v).  `on_hello` attaches the tracer to a pid
    before its first instruction (engine ptrace).
    """

    def __init__(
        self,
        control: _socket.socket,
        kernel: str,
        release: int = 0,
        *,
        release_of: str = "",
        assumed: str = "",
        planner: images.Planner,
        report: Callable[[str], None] | None = None,
        on_hello: Callable[[int, str, tuple[int, ...]], None] | None = None,
    ) -> None:
        self._control = control
        self._kernel = kernel
        self._release = release
        self._release_of = release_of or kernel
        self._assumed = assumed
        self._planner = planner
        self._report = report
        self._on_hello = on_hello
        self._names = {wire.personality_hash(kernel): kernel}
        control.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)

    def serve(self, patience: int = 0) -> bool:
        """Until every guest has ended.  False: no request came for `patience` seconds, if those are not 0."""
        limit = patience.to_bytes(8, sys.byteorder) + bytes(8)  # struct timeval
        self._control.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, limit)
        try:
            while self.serve_one():
                continue
        except BlockingIOError:
            return False
        return True

    def stop(self) -> None:
        """Let `serve`, in another thread, return after the request that it is answering."""
        self._control.shutdown(_socket.SHUT_RD)

    def serve_one(self) -> bool:
        """Wait for one request and answer it.  False: all guests have ended."""
        space = _socket.CMSG_SPACE(_RIGHTS * 4) + _socket.CMSG_SPACE(_CREDENTIALS_SIZE)
        try:
            packet, ancillary, _flags, _peer = self._control.recvmsg(
                wire.MAX_PACKET, space, _MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError:
            return False
        descriptors, pid = _ancillary(ancillary)
        if not packet:
            for descriptor in descriptors:
                os.close(descriptor)
            return False
        if descriptors:
            self._answer(packet, descriptors, pid)
        return True

    def _answer(self, packet: bytes, descriptors: list[int], pid: int) -> None:
        """Answer one request on its own socket, descriptors[0]."""
        reply = _socket.socket(fileno=descriptors[0])
        answer: list[int] = []
        try:
            message = self._dispatch(packet, descriptors[1:], pid, answer)
            rights = (
                [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(answer)}i", *answer))]
                if answer
                else []
            )
            reply.sendmsg([message], rights, _socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            return  # the guest was killed while it waited
        finally:
            reply.close()
            for descriptor in descriptors[1:] + answer:
                os.close(descriptor)

    def _dispatch(self, packet: bytes, descriptors: list[int], pid: int, answer: list[int]) -> bytes:
        try:
            request = wire.decode_request(packet)
            if request.kind == wire.CALL:
                return self._call(request, pid or request.pid, descriptors)
            if request.kind == wire.EXEC:
                return self._exec(request, descriptors, answer)
            if request.kind == wire.HELLO:
                if self._on_hello is not None:
                    self._on_hello(pid or request.pid, self._kernel_of(request.personality), request.args)
                return wire.encode_reply(0)
            if request.kind == wire.COUNT:
                self._count(request, numbers.of_guest(pid or request.pid))
                return wire.encode_reply(0)
            return wire.encode_reply(-errno.EINVAL)
        except OSError as error:
            return wire.encode_reply(-(error.errno or errno.EIO))
        except handlers.GuestError as error:
            return wire.encode_reply(error.value)
        except wire.BadPacket:
            return wire.encode_reply(-errno.EINVAL)
        except Exception as error:
            # A defect in a handler must cost its guest one failed call, not the run.
            self._defect(error)
            return wire.encode_reply(-errno.EIO)

    def _call(self, request: wire.Request, pid: int, descriptors: list[int]) -> bytes:
        kernel = self._kernel_of(request.personality)
        handler = handlers.find(kernel, request.number)
        if handler is None:
            return wire.encode_reply(-errno.ENOSYS)
        known = numbers.of_guest(pid)
        memory = os.dup(descriptors[0]) if descriptors else -1
        release = self._release if self._release_of == kernel else 0
        guest = Guest(known, request.tid, kernel, release, memory, number=pid)
        try:
            result = handler(guest, request.args)
        finally:
            guest.close()
        if isinstance(result, tuple):
            return wire.encode_reply(result[0], result[1])
        return wire.encode_reply(result)

    def _exec(self, request: wire.Request, descriptors: list[int], answer: list[int]) -> bytes:
        if not descriptors:
            return wire.encode_reply(-errno.EBADF)
        path = os.fsdecode(request.payload.rstrip(b"\0"))
        kernel = self._kernel_of(request.personality)
        try:
            if request.args[0]:
                program = self._kernel_of(request.args[1])
                found = self._planner(descriptors[0], path, interpreter_of=program)
            else:
                found = images.plan_assumed(
                    self._planner, descriptors[0], path, self._assumed, kernel, traced=bool(request.args[2])
                )
        except images.ImageError as error:
            if self._report is not None:
                self._report(str(error))
            return wire.encode_reply(-error.errno)
        if found.reason and self._report is not None:
            self._report(f"{path} is executed by the host: {found.reason}")
        payload = b""
        if found.kind == wire.EXEC_GUEST:
            answer.append(found.plan)
            payload = os.fsencode(found.interpreter) + b"\0"
        elif found.kind == wire.EXEC_SCRIPT:
            payload = os.fsencode(found.interpreter) + b"\0"
            if found.argument is not None:
                payload += os.fsencode(found.argument) + b"\0"
        return wire.encode_reply(found.kind, None, payload)

    def _count(self, request: wire.Request, pid: int) -> None:
        if self._report is None:
            return
        calls = [
            line.rpartition(" ") for line in request.payload.decode("utf-8", "replace").split("\n") if line
        ]
        if calls:
            listed = ", ".join(f"{name} ({count})" for name, _, count in calls)
            self._report(f"process {pid} made calls that are not served: {listed}")

    def _kernel_of(self, name_hash: int) -> str:
        if name_hash not in self._names:
            # A guest of another kernel: its exec need not have passed here, plans are cached.
            self._names |= {wire.personality_hash(name): name for name in images.personalities()}
        return self._names.get(name_hash, self._kernel)

    def _defect(self, error: BaseException) -> None:
        if os.environ.get("GUISE_DEBUG") == "1":
            sys.excepthook(type(error), error, error.__traceback__)
        elif self._report is not None:
            self._report(
                f"a cold call failed inside Guise ({type(error).__name__}: {error}): "
                "GUISE_DEBUG=1 shows where"
            )


def _ancillary(messages: list[tuple[int, int, bytes]]) -> tuple[list[int], int]:
    """Descriptors and the sender's pid (0: not said) out of a packet's control messages."""
    descriptors: list[int] = []
    pid = 0
    for level, kind, data in messages:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            count = len(data) // 4
            descriptors += struct.unpack_from(f"{count}i", data)
        elif level == _socket.SOL_SOCKET and kind == _socket.SCM_CREDENTIALS:
            pid = int.from_bytes(data[:4], sys.byteorder)
    return descriptors, pid
