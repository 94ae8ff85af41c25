"""The host's own calls as a guest's: a dispatch table whose `same` rows go to the host by number.

Nothing is translated.  What a row still decides is which arguments are descriptors, since the runtime's
own ones must stay hidden, and whether the call can wait ({wait}): such a call ends for a signal, and no
other may, or a program would see EINTR from calls that never give it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .emit_types import call_table, handlers, prefix
from .model import Abi, Call

_PARAMETERS = "(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])"
_DESCRIPTORS = ("fd", "dirfd")


def calls(abi: Abi) -> Iterator[str]:
    """The text of calls_<host>.c."""
    rows = sorted(abi.by_number.items())
    yield f"/* Generated from the tables in syscalls/{abi.kernel}/; not to be edited. */"
    yield f'#include "abi_{abi.kernel}.h"'
    yield ""
    yield "/* A handler that nobody has written is NULL. */"
    for name in handlers(abi):
        yield f"#pragma weak {abi.kernel}_sys_{name}"
    yield ""
    names: dict[str, None] = {}
    for _, call in rows:
        if call.service == "same" and _name(call) not in names:
            names[_name(call)] = None
            yield from _body(call)
    table = [(call, _handler(abi, call), len(call.arguments), _flags(call)) for _, call in rows]
    yield from call_table(abi, table)
    fast = ((number, number) for number, call in rows if call.service == "same" and _fast(call))
    yield from fast_calls(abi, fast)


def fast_calls(abi: Abi, numbers: Iterable[tuple[int, int]]) -> Iterator[str]:
    """The table of calls that fast.S makes at once: (guest's number, host's number) each."""
    yield f"const u16 {abi.kernel}_fast_calls[{prefix(abi)}CALL_LIMIT] = {{"
    for guest, host in numbers:
        yield f"    [{guest}] = {host + 1},"
    yield "};"


def _fast(call: Call) -> bool:
    """A first descriptor is checked there, no other is."""
    return set(_descriptors(call)) <= {0}


def _descriptors(call: Call) -> list[int]:
    return [index for index, argument in enumerate(call.arguments) if argument.type.name in _DESCRIPTORS]


def _name(call: Call) -> str:
    hidden = "".join(f"_{index}" for index in _descriptors(call))
    return f"{'wait' if 'wait' in call.tags else 'pass'}{hidden}"


def _handler(abi: Abi, call: Call) -> str:
    if call.service == "runtime":
        return f"{abi.kernel}_sys_{call.handler}"
    return _name(call) if call.service == "same" else "NULL"


def _flags(call: Call) -> str:
    return "CALL_NO_RESULT" if call.result.kind == "registers" else "0"


def _body(call: Call) -> Iterator[str]:
    yield f"static long {_name(call)}{_PARAMETERS}"
    yield "{"
    for index in _descriptors(call):
        yield f"    if (fd_is_reserved(t, (long)a[{index}]))"
        yield "        return -EBADF;"
    function = "host_intr" if "wait" in call.tags else "host"
    yield f"    return {function}(t->call_number, a[0], a[1], a[2], a[3], a[4], a[5]);"
    yield "}"
    yield ""
