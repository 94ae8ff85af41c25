"""What the tracer copies from a guest's memory at each call, as C tables made from the call rows.

The runtime copies bytes and knows nothing of what they mean; `decode` reads them with the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import Abi, Argument, Call, Field

_CONSTANT = 255
_MOST_ARGUMENTS = 8
POINTED = {"bytes": ("SHORT",), "address": (), "control": (), "string": ()}
"""What a member can point at beside structs, and whether only its beginning is taken."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One copy: `kind` and `flags` in the words of the runtime's trace.h, `size` of one element."""

    argument: int
    kind: str
    when: str
    length: int = _CONSTANT
    size: int = 1
    flags: tuple[str, ...] = ()
    shape: str = ""

    def c_text(self, kernel: str) -> str:
        flags = " | ".join(f"TRACE_{flag}" for flag in self.flags) or "0"
        shape = f"&{kernel}_behind_{self.shape}" if self.shape else "NULL"
        kind = f"TRACE_{self.kind}"
        return f"{{{self.argument}, {kind}, {self.when}, {self.length}, {self.size}, {flags}, {shape}}}"


def captures(abi: Abi, call: Call) -> list[Capture]:
    """What is copied for one call, in the order in which the runtime does it."""
    found: list[Capture] = []
    for index, argument in enumerate(call.arguments[:_MOST_ARGUMENTS]):
        found += _captures(abi, call, index, argument)
    return found


_WHEN = {"in": ("TRACE_ENTRY",), "out": ("TRACE_EXIT",), "inout": ("TRACE_ENTRY | TRACE_EXIT",)}


def _captures(abi: Abi, call: Call, index: int, argument: Argument) -> Iterator[Capture]:
    kind = argument.type
    if kind.kind == "string":
        if kind.name == "strv":
            yield Capture(index, "SETTINGS" if is_environment(argument) else "STRINGS", "TRACE_ENTRY")
        else:
            yield Capture(index, "STRING", "TRACE_ENTRY")
    elif kind.kind in ("bytes", "object"):
        length, size, flags = _extent(abi, call, argument)
        shape = kind.name if kind.kind == "object" and pointers(abi, kind.name) else ""
        if kind.name == "fd" and kind.direction == "out" and length == _CONSTANT:
            flags = (*flags, "FDS")
        if kind.direction == "out" and length != _CONSTANT and _result_counts(call):
            flags = (*flags, "RESULT")
        if shape and kind.direction == "inout" and call.result.name in ("size", "ssize"):
            flags = (*flags, "FILLED")
        if size:
            for when in _WHEN[kind.direction]:
                yield Capture(index, "BYTES", when, length, size, flags, shape)
    elif kind.name == "ptr" and index + 1 < len(call.arguments) and _is_length(call.arguments[index + 1]):
        # A buffer whose length the kernel puts where the next argument points: sockaddrs, options.
        yield Capture(index, "BYTES", "TRACE_EXIT", index + 1, 1, ("POINTED",))


def is_environment(argument: Argument) -> bool:
    """Whether a list of strings is an environment, which may hold secrets."""
    return argument.name.startswith("env")


def is_descriptor(argument: Argument) -> bool:
    return argument.type.kind == "value" and argument.type.name in ("fd", "dirfd")


def _is_length(argument: Argument) -> bool:
    kind = argument.type
    return kind.kind == "object" and kind.direction == "inout" and abi_length(kind.name)


def abi_length(name: str) -> bool:
    """Whether a type of that name counts bytes."""
    return name in ("u32", "size", "int", "uint")


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
    for index, other in enumerate(call.arguments[:_MOST_ARGUMENTS]):
        if other.name == kind.count and other.type.kind == "value":
            narrow = () if other.type.name == "ptr" or abi.size_of(other.type.name) == 8 else ("NARROW",)
            return index, size, (*flags, *narrow)
    return _CONSTANT, 0, flags


def _is_name(argument: Argument) -> bool:
    """Socket addresses and sysctl names are taken whole, whatever the limit for buffers is."""
    return argument.name in ("name", "to", "addr", "umyaddr", "uservaddr")


# Structs that point at more ---------------------------------------------------------------------------


def pointers(abi: Abi, name: str) -> list[tuple[int, Field, Field | None]]:
    """Members of a struct that lead further: offset, the member, and the one that counts."""
    struct = abi.structs.get(name)
    found: list[tuple[int, Field, Field | None]] = []
    for field in struct.fields if struct else ():
        if field.to:
            assert struct is not None
            counting = next((other for other in struct.fields if other.name == field.to_count), None)
            found.append((field.offset, field, counting))
        elif field.count is None and field.type in abi.structs:
            found += [
                (field.offset + at, member, counted) for at, member, counted in pointers(abi, field.type)
            ]
    return found


