"""What the tracer copies from a guest's memory at each call, as C tables made from the call rows.

The runtime copies bytes and knows nothing of what they mean; `decode` reads them with the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from .lexer import is_number
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
        if kind.name == "pollfd":
            flags = (*flags, "POLLED")
        if kind.direction == "out" and length != _CONSTANT and _result_counts(call):
            flags = (*flags, "RESULT")
        if shape and kind.direction == "inout" and call.result.name in ("size", "ssize"):
            flags = (*flags, "FILLED")
        if size:
            for when in _WHEN[kind.direction]:
                yield Capture(index, "BYTES", when, length, size, flags, shape)
    elif kind.name == "ptr" and _has_length(call, index):
        # A buffer whose length the kernel puts where the next argument points: sockaddrs, options.
        yield Capture(index, "BYTES", "TRACE_EXIT", index + 1, 1, ("POINTED",))


def is_environment(argument: Argument) -> bool:
    """Whether a list of strings is an environment, which may hold secrets."""
    return argument.name.startswith("env")


def is_descriptor(argument: Argument) -> bool:
    return argument.type.kind == "value" and argument.type.name in ("fd", "dirfd")


def _has_length(call: Call, index: int) -> bool:
    """Whether the next argument leads to a length."""
    if index + 1 >= len(call.arguments):
        return False
    kind = call.arguments[index + 1].type
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
    whole = _is_name(argument) or bool(argument.meaning.name)
    flags: tuple[str, ...] = ("SHORT",) if kind.kind == "bytes" and not whole else ()
    if argument.meaning.name == "fd_set":
        flags = ("BITS",)
    elif argument.meaning.many and not abi.structs[argument.meaning.name].length:
        size, flags = abi.size_of(argument.meaning.name), ("EACH",)
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


def _late(listed: str) -> str:
    """Where a table is kept: with the others that hold addresses, or with what is only read."""
    return " LATE(trace)" if "&" in listed else ""


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
        listed = ", ".join(rows)
        members = f"{abi.kernel}_members_{name}"
        yield f"static const struct trace_pointer {members}[]{_late(listed)} = {{{listed}}};"
        yield (
            f"static const struct trace_struct {abi.kernel}_behind_{name} LATE(trace) = "
            f"{{{abi.size_of(name)}, {len(rows)}, {members}}};"
        )


# The tables -------------------------------------------------------------------------------------------


def selector(call: Call) -> int:
    """The argument that chooses what others lead to; -1: none does.  One call has one."""
    names = [argument.name for argument in call.arguments[:_MOST_ARGUMENTS]]
    found = [
        names.index(argument.meaning.by)
        for index, argument in enumerate(call.arguments)
        if argument.meaning.by and not leads(call, index)
    ]
    return found[0] if found else -1


def leads(call: Call, index: int) -> bool:
    """Whether something behind an address is known, so that it is taken whatever other arguments are."""
    kind = call.arguments[index].type
    return kind.is_address and (kind.name != "ptr" or _has_length(call, index))


def requests(abi: Abi, call: Call) -> dict[int, list[Capture]]:
    """What is copied in addition, by the value of the argument that chooses."""
    found: dict[int, list[Capture]] = {}
    chooser = selector(call)
    for index, argument in enumerate(call.arguments[:_MOST_ARGUMENTS]):
        if not argument.meaning.by or leads(call, index):
            continue
        for choice in abi.choices[argument.meaning.name].entries:
            if choice.type.is_address and choice.type.name != "ptr":
                shown = Argument(argument.name, choice.type, choice.meaning)
                taken = list(_captures(abi, call, index, shown))
                for number in _numbers(abi, call.arguments[chooser], choice.key):
                    found.setdefault(number, []).extend(taken)
    return found


def _numbers(abi: Abi, chooser: Argument, key: str) -> Iterator[int]:
    """The values by which an argument chooses a key: of a set of flags, with every flag beside the key."""
    if is_number(key):
        yield int(key, 0) & 0xFFFFFFFF
        return
    if key in abi.ioctls:
        yield abi.ioctls[key].number & 0xFFFFFFFF
        return
    group = abi.sets.get(chooser.meaning.name or chooser.type.name)
    sets = [group] if group else list(abi.sets.values())
    value = next((c.value for g in sets for c in g.entries if c.name == key), None)
    if value is None:
        return
    yield value & 0xFFFFFFFF
    if group is None or group.kind != "flags":
        return
    beside = [c.value for c in group.entries if c.mask is None and c.value]
    for count in range(1, len(beside) + 1):
        for some in combinations(beside, count):
            yield (value | sum(some)) & 0xFFFFFFFF


def _request_table(abi: Abi, call: Call, found: dict[int, list[Capture]]) -> Iterator[str]:
    name = f"{abi.kernel}_requests_{call.name}"
    written: dict[str, str] = {}
    rows = []
    for number, taken in sorted(found.items()):
        listed = ", ".join(capture.c_text(abi.kernel) for capture in taken)
        if listed not in written:
            written[listed] = f"{name}_{len(written)}"
            yield f"static const struct trace_argument {written[listed]}[]{_late(listed)} = {{{listed}}};"
        rows.append(f"    {{{number:#x}, {len(taken)}, {written[listed]}}},")
    yield f"static const struct trace_request {name}[] LATE(trace) = {{"
    yield from rows
    yield "};"


def _row(abi: Abi, number: int, call: Call, found: list[Capture], chosen: int) -> str:
    mask = sum(1 << i for i, a in enumerate(call.arguments[:_MOST_ARGUMENTS]) if is_descriptor(a))
    flags = []
    if call.result.kind == "value" and call.result.name == "fd":
        flags.append("TRACED_FD_RESULT")
    names = any(a.type.kind == "bytes" and a.type.direction == "in" and _is_name(a) for a in call.arguments)
    if "net" in call.tags and call.result.kind == "none" and names:
        flags.append("TRACED_RENAMES")
    if any("FDS" in capture.flags for capture in found):
        flags.append("TRACED_FDS")
    if any({"BITS", "POLLED"} & set(capture.flags) for capture in found):
        flags.append("TRACED_SETS")
    listed = f"{abi.kernel}_{number}" if found else "NULL"
    choice = f"{selector(call)}, {chosen}, {abi.kernel}_requests_{call.name}" if chosen else "0, 0, NULL"
    return (
        f"    [{number}] = {{{listed}, {len(found)}, {mask:#x}, {' | '.join(flags) or '0'}, {choice}}},"
        f" /* {call.name} */"
    )


def _table(abi: Abi) -> Iterator[str]:
    rows: list[str] = []
    written: set[str] = set()
    yield from (line for struct in abi.structs for line in _behind(abi, struct, written))
    for number, call in sorted(abi.by_number.items()):
        found = captures(abi, call)
        if found:
            listed = ", ".join(item.c_text(abi.kernel) for item in found)
            row = f"{abi.kernel}_{number}[]{_late(listed)}"
            yield f"static const struct trace_argument {row} = {{{listed}}};"
        chosen = requests(abi, call)
        if chosen:
            yield from _request_table(abi, call, chosen)
        rows.append(_row(abi, number, call, found, len(chosen)))
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
