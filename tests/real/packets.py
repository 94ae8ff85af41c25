"""esbuild's protocol, as its JavaScript library speaks it with `esbuild --service`: the client's side.

A packet is a 32-bit little-endian length, a 32-bit word (id << 1 | is-response) and one value: a type
byte (0 null, 1 bool, 2 int, 3 string, 4 bytes, 5 list, 6 map), then the content; strings and bytes
have a 32-bit length before them, lists and maps a 32-bit count, keys are strings.  The service opens
with its version, length first, outside of any packet.  Source: esbuild's cmd/esbuild/stdio_protocol.go.
"""

from __future__ import annotations

import struct
from typing import IO

Value = None | bool | int | str | bytes | list["Value"] | dict[str, "Value"]


def encode(value: Value) -> bytes:
    """One value with its type byte."""
    if value is None:
        return b"\0"
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, int):
        return b"\2" + struct.pack("<i", value)
    if isinstance(value, str):
        data = value.encode()
        return b"\3" + struct.pack("<I", len(data)) + data
    if isinstance(value, bytes):
        return b"\4" + struct.pack("<I", len(value)) + value
    if isinstance(value, list):
        return b"\5" + struct.pack("<I", len(value)) + b"".join(map(encode, value))
    parts = [encode(key)[1:] + encode(item) for key, item in value.items()]
    return b"\6" + struct.pack("<I", len(parts)) + b"".join(parts)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def value(self) -> Value:
        kind = self.take(1)[0]
        if kind == 0:
            return None
        if kind == 1:
            return self.take(1) != b"\0"
        if kind == 2:
            return int.from_bytes(self.take(4), "little", signed=True)
        if kind == 3:
            return self.take(self.number()).decode()
        if kind == 4:
            return self.take(self.number())
        if kind == 5:
            return [self.value() for _ in range(self.number())]
        assert kind == 6, f"esbuild sent a value of type {kind}"
        return {self.take(self.number()).decode(): self.value() for _ in range(self.number())}


class Service:
    """A conversation with a running `esbuild --service`."""

    def __init__(self, into: IO[bytes], out: IO[bytes]) -> None:
        self.into, self.out = into, out
        self.last = -1
        self.version = self._exactly(self._length()).decode()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.out.read(size - len(data))
            assert more, "esbuild closed its output in the middle of a packet"
            data += more
        return data

    def _length(self) -> int:
        return int.from_bytes(self._exactly(4), "little")

    def _send(self, word: int, value: Value) -> None:
        packet = struct.pack("<I", word) + encode(value)
        self.into.write(struct.pack("<I", len(packet)) + packet)
        self.into.flush()

    def request(self, value: dict[str, Value]) -> tuple[dict[str, Value], list[dict[str, Value]]]:
        """Send a request; its response, and the requests that esbuild made meanwhile (answered by {})."""
        self.last += 1
        mine = self.last
        self._send(mine << 1, value)
        asked: list[dict[str, Value]] = []
        while True:
            reader = _Reader(self._exactly(self._length()))
            word = reader.number()
            received = reader.value()
            assert isinstance(received, dict)
            if word == mine << 1 | 1:
                return received, asked
            assert not word & 1, "a response to a request that was never made"
            asked.append(received)
            self._send(word | 1, {})
