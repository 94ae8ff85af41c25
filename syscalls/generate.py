"""Writes the C that the runtime is built from: `python -m syscalls.generate OUTDIR`.

For each kernel K with tables: `abi_K.h`.  For each of them that is a guest also `calls_K.c`, its
translators and dispatch table.  `trace_tables.c` says what the tracer copies at each call, and
`personalities.c` lists the personalities there is C for.  Files whose text has not changed are left
alone, so that a build tool sees no change either.

A guest whose tables name a family also gets `K/abi_FAMILY.h`: the same declarations under the family's
name (`struct bsd_stat`, `BSD_O_CREAT`, `bsd_sys_open`), for C that is compiled once for each of its kernels.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import emit_calls, emit_convert, emit_host, emit_trace, emit_types, parse
from .convert import Pair
from .model import HOST, Abi, TableError

_NOTE = "/* Generated from the tables in syscalls/{kernel}/; not to be edited. */"


def header(abi: Abi, pair: Pair | None) -> Iterator[str]:
    """The text of abi_<kernel>.h; `pair` for a guest, None for the host."""
    guard = f"GUISE_ABI_{abi.kernel.upper()}_H"
    yield _NOTE.format(kernel=abi.kernel)
    yield f"#ifndef {guard}"
    yield f"#define {guard}"
    yield ""
    yield '#include "runtime.h"'
    if pair is not None:
        yield f'#include "abi_{pair.host.kernel}.h"'
    yield ""
    yield from emit_types.declarations(abi)
    if pair is not None:
        yield from emit_convert.conversions(pair)
        yield from emit_types.prototypes(abi)
        yield from emit_calls.prototypes(pair)
        yield ""
    else:
        yield from emit_types.prototypes(abi)
        yield from emit_types.table_prototypes(abi)
        yield ""
    yield "#endif"


def family_header(abi: Abi, declarations: str) -> Iterator[str]:
    """The text of <kernel>/abi_<family>.h; `declarations` is that of abi_<kernel>.h."""
    guard = f"GUISE_ABI_{abi.family.upper()}_H"
    yield _NOTE.format(kernel=abi.kernel)
    yield f"#ifndef {guard}"
    yield f"#define {guard}"
    yield ""
    yield f'#include "abi_{abi.kernel}.h"'
    yield ""
    for own, shared in ((abi.kernel, abi.family), (abi.kernel.upper(), abi.family.upper())):
        for name in sorted(set(re.findall(rf"\b{own}(_\w+)", declarations))):
            yield f"#define {shared}{name} {own}{name}"
    yield ""
    yield "#endif"


def personalities(guests: list[str], folder: Path) -> Iterator[str]:
    """The text of personalities.c: the guests whose folder has C files."""
    found = [name for name in guests if any((folder / name).glob("*.c"))]
    yield "/* Generated from the folders of personality/; not to be edited. */"
    yield '#include "runtime.h"'
    yield ""
    for name in found:
        yield f"extern const struct personality {name}_personality;"
    parts = [*found, "trace"]
    for name in parts:
        yield f'extern u8 __start_late_{name}[] __attribute__((weak, visibility("hidden")));'
        yield f'extern u8 __stop_late_{name}[] __attribute__((weak, visibility("hidden")));'
    yield "u32 late_parts(struct late_part to[LATE_PARTS])"
    yield "{"
    for index, name in enumerate(parts):
        values = f'"{name}", (u64)__start_late_{name}, (u64)__stop_late_{name}'
        yield f"    to[{index}] = (struct late_part){{{values}}};"
    yield f"    return {len(parts)};"
    yield "}"
    yield "const struct personality *const personalities[] = {"
    for name in found:
        yield f"    &{name}_personality,"
    yield "    NULL,"
    yield "};"


def files(root: Path | None = None, folder: Path | None = None) -> dict[str, str]:
    """All generated files, name to text.  `root` holds the tables, `folder` the personalities' C."""
    base = root or Path(__file__).parent
    host = parse.read(HOST, base)
    guests = [name for name in parse.kernels(base) if name != HOST]
    texts: dict[str, Iterable[str]] = {f"abi_{HOST}.h": header(host, None)}
    texts[f"calls_{HOST}.c"] = emit_host.calls(host)
    for name in guests:
        pair = Pair(parse.read(name, base), host)
        texts[f"abi_{name}.h"] = list(header(pair.guest, pair))
        texts[f"calls_{name}.c"] = emit_calls.calls(pair)
        if pair.guest.family:
            declarations = "\n".join(texts[f"abi_{name}.h"])
            texts[f"{name}/abi_{pair.guest.family}.h"] = family_header(pair.guest, declarations)
    texts["trace_tables.c"] = emit_trace.tables([parse.read(name, base) for name in parse.kernels(base)])
    texts["personalities.c"] = personalities([*guests, HOST], folder or base.parent / "personality")
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}


def put(path: Path, text: str) -> None:
    """Write a file whose text has changed."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def write(out: Path, root: Path | None = None, folder: Path | None = None) -> list[Path]:
    """Write all files into `out` (made if absent) and return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in files(root, folder).items():
        put(out / name, text)
        written.append(out / name)
    return written


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m syscalls.generate", description=__doc__)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--tables", type=Path, help="folder of the tables (default: this package)")
    parser.add_argument("--personalities", type=Path, help="folder of the personalities' C")
    options = parser.parse_args()
    try:
        write(options.outdir, options.tables, options.personalities)
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
