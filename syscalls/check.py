"""Judges the tables: `python -m syscalls.check`.

What one table cannot show by itself is found here: types that nobody defines, one name with two
values, `same` rows that no translation exists for, host errors that a guest has no word for.  Each
problem is a line `file:line: message`; the exit status is 1 when there are any.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from . import emit_calls, emit_types, parse
from .convert import Pair
from .lexer import is_number
from .model import HOST, SHOWN, Abi, Meaning, TableError, Type


def one(abi: Abi) -> Iterator[str]:
    """Problems of one kernel's tables."""
    uses: list[tuple[str, str, Type]] = [(i.where, i.name, i.type) for i in abi.ioctls.values()]
    for call in abi.calls.values():
        uses.append((call.where, call.name, call.result))
        uses.extend(
            (call.where, f"{call.name}: {argument.name}", argument.type) for argument in call.arguments
        )
    for where, what, used in uses:
        if used.kind in ("value", "object") and not abi.kind_of(used.name):
            yield f"{where}: {what}: unknown type {used.name!r}"
    for struct in abi.structs.values():
        for entry in struct.fields:
            if entry.meaning and entry.meaning not in (*abi.sets, "signal"):
                yield f"{struct.where}: {entry.name}: unknown flag set or enum {entry.meaning!r}"
    yield from _meanings(abi)
    seen: dict[str, tuple[int, str]] = {}
    for name, value, where in emit_types.constants(abi):
        old, place = seen.setdefault(name, (value, where))
        if old != value:
            yield f"{where}: {name} is {value}, but {old} at {place}"
    for group in abi.sets.values():
        masks = {e.mask for e in group.entries if e.mask is not None}
        inside = 0
        for mask in masks:
            inside |= mask
        for constant in group.entries:
            if (
                constant.mask is None
                and group.kind == "flags"
                and constant.value & inside
                and not constant.drop
            ):
                yield f"{constant.where}: {constant.name} lies inside the masked field {inside:#x}"


def _meanings(abi: Abi) -> Iterator[str]:
    """What arguments and results are shown as, and what choices are made by."""
    uses = [(c.where, f"{c.name}: {a.name}", a.meaning) for c in abi.calls.values() for a in c.arguments]
    uses += [(c.where, f"{c.name}: result", c.result_meaning) for c in abi.calls.values()]
    constants = {e.name for g in abi.sets.values() for e in g.entries} | {*abi.ioctls, "*"}
    for choices in abi.choices.values():
        for choice in choices.entries:
            uses.append((choices.where, f"{choices.name}: {choice.key}", choice.meaning))
            if choice.key not in constants and not is_number(choice.key):
                yield f"{choices.where}: {choices.name}: {choice.key} is no constant and no number"
            if choice.type.kind in ("value", "object") and not abi.kind_of(choice.type.name):
                yield f"{choices.where}: {choice.key}: unknown type {choice.type.name!r}"
    for struct in abi.structs.values():
        uses += [(struct.where, f"{struct.name}.{f.name}", Meaning(f.shown)) for f in struct.fields]
    for where, what, meaning in uses:
        if meaning.by and meaning.name not in abi.choices:
            yield f"{where}: {what}: there are no choices {meaning.name!r}"
        elif meaning.many and meaning.name not in abi.structs:
            yield f"{where}: {what}: there is no struct {meaning.name!r}"
        elif meaning.name and not meaning.by and not abi.kind_of(meaning.name) and meaning.name not in SHOWN:
            yield f"{where}: {what}: unknown meaning {meaning.name!r}"


def pair(both: Pair) -> Iterator[str]:
    """Problems of a guest's tables beside the host's."""
    for where, problem in emit_calls.problems(both):
        yield f"{where}: {problem}"
    known = both.guest.errno_from_host(both.host)
    for entry in both.host.errno.values():
        if both.guest.errno and entry.number not in known:
            yield f"{entry.where}: {both.guest.kernel} has no word for {entry.name} (`from=` gives one)"
    carried: dict[int, int] = {}
    for guest, host in both.guest.signal_to_host(both.host).items():
        if host in carried:
            yield f"{both.guest.kernel}/: signals {carried[host]} and {guest} both ride on the host's {host}"
        carried[host] = guest
    for group in both.guest.sets.values():
        other = both.set(group)
        names = {o.name for o in other.entries} if other else set()
        for constant in group.entries:
            if constant.host and constant.host != "none" and constant.host not in names:
                yield f"{constant.where}: the host has no {constant.host} in {group.host or group.name}"
            found = both.host_constant(group, constant)
            if group.kind == "enum" and found is not None and found.value == -1:
                yield f"{constant.where}: -1 at the host cannot be told from an error"
    for struct in both.guest.structs.values():
        if struct.host and struct.host not in both.host.structs:
            yield f"{struct.where}: the host has no struct {struct.host}"
        for member in struct.fields:
            group_of = both.guest.sets.get(member.meaning)
            if group_of and both.struct(struct) and (why := both.obstacle(struct)):
                yield f"{struct.where}: {why}"
                break


def problems(root: Path | None = None) -> list[str]:
    """All problems of all kernels' tables, as `file:line: message`."""
    found: list[str] = []
    abis: dict[str, Abi] = {}
    for kernel in parse.kernels(root):
        try:
            abis[kernel] = parse.read(kernel, root)
        except TableError as error:
            found.append(str(error))
        else:
            found += one(abis[kernel])
    for kernel, abi in abis.items():
        if kernel != HOST and HOST in abis:
            found += pair(Pair(abi, abis[HOST]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m syscalls.check", description=__doc__)
    parser.add_argument("--tables", type=Path, help="folder of the tables (default: this package)")
    found = problems(parser.parse_args().tables)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
