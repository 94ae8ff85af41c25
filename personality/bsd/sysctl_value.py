"""The value of a sysctl node: a constant, or a function of the guest that asks, called once per request.

Constants are known to the guest's own process as well (personality/bsd/sysctl.c), and so are the facts that
are marked here.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from personality.bsd.request import Request
    from personality.supervisor.guest import Guest

    Constant = int | str | bytes
    Value = Constant | Callable[[Guest], Constant]
    # A node that answers for everything below it, or computes its answer from the new value.
    Handler = Callable[[Request, tuple[int, ...]], None]
    _Function = TypeVar("_Function", bound=Callable[..., Any])

in_process: dict[object, tuple[str, int]] = {}
"""Function of a node to what the runtime calls that fact (enum sysctl_fact), and its size in bytes."""


def told_in_process(name: str, size: int = 4) -> Callable[[_Function], _Function]:
    """Of a function whose answer the guest's process has too: there it is FACT_<NAME>, of `size` bytes."""

    def mark(function: _Function) -> _Function:
        in_process[function] = (name, size)
        return function

    return mark


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