def _behind(abi: Abi, name: str, written: set[str]) -> Iterator[str]:
    """C that describes one struct, those that it points at first."""
    if name in written:
        return
    written.add(name)
    rows = []
    for at, field, counting in pointers(abi, name):
        shape = "NULL"
        if field.to in abi.structs:
            yield from _behind(abi, field.to, written)
            shape = f"&{abi.kernel}_behind_{field.to}" if pointers(abi, field.to) else "NULL"
        size = 1 if field.to in POINTED else abi.size_of(field.to)
        flags = " | ".join(f"TRACE_{flag}" for flag in POINTED.get(field.to, ())) or "0"
        place = at - field.offset + counting.offset if counting else 0
        bytes_ = abi.size_of(counting.type) if counting else 0
        rows.append(f"{{{at}, {place}, {bytes_}, {flags}, {size}, {shape}}}")
    if rows:
        yield f"static const struct trace_pointer {abi.kernel}_members_{name}[] = {{{', '.join(rows)}}};"
        yield (
            f"static const struct trace_struct {abi.kernel}_behind_{name} = "
            f"{{{abi.size_of(name)}, {len(rows)}, {abi.kernel}_members_{name}}};"
        )


# The tables -------------------------------------------------------------------------------------------


def _requests(abi: Abi) -> Iterator[str]:
    """Captures of ioctl's third argument, by request."""
    rows = []
    for item in sorted(abi.ioctls.values(), key=lambda item: item.number & 0xFFFFFFFF):
        if item.type.kind not in ("object", "bytes") or item.type.direction == "":
            continue
        size = 1 if item.type.kind == "bytes" else abi.size_of(item.type.name)
        size *= item.type.count if isinstance(item.type.count, int) else 1
        shape = item.type.name if pointers(abi, item.type.name) else ""
        capture = Capture(2, "BYTES", _WHEN[item.type.direction][0], _CONSTANT, size, (), shape)
        name = f"{abi.kernel}_request_{item.name}"
        yield f"static const struct trace_argument {name}[] = {{{capture.c_text(abi.kernel)}}};"
        rows.append((item.number & 0xFFFFFFFF, f"    {{{item.number & 0xFFFFFFFF:#x}, 1, {name}}},"))
    yield f"static const struct trace_request {abi.kernel}_requests[] = {{"
    seen: set[int] = set()
    for number, row in rows:
        if number not in seen:
            yield row
        seen.add(number)
    yield "    {0xffffffff, 0, NULL},"
    yield "};"
    yield f"#define {abi.kernel.upper()}_REQUESTS {len(seen)}"


def _row(abi: Abi, number: int, call: Call, found: list[Capture]) -> str:
    mask = sum(1 << i for i, a in enumerate(call.arguments[:_MOST_ARGUMENTS]) if is_descriptor(a))
    flags = []
    if call.result.kind == "value" and call.result.name == "fd":
        flags.append("TRACED_FD_RESULT")
    names = any(a.type.kind == "bytes" and a.type.direction == "in" and _is_name(a) for a in call.arguments)
    if "net" in call.tags and call.result.kind == "none" and names:
        flags.append("TRACED_RENAMES")
    if any("FDS" in capture.flags for capture in found):
        flags.append("TRACED_FDS")
    listed = f"{abi.kernel}_{number}" if found else "NULL"
    chosen = (
        f"1, {abi.kernel.upper()}_REQUESTS, {abi.kernel}_requests" if call.name == "ioctl" else "0, 0, NULL"
    )
    return (
        f"    [{number}] = {{{listed}, {len(found)}, {mask:#x}, {' | '.join(flags) or '0'}, {chosen}}},"
        f" /* {call.name} */"
    )


def _table(abi: Abi) -> Iterator[str]:
    rows: list[str] = []
    written: set[str] = set()
    yield from (line for struct in abi.structs for line in _behind(abi, struct, written))
    yield from _requests(abi)
    for number, call in sorted(abi.by_number.items()):
        found = captures(abi, call)
        if found:
            listed = ", ".join(item.c_text(abi.kernel) for item in found)
            yield f"static const struct trace_argument {abi.kernel}_{number}[] = {{{listed}}};"
        rows.append(_row(abi, number, call, found))
    yield f"static const struct trace_call {abi.kernel}_trace[{abi.call_limit()}] LATE(trace) = {{"
    yield from rows
    yield "};"
    yield ""


def tables(guests: list[Abi]) -> Iterator[str]:
    """The text of trace_tables.c; the order of `guests` is that of the policies in the trace area."""
    yield "/* Generated from the tables in syscalls/; not to be edited. */"
    yield '#include "trace.h"'
    yield ""
    for abi in guests:
        yield from _table(abi)
    yield "const struct trace_table trace_tables[] = {"
    for abi in guests:
        yield f'    {{"{abi.kernel}", {abi.kernel}_trace, {abi.call_limit()}}},'
    yield "    {NULL, NULL, 0},"
    yield "};"
