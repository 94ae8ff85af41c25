"""How a guest travels between two processes: frames on a byte stream, each checked on arrival.

Header: MAGIC, then the memory's size (8 bytes).  Frames: one letter, then
  P  count (4 bytes), that many page numbers (4 bytes each), that many pages
  S  size (4 bytes), the processor's state; then 32 bytes, SHA-256 of all memory, zeros when not asked for
Answers: R, the guest can run here; then V and 32 bytes, SHA-256 of the memory here.  All little-endian.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Protocol

PAGE = 4096
MAGIC = b"GUISEVM1"
HEADER = struct.Struct("<8sQ")
COUNT = struct.Struct("<cI")
BATCH = 256  # pages in one frame at most
DIGEST_BYTES = 32
STATE_LIMIT = 1 << 16


class BrokenStream(RuntimeError):
    """What arrived is not a guest, or stopped half-way: one sentence."""


class Readable(Protocol):
    def recv_into(self, buffer: memoryview, size: int) -> int: ...


def receive(peer: Readable, size: int) -> bytes:
    """Just `size` bytes.  Raises BrokenStream when the other side goes away first."""
    data = bytearray(size)
    view = memoryview(data)
    have = 0
    while have < size:
        try:
            got = peer.recv_into(view[have:], size - have)
        except (OSError, TimeoutError) as error:
            raise BrokenStream(f"the other side cannot be read any more: {error}") from None
        if got == 0:
            raise BrokenStream(f"the other side went away after {have} of {size} bytes")
        have += got
    return bytes(data)


def send(peer: socket.socket, data: bytes) -> None:
    """All of `data`.  Raises BrokenStream."""
    try:
        peer.sendall(data)
    except OSError as error:
        raise BrokenStream(f"the other side takes no more: {error}") from None


def header(memory: int) -> bytes:
    return HEADER.pack(MAGIC, memory)


def pages(numbers: Sequence[int], memory: memoryview) -> bytes:
    """One frame with these pages as they are now."""
    parts = [COUNT.pack(b"P", len(numbers)), struct.pack(f"<{len(numbers)}I", *numbers)]
    parts += [bytes(memory[PAGE * number : PAGE * (number + 1)]) for number in numbers]
    return b"".join(parts)


def state(data: bytes, digest: bytes) -> bytes:
    return COUNT.pack(b"S", len(data)) + data + digest.ljust(DIGEST_BYTES, b"\0")


def read_header(peer: Readable) -> int:
    """The memory's size.  Raises BrokenStream."""
    magic, memory = HEADER.unpack(receive(peer, HEADER.size))
    if magic != MAGIC:
        raise BrokenStream("what arrives is no guest: it does not begin as one")
    if memory % PAGE or not 0 < memory <= 1 << 36:
        raise BrokenStream(f"what arrives says that it has {memory} bytes of memory, which cannot be")
    return int(memory)


def read_frame(peer: Readable, memory: memoryview) -> tuple[bytes, bytes] | None:
    """Read one frame: pages go to `memory`; the state and the digest are returned.  Raises BrokenStream."""
    kind, count = COUNT.unpack(receive(peer, COUNT.size))
    if kind == b"P":
        if not 0 < count <= BATCH:
            raise BrokenStream(f"a frame says that it has {count} pages; at most {BATCH} fit")
        numbers = struct.unpack(f"<{count}I", receive(peer, 4 * count))
        data = receive(peer, PAGE * count)
        for at, number in enumerate(numbers):
            if PAGE * (number + 1) > len(memory):
                raise BrokenStream(f"a frame has page {number}, which lies outside the guest's memory")
            memory[PAGE * number : PAGE * (number + 1)] = data[PAGE * at : PAGE * (at + 1)]
        return None
    if kind == b"S":
        if count > STATE_LIMIT:
            raise BrokenStream(f"a processor's state of {count} bytes cannot be")
        return receive(peer, count), receive(peer, DIGEST_BYTES)
    raise BrokenStream(f"a frame begins with {kind!r}, which means nothing")
