"""What the tracer copies from a guest's memory at each call, as C tables made from the call rows.

The runtime copies bytes and knows nothing of what they mean; `decode` reads them with the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import Abi, Argument, Call

_CONSTANT = 255


@dataclass(frozen=True, slots=True)
class Capture:
    """One copy: `kind` and `flags` in the words of the runtime's trace.h, `size` of one element."""

    argument: int
    kind: str
    when: str
    length: int = _CONSTANT
    size: int = 1
    flags: tuple[str, ...] = ()

    @property
    def c_text(self) -> str:
        flags = " | ".join(f"TRACE_{flag}" for flag in self.flags) or "0"
        return f"{{{self.argument}, TRACE_{self.kind}, {self.when}, {self.length}, {self.size}, {flags}}}"


def captures(abi: Abi, call: Call) -> list[Capture]:
    """What is copied for one call, in the order in which the runtime does it."""
    found: list[Capture] = []
    for index, argument in enumerate(call.arguments[:8]):
        found += _captures(abi, call, index, argument)
    return found


_WHEN = {"in": ("TRACE_ENTRY",), "out": ("TRACE_EXIT",), "inout": ("TRACE_ENTRY", "TRACE_EXIT")}


def _captures(abi: Abi, call: Call, index: int, argument: Argument) -> Iterator[Capture]:
    kind = argument.type
    if kind.kind == "string":
        if kind.name == "strv":
            listed = "COUNT" if argument.name.startswith("env") else "STRINGS"
            yield Capture(index, listed, "TRACE_ENTRY")
        else:
            yield Capture(index, "STRING", "TRACE_ENTRY")
    elif kind.kind in ("bytes", "object"):
        length, size, flags = _extent(abi, call, argument)
        if size:
            for when in _WHEN[kind.direction]:
                limited = flags
                if when == "TRACE_EXIT" and length != _CONSTANT and _result_counts(call):
                    limited = (*flags, "RESULT")
                yield Capture(index, "BYTES", when, length, size, limited)
    elif kind.name == "ptr" and index + 1 < len(call.arguments) and _is_length(call.arguments[index + 1]):
        # A buffer whose length the kernel puts where the next argument points: sockaddrs, options.
        yield Capture(index, "BYTES", "TRACE_EXIT", index + 1, 1, ("POINTED",))


def _is_length(argument: Argument) -> bool:
    kind = argument.type
    return kind.kind == "object" and kind.direction == "inout" and kind.name in ("u32", "size")


def _result_counts(call: Call) -> bool:
    return call.result.kind == "value" and call.result.name in ("size", "ssize", "int")


def _extent(abi: Abi, call: Call, argument: Argument) -> tuple[int, int, tuple[str, ...]]:
    """(argument that counts or 255, bytes of one element, flags)."""
    kind = argument.type
    size = 1 if kind.kind == "bytes" else (8 if kind.name == "ptr" else abi.size_of(kind.name))
    flags: tuple[str, ...] = ("SHORT",) if kind.kind == "bytes" and not _is_name(argument) else ()
    if kind.count is None:
        return _CONSTANT, size, flags
    if isinstance(kind.count, int):
        return _CONSTANT, size * kind.count, flags
    for index, other in enumerate(call.arguments[:8]):
        if other.name == kind.count and other.type.kind == "value":
            narrow = () if other.type.name == "ptr" or abi.size_of(other.type.name) == 8 else ("NARROW",)
            return index, size, (*flags, *narrow)
    return _CONSTANT, 0, flags


def _is_name(argument: Argument) -> bool:
    """Socket addresses and sysctl names are taken whole, whatever the limit for buffers is."""
    return argument.name in ("name", "to", "addr", "umyaddr", "uservaddr")


def tables(guests: list[Abi]) -> Iterator[str]:
    """The text of trace_tables.c; the order of `guests` is that of the filters in the trace area."""
    yield "/* Generated from the tables in syscalls/; not to be edited. */"
    yield '#include "trace.h"'
    yield ""
    for abi in guests:
        rows: list[str] = []
        for number, call in sorted(abi.by_number.items()):
            found = captures(abi, call)
            if not found:
                continue
            name = f"{abi.kernel}_{number}"
            listed = ", ".join(item.c_text for item in found)
            yield f"static const struct trace_argument {name}[] = {{{listed}}};"
            rows.append(f"    [{number}] = {{{name}, {len(found)}}}, /* {call.name} */")
        yield f"static const struct trace_call {abi.kernel}_trace[{abi.call_limit()}] = {{"
        yield from rows
        yield "};"
        yield ""
    yield "const struct trace_table trace_tables[] = {"
    for abi in guests:
        yield f'    {{"{abi.kernel}", {abi.kernel}_trace, {abi.call_limit()}}},'
    yield "    {NULL, NULL, 0},"
    yield "};"
