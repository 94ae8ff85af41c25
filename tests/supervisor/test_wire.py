"""The packets: what comes out is what went in, and the sizes are the runtime's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from personality.supervisor import wire

UPCALL = Path(wire.__file__).parents[1] / "runtime" / "upcall.c"


def test_a_request_survives_the_wire() -> None:
    request = wire.Request(wire.CALL, 202, (1, 2, 3, 4, 5, 6, 1 << 63, 8), 10, 11, 0xDEADBEEF, b"payload")
    decoded = wire.decode_request(wire.encode_request(request))
    assert decoded.args == request.args
    assert (decoded.kind, decoded.number, decoded.pid, decoded.tid) == (wire.CALL, 202, 10, 11)
    assert (decoded.personality, decoded.payload) == (0xDEADBEEF, b"payload")


@pytest.mark.parametrize(
    "damage",
    [lambda p: p[:95], lambda p: b"\0" + p[1:], lambda p: p + b"x", lambda p: b""],
    ids=["short", "magic", "payload", "empty"],
)
def test_damaged_requests_are_refused(damage: object) -> None:
    packet = wire.encode_request(wire.Request(wire.CALL, 1, (0,) * 8, 1, 1, 0, b""))
    assert callable(damage)
    with pytest.raises(wire.BadPacket):
        wire.decode_request(damage(packet))


def test_a_second_result_is_told_from_none() -> None:
    assert wire.REPLY.unpack(wire.encode_reply(5)) == (5, 0, 0, 0)
    assert wire.REPLY.unpack(wire.encode_reply(5, 0)) == (5, 0, 1, 0)
    assert wire.encode_reply(-2, None, b"ab")[wire.REPLY.size :] == b"ab"


def test_sizes_and_magic_are_the_runtimes() -> None:
    text = UPCALL.read_text()
    sizes = dict(re.findall(r"sizeof\(struct (\w+)\) == (\d+)", text))
    assert int(sizes["request_header"]) == wire.REQUEST.size
    assert int(sizes["reply_header"]) == wire.REPLY.size
    magic = re.search(r"REQUEST_MAGIC (0x\w+)U", text)
    assert magic is not None
    assert int(magic[1], 16) == wire.MAGIC


def test_kinds_are_the_runtimes() -> None:
    text = UPCALL.with_name("runtime.h").read_text()
    kinds = {name: int(value) for name, value in re.findall(r"#define UPCALL_(\w+) (\d+)", text)}
    assert kinds == {"CALL": wire.CALL, "EXEC": wire.EXEC, "HELLO": wire.HELLO, "COUNT": wire.COUNT}


def test_the_hash_is_fnv1a() -> None:
    # Vectors of the algorithm's authors: http://www.isthe.com/chongo/tech/comp/fnv/
    assert wire.personality_hash("") == 0x811C9DC5
    assert wire.personality_hash("a") == 0xE40C292C
    assert wire.personality_hash("foobar") == 0xBF9CF968
