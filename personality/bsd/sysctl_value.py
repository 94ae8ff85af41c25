"""The value of a sysctl node: a constant, or a function of the guest that asks, called once per request."""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from personality.bsd.request import Request
    from personality.supervisor.guest import Guest

    Constant = int | str | bytes
    Value = Constant | Callable[[Guest], Constant]
    # A node that answers for everything below it, or computes its answer from the new value.
    Handler = Callable[[Request, tuple[int, ...]], None]


def encode(value: Value | None, layout: str | None, guest: Guest) -> bytes:
    """A value as the guest's kernel would lay it out now; `layout`, struct's, is that of a number."""
    now = value(guest) if callable(value) else value
    if isinstance(now, bytes):
        return now
    if isinstance(now, str):
        return now.encode("utf-8", "surrogateescape") + b"\0"
    assert layout is not None, "a number's node says how long it is"
    size = struct.calcsize(layout)
    return (int(now or 0) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
