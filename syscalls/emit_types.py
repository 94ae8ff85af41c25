"""The declarations of one kernel's ABI as a C header.

Struct layouts are spelled out with explicit padding and then asserted, size and every offset, so that
neither a compiler's habit nor a slip in a table can move a member unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator

from .model import Abi, Call, Struct


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


def call_table(abi: Abi, rows: list[tuple[Call, str, int, str]]) -> Iterator[str]:
    """The dispatch table: (call, C handler, arguments, flags) for each row, in the order of the numbers.

    Only the handlers are addresses, each once, so that little has to be relocated at every start.
    """
    used = list(dict.fromkeys(handler for _, handler, _, _ in rows if handler != "NULL"))
    places = {handler: index + 1 for index, handler in enumerate(used)} | {"NULL": 0}
    yield f"const call_handler {abi.kernel}_handlers[] LATE({abi.kernel}) = {{"
    yield "    NULL,"
    yield from (f"    {handler}," for handler in used)
    yield "};"
    yield f"const struct call_entry {abi.kernel}_calls[] = {{"
    for call, handler, arguments, flags in rows:
        yield f"    [{call.number}] = {{{places[handler]}, {arguments}, {flags}}}, /* {call.name} */"
    yield "};"
    offset = 1
    offsets = []
    for call, _, _, _ in rows:
        offsets.append(f"    [{call.number}] = {offset},")
        offset += len(call.name) + 1
    yield f"const u16 {abi.kernel}_names[] = {{"
    yield from offsets
    yield "};"
    yield f'const char {abi.kernel}_name_text[] = "\\0"'
    yield from (f'    "{call.name}\\0"' for call, _, _, _ in rows)
    yield ";"
    yield f"u64 {abi.kernel}_unserved[{prefix(abi)}CALL_LIMIT + 1] LARGE;"


def table_prototypes(abi: Abi) -> Iterator[str]:
    """What calls_<kernel>.c offers to the personality, besides what is its guest's own."""
    yield f"extern const struct call_entry {abi.kernel}_calls[];"
    yield f"extern const call_handler {abi.kernel}_handlers[];"
    yield f"extern const u16 {abi.kernel}_names[];"
    yield f"extern const char {abi.kernel}_name_text[];"
    yield f"#define {prefix(abi)}CALL_LIMIT {abi.call_limit()}"
    yield f"extern u64 {abi.kernel}_unserved[]; /* by number; the last: unknown ones */"
    yield f"extern const u16 {abi.kernel}_fast_calls[]; /* by number: host number + 1, or 0 */"


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
