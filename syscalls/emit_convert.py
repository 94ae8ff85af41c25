"""C functions that turn a guest's flags, enums, structs, errors and signals into the host's and back.

They are `static inline` in the guest's header, so that a handler written by hand and a generated
translator use the same conversion.  `_to_host` may refuse (the host cannot say it); `_from_host`
never does: what the guest has no word for is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from .convert import Pair
from .emit_types import number
from .model import Constant, ConstantSet, Field, Struct

_ALL = (1 << 64) - 1
Mapped = list[tuple[Constant, Constant | None]]


def _fields(entries: Mapped) -> dict[int, Mapped]:
    """Entries that are values inside a masked field, by mask."""
    masks: dict[int, Mapped] = {}
    for pair in entries:
        if pair[0].mask is not None:
            masks.setdefault(pair[0].mask, []).append(pair)
    return masks


def _field_switch(mask: int, entries: Mapped, otherwise: str) -> Iterator[str]:
    yield f"    switch (from & {mask:#x}) {{"
    done: set[int] = set()
    for source, target in sorted(entries, key=lambda e: e[1] is None and not e[0].drop):
        if source.value in done or (target is None and not source.drop):
            continue
        done.add(source.value)
        yield f"    case {source.value:#x}: /* {source.name} */"
        if target is not None and target.value:
            yield f"        to |= {target.value:#x};"
        yield "        break;"
    yield "    default:"
    yield f"        {otherwise}"
    yield "    }"
    yield f"    from &= ~{mask:#x}UL;"


def _bits(entries: Mapped) -> Iterator[str]:
    """Bits outside fields.  A flag of several bits is looked for before those of one."""
    equal = dropped = 0
    bits = [p for p in entries if p[0].mask is None and p[0].value]
    for source, target in sorted(bits, key=lambda p: -p[0].value.bit_count()):
        value = source.value
        if target is None:
            dropped |= value if source.drop else 0
        elif target.value == value and value.bit_count() == 1:
            equal |= value
        else:
            test = f"from & {value:#x}"
            test = test if value.bit_count() == 1 else f"({test}) == {value:#x}"
            yield f"    if ({test}) {{ /* {source.name} */"
            yield f"        to |= {target.value:#x};"
            yield f"        from &= ~{value:#x}UL;"
            yield "    }"
    if equal:
        yield f"    to |= from & {equal:#x};"
    if equal | dropped:
        yield f"    from &= ~{equal | dropped:#x}UL;"


def flags(pair: Pair, item: ConstantSet, other: ConstantSet) -> Iterator[str]:
    name = f"{pair.guest.kernel}_{item.name}"
    forward: Mapped = [(e, pair.host_constant(item, e)) for e in item.entries]
    strict = item.unknown == "EINVAL"
    yield f"static inline bool {name}_to_host(u64 from, u64 *host)"
    yield "{"
    yield "    u64 to = 0;"
    if all((e.mask or e.value) < 1 << 32 for e in item.entries):
        yield "    from = (u32)from; /* an int: its upper half is the caller's rubbish */"
    for mask, entries in _fields(forward).items():
        yield from _field_switch(mask, entries, "return false;" if strict else "break;")
    yield from _bits(forward)
    yield "    *host = to;"
    yield "    return from == 0;" if strict else "    return true;"
    yield "}"
    names = pair.guest_constants(item)
    backward: Mapped = [(e, names.get(e.name)) for e in other.entries]
    yield f"static inline u64 {name}_from_host(u64 from)"
    yield "{"
    yield "    u64 to = 0;"
    for mask, entries in _fields(backward).items():
        yield from _field_switch(mask, entries, "break;")
    yield from _bits(backward)
    yield "    return to;"
    yield "}"


def _enum_function(name: str, values: dict[int, tuple[int, str]]) -> Iterator[str]:
    wide = any(not -(1 << 31) <= v < 1 << 31 for v in values)
    yield f"static inline long {name}(long from)"
    yield "{"
    yield "    switch (from) {" if wide else "    switch ((s32)from) {"
    for source, (target, label) in values.items():
        yield f"    case {number(source)}: /* {label} */"
        yield f"        return {number(target)};"
    yield "    default:"
    yield "        return -1;"
    yield "    }"
    yield "}"


def enum(pair: Pair, item: ConstantSet, other: ConstantSet) -> Iterator[str]:
    name = f"{pair.guest.kernel}_{item.name}"
    forward: dict[int, tuple[int, str]] = {}
    for entry in item.entries:
        if (host := pair.host_constant(item, entry)) is not None:
            forward.setdefault(entry.value, (host.value, entry.name))
    yield from _enum_function(f"{name}_to_host", forward)
    names = pair.guest_constants(item)
    backward: dict[int, tuple[int, str]] = {}
    for entry in other.entries:
        if entry.name in names:
            backward.setdefault(entry.value, (names[entry.name].value, entry.name))
    yield from _enum_function(f"{name}_from_host", backward)


def struct(pair: Pair, item: Struct, other: Struct) -> Iterator[str]:
    """Member by member, by name; what only one side has is zero on the way in and lost on the way out."""
    name = f"{pair.guest.kernel}_{item.name}"
    guest_tag, host_tag = f"struct {pair.guest.kernel}_{item.name}", f"struct {pair.host.kernel}_{other.name}"
    theirs = {f.name: f for f in other.fields}
    both = [(f, theirs[f.name]) for f in item.fields if f.name in theirs]
    yield f"static inline bool {name}_to_host(const {guest_tag} *from, {host_tag} *to)"
    yield "{"
    yield "    memset(to, 0, sizeof(*to));"
    for ours, its in both:
        yield from _member(pair, ours, its, True)
    yield "    return true;"
    yield "}"
    yield f"static inline void {name}_from_host(const {host_tag} *from, {guest_tag} *to)"
    yield "{"
    yield "    memset(to, 0, sizeof(*to));"
    for ours, its in both:
        yield from _member(pair, ours, its, False)
    yield "}"


def _member(pair: Pair, ours: Field, its: Field, to_host: bool) -> Iterator[str]:
    indent, at = "    ", ""
    if ours.count is not None and its.count is not None:
        length = min(ours.count, its.count)
        if pair.same_scalar(ours.type, its.type) and not ours.meaning:
            size = pair.guest.scalars[ours.type].size * length
            yield f"    memcpy(to->{ours.name}, from->{ours.name}, {size});"
            return
        yield f"    for (int i = 0; i < {length}; i++) {{"
        indent, at = "        ", "[i]"
    for line in _one(pair, ours, its, to_host, f"from->{ours.name}{at}", f"to->{ours.name}{at}"):
        yield indent + line
    if at:
        yield "    }"


def _one(pair: Pair, ours: Field, its: Field, to_host: bool, source: str, target: str) -> Iterator[str]:
    kernel = pair.guest.kernel
    if (inner := pair.guest.structs.get(ours.type)) is not None:
        if inner.name == "sigset":
            yield from _sigset(kernel, to_host, source, target)
        elif pair.same_struct(inner, pair.host.structs[its.type]):
            yield f"memcpy(&{target}, &{source}, {inner.size});"
        elif to_host:
            yield f"if (!{kernel}_{inner.name}_to_host(&{source}, &{target}))"
            yield "    return false;"
        else:
            yield f"{kernel}_{inner.name}_from_host(&{source}, &{target});"
        return
    into = (pair.host.scalars[its.type] if to_host else pair.guest.scalars[ours.type]).c_type
    if ours.meaning and pair.guest.kind_of(ours.meaning) != "constants":
        function = f"{kernel}_{ours.meaning}_{'to' if to_host else 'from'}_host"
        yield from _meaning(pair, ours, function, to_host, source, target, into)
        return
    narrower = pair.host.scalars[its.type].size < pair.guest.scalars[ours.type].size
    yield f"{target} = ({into}){source};"
    if to_host and narrower:
        yield f"if ((s64){target} != (s64){source})"
        yield "    return false;"


def _sigset(kernel: str, to_host: bool, source: str, target: str) -> Iterator[str]:
    """A set of signals inside a struct: converted signal by signal, never bit by bit."""
    yield "{"
    if to_host:
        yield f"    u64 bits = {kernel}_sigset_to_host(&{source});"
        yield f"    memcpy(&{target}, &bits, sizeof(bits));"
    else:
        yield "    u64 bits;"
        yield f"    memcpy(&bits, &{source}, sizeof(bits));"
        yield f"    {kernel}_sigset_from_host(bits, &{target});"
    yield "}"


def _meaning(
    pair: Pair, ours: Field, function: str, to_host: bool, source: str, target: str, into: str
) -> Iterator[str]:
    kind = pair.guest.kind_of(ours.meaning)
    if not to_host:
        yield f"{target} = ({into}){function}({source});"
    elif kind == "flags":
        yield "{"
        yield "    u64 value;"
        yield f"    if (!{function}({source}, &value))"
        yield "        return false;"
        yield f"    {target} = ({into})value;"
        yield "}"
    elif kind == "enum":
        yield "{"
        yield f"    long value = {function}({source});"
        yield "    if (value == -1)"
        yield "        return false;"
        yield f"    {target} = ({into})value;"
        yield "}"
    else:
        yield f"{target} = {function}({source});"
        yield f"if ({source} && !{target})"
        yield "    return false;"


def _table(function: str, kind: str, values: dict[int, int], missing: int) -> Iterator[str]:
    limit = max(values, default=0) + 1
    yield f"static inline int {function}(int from)"
    yield "{"
    yield f"    static const {kind} to[{limit}] = {{"
    line = "       "
    for source, target in sorted(values.items()):
        word = f" [{source}] = {target},"
        if len(line) + len(word) > 100:
            yield line
            line = "       "
        line += word
    yield line
    yield "    };"
    yield f"    return from >= 0 && from < {limit} && (to[from] || !from) ? to[from] : {missing};"
    yield "}"


def errno(pair: Pair) -> Iterator[str]:
    yield "/* The guest's number of a host error; -1: the tables have no word for it. */"
    table = pair.guest.errno_from_host(pair.host)
    yield from _table(f"{pair.guest.kernel}_errno_from_host", "u8", table, -1)


def signals(pair: Pair) -> Iterator[str]:
    kernel = pair.guest.kernel
    forward = pair.guest.signal_to_host(pair.host)
    yield "/* 0: the other side has no such signal. */"
    yield from _table(f"{kernel}_signal_to_host", "u8", forward, 0)
    yield from _table(f"{kernel}_signal_from_host", "u8", {h: g for g, h in reversed(forward.items())}, 0)
    sigset = pair.guest.structs.get("sigset")
    if sigset is None:
        return
    bits = 8 if sigset.size % 8 == 0 else 4
    words = sigset.size // bits
    tag = f"struct {kernel}_sigset"
    yield "/* Bit n - 1 is signal n on both sides; signals that the other side does not have are left out. */"
    yield f"static inline u64 {kernel}_sigset_to_host(const {tag} *from)"
    yield "{"
    yield "    u64 to = 0;"
    yield f"    u{bits * 8} words[{words}];"
    yield "    memcpy(words, from, sizeof(words));"
    yield f"    for (int i = 0; i < {words}; i++)"
    yield f"        for (u{bits * 8} left = words[i]; left; left &= left - 1) {{"
    yield f"            int signal = {kernel}_signal_to_host(i * {bits * 8} + __builtin_ctzl(left) + 1);"
    yield "            if (signal)"
    yield "                to |= 1UL << (signal - 1);"
    yield "        }"
    yield "    return to;"
    yield "}"
    yield f"static inline void {kernel}_sigset_from_host(u64 from, {tag} *to)"
    yield "{"
    yield f"    u{bits * 8} words[{words}] = {{0}};"
    yield "    for (; from; from &= from - 1) {"
    yield f"        int signal = {kernel}_signal_from_host(__builtin_ctzl(from) + 1);"
    yield f"        if (signal && signal <= {sigset.size * 8})"
    yield f"            words[(signal - 1) / {bits * 8}] |= (u{bits * 8})1 << ((signal - 1) % {bits * 8});"
    yield "    }"
    yield "    memcpy(to, words, sizeof(words));"
    yield "}"


def conversions(pair: Pair) -> Iterator[str]:
    if pair.guest.errno and pair.host.errno:
        yield from errno(pair)
        yield ""
    if pair.guest.signals and pair.host.signals:
        yield from signals(pair)
        yield ""
    for group in pair.guest.sets.values():
        other = pair.set(group)
        if other is None or group.kind == "constants":
            continue
        yield from flags(pair, group, other) if group.kind == "flags" else enum(pair, group, other)
        yield ""
    for item in pair.guest.structs.values():
        counterpart = pair.struct(item)
        if counterpart is None or item.name == "sigset":
            continue
        if why := pair.obstacle(item):
            yield f"/* struct {item.name} is not converted: {why} */"
        else:
            yield from struct(pair, item, counterpart)
        yield ""
