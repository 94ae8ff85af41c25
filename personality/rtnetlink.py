"""One request to the host's routing socket and its answers (rtnetlink(7)), to read or to change networks.

A library for all of it (pyroute2) takes 300 ms to import, and 20 ms to make a zone's interfaces, of which the
kernel needs 2: as long as all the rest of a boot.  Numbers are those of linux/netlink.h.
"""

from __future__ import annotations

import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

DUMP = 0x300  # NLM_F_ROOT | NLM_F_MATCH
_REQUEST, _ACKNOWLEDGE = 0x1, 0x4
_ERROR, _DONE = 2, 3
_MOST = 1 << 17
"""Bytes of the kernel's longest answer, with room: it sends 32 KB at a time."""


def attributes(data: bytes) -> dict[int, bytes]:
    """What follows a message's fixed part, by kind."""
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


class Channel:
    """A socket to the network namespace that this thread is in when it is made."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, kind: int, flags: int, body: bytes) -> list[bytes]:
        """The bodies of what comes back.  Raises OSError with the kernel's error."""
        self._number += 1
        flags |= _REQUEST | (0 if flags & DUMP == DUMP else _ACKNOWLEDGE)
        self._socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags, self._number, 0) + body)
        answers: list[bytes] = []
        while True:
            for kind, answer in self._messages():
                if kind == _ERROR:
                    (error,) = struct.unpack_from("=i", answer)
                    if error:
                        raise OSError(-error, os.strerror(-error))
                    return answers
                if kind == _DONE:
                    return answers
                answers.append(answer)

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        data = self._socket.recv(_MOST)
        while len(data) >= 16:
            length, kind, _flags, number = struct.unpack_from("=IHHI", data)
            if number == self._number:
                yield kind, data[16:length]
            data = data[(length + 3) & ~3 :]
