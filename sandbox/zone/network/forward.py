"""The program behind `publish`: passes on what comes to ports until the zone's first process has ended.

forward.py PIDFD ADDRESS KIND:DESCRIPTOR:PORT ...   tcp and a listening socket, or udp and one for datagrams
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections import OrderedDict

_BLOCK = 1 << 18
Address = tuple[object, ...]
_TURN = 64  # datagrams of one socket before it is others' turn
_PACKET = {socket.AF_INET: (socket.IPPROTO_IP, 8, 8), socket.AF_INET6: (socket.IPPROTO_IPV6, 49, 50)}
"""IP_PKTINFO, IPV6_RECVPKTINFO, IPV6_PKTINFO: what asks where datagrams came to, and what tells."""


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while block := await source.read(_BLOCK):
            sink.write(block)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        _reset(sink)  # the other end is gone: tell this one in the same way


def _reset(writer: asyncio.StreamWriter) -> None:
    at_once = struct.pack("ii", 1, 0)  # struct linger: closing sends a reset
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


async def _serve(listening: socket.socket, address: str, port: int) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, here = await asyncio.open_connection(address, port, limit=_BLOCK)
        except OSError:
            _reset(writer)  # as a closed port would answer
            return
        try:
            await asyncio.gather(_pump(reader, here), _pump(there, writer))
        finally:
            for one in (here, writer):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    return await asyncio.start_server(connected, sock=listening, limit=_BLOCK)


class _Datagrams:
    """One port for datagrams: each sender gets a socket of its own to the zone, so that answers find back.

    A sender is forgotten when it was silent for IDLE seconds, or when MOST others were heard of since.
    """

    IDLE, MOST = 60.0, 512

    def __init__(self, port: socket.socket, there: tuple[str, int]) -> None:
        self._port, self._there = port, there
        self._loop = asyncio.get_running_loop()
        self._senders: OrderedDict[object, tuple[socket.socket, float]] = OrderedDict()
        port.setblocking(False)
        self._level, tell, self._told = _PACKET[port.family]
        port.setsockopt(self._level, tell, 1)
        self._loop.add_reader(port, self._from_outside)
        self._loop.call_later(self.IDLE, self._sweep)

    def _from_outside(self) -> None:
        for _ in range(_TURN):
            try:
                data, about, _, sender = self._port.recvmsg(_BLOCK, 256)
            except OSError:  # nothing is left
                return
            came_to = [value for level, kind, value in about if (level, kind) == (self._level, self._told)]
            key = (sender, *came_to)
            try:
                inside = self._inside(key, sender, came_to)
                self._senders[key] = (inside, self._loop.time())
                inside.send(data)
            except OSError:  # a datagram may be lost
                continue

    def _inside(self, key: object, sender: Address, came_to: list[bytes]) -> socket.socket:
        if key in self._senders:
            self._senders.move_to_end(key)
            return self._senders[key][0]
        while len(self._senders) >= self.MOST:
            self._forget(next(iter(self._senders)))
        inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            inside.connect(self._there)
        except OSError:
            inside.close()
            raise
        self._loop.add_reader(inside, self._from_inside, inside, key, sender, self._from(came_to))
        return inside

    def _from(self, came_to: list[bytes]) -> list[tuple[int, int, bytes]]:
        """What makes an answer come from the address that was asked: struct in_pktinfo, in6_pktinfo."""
        answers = []
        for value in came_to:
            if self._level == socket.IPPROTO_IP:
                answers.append((self._level, self._told, bytes(4) + value[4:8] + bytes(4)))
            else:
                answers.append((self._level, self._told, value[:16] + bytes(4)))
        return answers

    def _from_inside(
        self, inside: socket.socket, key: object, sender: Address, from_: list[tuple[int, int, bytes]]
    ) -> None:
        for _ in range(_TURN):
            try:
                data = inside.recv(_BLOCK)
                self._senders[key] = (inside, self._loop.time())
                self._port.sendmsg([data], from_, 0, sender)
            except OSError:  # nothing is left, or nobody is there, inside or outside
                return

    def _forget(self, key: object) -> None:
        inside, _ = self._senders.pop(key)
        self._loop.remove_reader(inside)
        inside.close()

    def _sweep(self) -> None:
        silent = self._loop.time() - self.IDLE
        for key in [key for key, (_, heard) in self._senders.items() if heard < silent]:
            self._forget(key)
        self._loop.call_later(self.IDLE, self._sweep)


async def _main(words: list[str]) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(int(words[0]), ended.set)
    servers: list[asyncio.Server | _Datagrams] = []
    for word in words[2:]:
        kind, descriptor, port = word.split(":")
        outside = socket.socket(fileno=int(descriptor))
        if kind == "udp":
            servers.append(_Datagrams(outside, (words[1], int(port))))
        else:
            servers.append(await _serve(outside, words[1], int(port)))
    await ended.wait()


if __name__ == "__main__":
    import os

    asyncio.new_event_loop().run_until_complete(_main(sys.argv[1:]))
    os._exit(0)  # connections that are open end with the zone
