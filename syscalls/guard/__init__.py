"""Holds the tables against the kernels' own headers.

A table that mirrors a kernel's header can be wrong without anything failing until a program does.  For
every section that names its header (`header=`), this writes C that includes the header and asserts
each number, size and offset; whoever has the headers compiles it.  Nothing of it is ever linked.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Abi, Constant, ConstantSet, Source, Struct

__all__ = ["call_numbers", "sources"]


def sources(abi: Abi) -> dict[str, str]:
    """C files to compile, name to text: one for each list of headers that sections name."""
    groups: dict[Source, list[str]] = {}

    def add(source: Source, lines: Iterator[str]) -> None:
        if source.headers:
            groups.setdefault(Source(source.headers, source.defines), []).extend(lines)

    for struct in abi.structs.values():
        add(struct.source, _struct(abi, struct))
    for group in abi.sets.values():
        add(group.source, _set(group))
    general = abi.sources
    if "errno" in general:
        add(general["errno"], _errors(abi))
    if "signals" in general:
        add(general["signals"], _signals(abi))
    if "ioctls" in general:
        add(general["ioctls"], _ioctls(abi))
    if "calls" in general:
        add(general["calls"], _calls(abi, general["calls"].prefix or "SYS_"))
    result: dict[str, str] = {}
    for number, (source, lines) in enumerate(groups.items()):
        head = [f"#define {name.replace(':', ' ')}" for name in source.defines]
        head += [f"#include <{name}>" for name in ("stddef.h", *source.headers)]
        result[f"guard_{abi.kernel}_{number:02}.c"] = "\n".join([*head, "", *lines]) + "\n"
    return result


def call_numbers(macros: str, prefix: str) -> dict[str, int]:
    """Call name -> number from the macro definitions of a header (`cc -dM -E`)."""
    found: dict[str, int] = {}
    for line in macros.splitlines():
        words = line.split()
        if len(words) == 3 and words[1].startswith(prefix) and words[2].isdigit():
            name = words[1].removeprefix(prefix)
            if not name.isupper():  # SYS_MAXSYSCALL and its kin are no calls
                found[name] = int(words[2])
    return found


def _equal(expression: str, value: int, where: str, name: str) -> str:
    """Compared as 32 bits when that is enough: headers disagree about the sign of bit 31."""
    if -(1 << 31) <= value < 1 << 32:
        return f'_Static_assert((unsigned)({expression}) == {value & 0xFFFFFFFF:#x}u, "{where}: {name}");'
    return (
        f'_Static_assert((unsigned long)({expression}) == {value & (1 << 64) - 1:#x}ul, "{where}: {name}");'
    )


def _struct(abi: Abi, item: Struct) -> Iterator[str]:
    yield f'_Static_assert(sizeof({item.c_name}) == {item.size}, "{item.where}: size of {item.name}");'
    for field in item.fields:
        if field.c_name is None:
            continue
        name = field.c_name or f"{item.source.prefix}{field.name}"
        inner = abi.structs.get(field.type)
        size = (inner.size if inner else abi.scalars[field.type].size) * (
            1 if field.count is None else field.count
        )
        at = f"offsetof({item.c_name}, {name}) == {field.offset}"
        yield f'_Static_assert({at}, "{item.where}: offset of {field.name}");'
        at = f"sizeof((({item.c_name} *)0)->{name}) == {size}"
        yield f'_Static_assert({at}, "{item.where}: size of {field.name}");'


def _constant(item: Constant) -> str:
    return _equal(item.name, item.value, item.where, item.name)


def _set(group: ConstantSet) -> Iterator[str]:
    for entry in group.entries:
        if entry.guarded:
            yield _constant(entry)


def _errors(abi: Abi) -> Iterator[str]:
    for entry in abi.errno.values():
        if entry.guarded:
            yield _equal(entry.name, entry.number, entry.where, entry.name)
            for name in entry.also:
                yield from _if_defined(name, entry.number, entry.where)


def _signals(abi: Abi) -> Iterator[str]:
    for entry in abi.signals.values():
        if entry.guarded and not entry.name.startswith("SIGRT"):
            yield _equal(entry.name, entry.number, entry.where, entry.name)
            for name in entry.also:
                yield from _if_defined(name, entry.number, entry.where)


def _if_defined(name: str, number: int, where: str) -> Iterator[str]:
    yield f"#ifdef {name}"
    yield _equal(name, number, where, name)
    yield "#endif"


def _ioctls(abi: Abi) -> Iterator[str]:
    for entry in abi.ioctls.values():
        if entry.guarded:
            yield _equal(entry.name, entry.number, entry.where, entry.name)


def _calls(abi: Abi, prefix: str) -> Iterator[str]:
    """Headers leave out what is newer than they are and forms kept for old binaries only."""
    for call in abi.calls.values():
        yield from _if_defined(prefix + call.name, call.number, call.where)
