"""Every row of every kernel decodes to typed values, whatever its arguments are."""

from __future__ import annotations

import random

import pytest

from guise.tracing import ndjson, text
from syscalls import load, parse
from syscalls.decode import Decoder, RawCall, Seen
from syscalls.emit_trace import captures
from syscalls.model import HOST, Call
from syscalls.values import Integer, Value


def raw(kernel: str, call: Call, chance: random.Random, *, failed: bool) -> RawCall:
    """A call with arbitrary arguments, and arbitrary bytes behind those that are addresses."""
    abi = load(kernel)
    arguments = tuple(chance.choice((0, 1, 3, chance.getrandbits(64))) for _ in call.arguments)
    before: dict[int, Seen] = {}
    after: dict[int, Seen] = {}
    for capture in captures(abi, call):
        data = chance.randbytes(capture.size * chance.choice((1, 3)))
        for when, place in (("ENTRY", before), ("EXIT", after)):
            if when in capture.when:
                place[capture.argument] = Seen(data, truncated=chance.random() < 0.2)
    return RawCall(call.number, arguments, before, after, "done", -2 if failed else chance.getrandbits(16))


@pytest.mark.parametrize("kernel", parse.kernels())
def test_every_row(kernel: str) -> None:
    abi, decoder = load(kernel), Decoder(load(kernel), load(HOST))
    for call in abi.calls.values():
        chance = random.Random(call.number)
        for failed in (False, True):
            decoded = decoder.decode(raw(kernel, call, chance, failed=failed))
            assert decoded.name == call.name
            assert [name for name, _ in decoded.arguments[: len(call.arguments)]] == [
                argument.name for argument in call.arguments
            ]
            if failed:
                assert decoded.outcome.error == "ENOENT"
            assert text.call(decoded).startswith(f"{call.name}(")
            for (_, value), argument in zip(decoded.arguments, call.arguments, strict=False):
                assert ndjson.value(value)["kind"]
                assert typed(value) or argument.type.name in ("ptr", "dev") or call.name == "ioctl"


def typed(value: Value) -> bool:
    """Whether it is more than bits, which are shown as a hexadecimal number."""
    return not (isinstance(value, Integer) and value.base == 16)
