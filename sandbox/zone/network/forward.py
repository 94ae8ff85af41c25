"""The program behind `publish`: passes connections on until the zone's first process has ended.

forward.py PIDFD ADDRESS DESCRIPTOR:PORT ...   each descriptor is a listening socket
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

_BLOCK = 1 << 18


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


async def _main(words: list[str]) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(int(words[0]), ended.set)
    servers = []
    for pair in words[2:]:
        descriptor, port = pair.split(":")
        servers.append(await _serve(socket.socket(fileno=int(descriptor)), words[1], int(port)))
    await ended.wait()


if __name__ == "__main__":
    import os

    asyncio.new_event_loop().run_until_complete(_main(sys.argv[1:]))
    os._exit(0)  # connections that are open end with the zone
