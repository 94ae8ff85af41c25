"""The packets that runtime and supervisor exchange, one request and one answer per packet.

The runtime's side of the same layout is personality/runtime/upcall.c; a test compares the sizes.
The classes here are written out instead of being dataclasses because the import of `dataclasses`
costs more than the supervisor's whole start.
"""

from __future__ import annotations

import struct

REQUEST = struct.Struct("<IIQ8QiiII")
REPLY = struct.Struct("<qQII")
MAGIC = 0x47555043  # "GUPC"

CALL = 1
EXEC = 2
HELLO = 3
COUNT = 4

# Answers to EXEC.
EXEC_GUEST = 1
EXEC_HOST = 2
EXEC_SCRIPT = 3

CONTROL = 3  # the descriptor of a supervisor's end; standby and numbers have those behind it

# The largest packet the runtime sends: a path or the list of unserved calls, and the header.
MAX_PACKET = 65536


class BadPacket(ValueError):
    """A packet that no runtime of this version sends."""


class Request:
    """One upcall as the runtime sent it.  `tid` is a number in the guest's own pid namespace."""

    __slots__ = ("args", "kind", "number", "payload", "personality", "pid", "tid")

    def __init__(
        self,
        kind: int,
        number: int,
        args: tuple[int, ...],
        pid: int,
        tid: int,
        personality: int,
        payload: bytes,
    ) -> None:
        self.kind = kind
        self.number = number
        self.args = args
        self.pid = pid
        self.tid = tid
        self.personality = personality
        self.payload = payload


def decode_request(packet: bytes) -> Request:
    """Raises BadPacket when the packet is not a whole request."""
    if len(packet) < REQUEST.size:
        raise BadPacket(f"a request of {len(packet)} bytes is shorter than its header")
    fields = REQUEST.unpack_from(packet)
    payload = packet[REQUEST.size :]
    if fields[0] != MAGIC:
        raise BadPacket(f"a request starts with {fields[0]:#x}")
    if fields[13] != len(payload):
        raise BadPacket(f"a request announces {fields[13]} bytes and carries {len(payload)}")
    return Request(fields[1], fields[2], fields[3:11], fields[11], fields[12], fields[14], payload)


def encode_request(request: Request) -> bytes:
    """The inverse of decode_request: what a runtime sends (the tests play one)."""
    return (
        REQUEST.pack(
            MAGIC,
            request.kind,
            request.number,
            *request.args,
            request.pid,
            request.tid,
            len(request.payload),
            request.personality,
        )
        + request.payload
    )


def encode_reply(value: int, second: int | None = None, payload: bytes = b"") -> bytes:
    """The answer's packet.  `value` is a result or -errno, `second` what %rdx becomes."""
    return REPLY.pack(value, second or 0, second is not None, len(payload)) + payload


def personality_hash(name: str) -> int:
    """32-bit FNV-1a of a personality's name: how a request says which kernel its guest believes in."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
