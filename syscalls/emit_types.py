"""The declarations of one kernel's ABI as a C header.

Struct layouts are spelled out with explicit padding and then asserted, size and every offset, so that
neither a compiler's habit nor a slip in a table can move a member unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator

from .model import Abi, Struct


def prefix(abi: Abi) -> str:
    """Prefix of the kernel's C constants: FREEBSD_, LINUX_."""
    return f"{abi.kernel.upper()}_"


def number(value: int) -> str:
    """A C constant: small ones in decimal, others in hexadecimal, so that C picks the type by size."""
    if value < 0:
        return f"({value})"
    return str(value) if value < 1024 else f"{value:#x}"


def constants(abi: Abi) -> Iterator[tuple[str, int, str]]:
    """Every named number of the tables, call numbers included, with its place; names may repeat."""
    for group in abi.sets.values():
        for constant in group.entries:
            yield constant.name, constant.value, constant.where
    for error in abi.errno.values():
        for name in (error.name, *error.also):
            yield name, error.number, error.where
    for signal in abi.signals.values():
        for name in (signal.name, *signal.also):
            yield name, signal.number, signal.where
    for ioctl in abi.ioctls.values():
        yield ioctl.name, ioctl.number, ioctl.where
    for call in abi.calls.values():
        yield f"SYS_{call.name}", call.number, call.where


def defines(abi: Abi) -> Iterator[str]:
    done: set[str] = set()
    for name, value, _ in constants(abi):
        if name not in done:
            done.add(name)
            yield f"#define {prefix(abi)}{name} {number(value)}"


def struct(abi: Abi, item: Struct) -> Iterator[str]:
    tag = f"struct {abi.kernel}_{item.name}"
    yield f"{tag} {{"
    end = 0
    for entry in item.fields:
        if entry.offset > end:
            yield f"    u8 gap_{end}[{entry.offset - end}];"
        inner = abi.structs.get(entry.type)
        c_type = f"struct {abi.kernel}_{entry.type}" if inner else abi.scalars[entry.type].c_type
        count = "" if entry.count is None else f"[{entry.count}]"
        yield f"    {c_type} {entry.name}{count};"
        size = inner.size if inner else abi.scalars[entry.type].size
        end = entry.offset + size * (1 if entry.count is None else entry.count)
    if item.size > end:
        yield f"    u8 gap_{end}[{item.size - end}];"
    yield "} __attribute__((packed));" if item.packed else "};"
    yield f'_Static_assert(sizeof({tag}) == {item.size}, "{item.where}");'
    for entry in item.fields:
        at = f"offsetof({tag}, {entry.name}) == {entry.offset}"
        yield f'_Static_assert({at}, "{item.where}: {entry.name}");'


def handlers(abi: Abi) -> list[str]:
    """Names of the C functions that `runtime` rows want, each once."""
    wanted = (call.handler for call in abi.calls.values() if call.service == "runtime")
    return list(dict.fromkeys(wanted))


def prototypes(abi: Abi) -> Iterator[str]:
    """Handlers that the runtime's authors write."""
    for name in handlers(abi):
        yield f"long {abi.kernel}_sys_{name}(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);"


def declarations(abi: Abi) -> Iterator[str]:
    yield from defines(abi)
    yield ""
    for item in abi.structs.values():
        yield from struct(abi, item)
        yield ""
