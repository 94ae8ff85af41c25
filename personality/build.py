"""Builds the runtime, the freestanding ELF that lives inside each guest process.

`python -m personality.build` compiles personality/runtime, the C of every personality and what
syscalls.generate writes, and puts the result beside this file as `guise-runtime`, where
importlib.resources finds it.  Only what is older than its sources is compiled again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME = HERE / "guise-runtime"
FIRST_FUNCTIONS = HERE / "first_functions.txt"
"""What every process runs as it starts, forks, executes and ends."""

CFLAGS = [
    "-std=gnu11", "-O2", "-g", "-ffreestanding", "-fpie", "-fvisibility=hidden",
    "-fno-stack-protector", "-mgeneral-regs-only", "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
    "-fno-tree-loop-distribute-patterns", "-fno-strict-aliasing", "-mno-red-zone", "-fdata-sections",
    "-ffunction-sections",
    "-Wall", "-Wextra", "-Werror",
]  # fmt: skip
LDFLAGS = [
    "-nostdlib", "-static-pie", "-Wl,-z,norelro", "-Wl,-z,noexecstack", "-Wl,--no-dynamic-linker",
    # Every segment is one more mapping at each start.
    "-Wl,-z,noseparate-code", "-Wl,--build-id=sha1", "-Wl,-e,_start",
    # What is small lies together, behind the large tables, so that a process touches few pages.
    "-Wl,--sort-section=alignment",
]  # fmt: skip


class BuildError(Exception):
    """The compiler is missing or refused a file; the text says which and why."""


@dataclass(frozen=True)
class Part:
    """What is compiled together: the core (no name), or one personality.

    A personality's files share names among themselves and nothing but `<name>_personality` with anybody
    else, so the files of a family can be compiled for each of its kernels under the same names.
    """

    name: str
    sources: tuple[Path, ...]
    folders: tuple[Path, ...]
    """Where its headers are, in the order of looking."""


def families() -> dict[str, str]:
    """The kernels that there is C for, each with its family's name or ""."""
    import syscalls
    from syscalls import parse

    kernels = [name for name in parse.kernels() if any((HERE / name).glob("*.c"))]
    return {name: syscalls.load(name).family for name in kernels}


def _write_made_by_family(kernel: str, family: str, folder: Path) -> None:
    """The C that a family's own Python makes for one of its kernels."""
    from syscalls.generate import put

    if family and (HERE / family / "generate.py").exists():
        made = importlib.import_module(f"personality.{family}.generate")
        for name, text in made.files(kernel).items():
            put(folder / name, text)


def parts(generated: Path) -> list[Part]:
    """Every file that goes into the runtime, part by part."""
    common = (HERE / "runtime", HERE / "kqueue", generated)
    core = [*(HERE / "runtime").glob("*.[cS]"), *(HERE / "kqueue").glob("*.c")]
    tables = [path for path in generated.glob("*.c") if not path.name.startswith("calls_")]
    # The tables behind the rest, which then lies together: a process touches few pages.
    found = [Part("", (*sorted(core), *sorted(tables)), common)]
    for name, family in families().items():
        shared = [*(HERE / family).glob("*.c")] if family else []
        made = [generated / f"calls_{name}.c", *(generated / name).glob("*.c")]
        sources = [*(HERE / name).glob("*.c"), *shared, *made]
        own = (HERE / name, generated / name, *([HERE / family] if family else []))
        found.append(Part(name, tuple(sorted(sources)), (*own, *common)))
    return found


def compiler() -> list[str]:
    """The C compiler to call: $CC, or the first of cc, gcc, clang on the PATH."""
    from shutil import which

    chosen = os.environ.get("CC")
    if chosen:
        return shlex.split(chosen)
    for name in ("cc", "gcc", "clang"):
        if which(name):
            return [name]
    raise BuildError("no C compiler found: install gcc (Debian: apt-get install gcc) or set CC")


def _tool(name: str) -> str:
    from shutil import which

    found = which(name) or which(f"llvm-{name}")
    if found is None:
        raise BuildError(f"no {name} found: install binutils (Debian: apt-get install binutils)")
    return found


def run(command: list[str]) -> None:
    """Runs a compiler's command.  Raises BuildError with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")


def _stale(target: Path) -> bool:
    """Whether an object is older than anything that it was made from, as the compiler listed it beside it."""
    try:
        made = target.stat().st_mtime
        _, _, names = target.with_suffix(".d").read_text(encoding="utf-8").partition(":")
        newest = max(Path(name).stat().st_mtime for name in names.replace("\\\n", " ").split())
    except (OSError, ValueError):
        return True
    return made < max(newest, Path(__file__).stat().st_mtime)


def build(folder: Path, output: Path = RUNTIME, jobs: int | None = None) -> Path:
    """Compiles into `folder`, links `output`, returns it.  Raises BuildError."""
    from syscalls import generate

    generated = folder / "generated"
    generate.write(generated)
    for name, family in families().items():
        _write_made_by_family(name, family, generated / name)
    command = [*compiler(), *CFLAGS]
    found = parts(generated)
    work: list[list[str]] = []
    objects: list[list[Path]] = []
    for part in found:
        place = folder / "objects" / (part.name or "core")
        place.mkdir(parents=True, exist_ok=True)
        includes = [f"-I{path}" for path in part.folders]
        if part.name:
            includes.append(f"-DGUISE_PERSONALITY={part.name}_personality")
        objects.append([])
        for source in part.sources:
            target = place / f"{source.parent.name}-{source.stem}.o"
            objects[-1].append(target)
            if _stale(target):
                work.append([*command, *includes, "-MMD", "-c", str(source), "-o", str(target)])
    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        list(pool.map(run, work))
    if work or not output.exists() or output.stat().st_mtime < FIRST_FUNCTIONS.stat().st_mtime:
        linked = [str(target) for target in objects[0]]
        for part, own in zip(found[1:], objects[1:], strict=True):
            linked.append(str(_join(part.name, own, folder / f"{part.name}.o")))
        fresh = output.with_name(f".{output.name}.{os.getpid()}")
        layout = _layout([part.name for part in found[1:]], folder)
        run([*compiler(), *LDFLAGS, f"-Wl,-T,{layout}", *linked, "-o", str(fresh)])
        fresh.replace(output)
    return output


def _layout(kernels: list[str], folder: Path) -> Path:
    """The linker's orders: what every process touches lies together.

    Code and constants that each start, fork and end goes through come first.  Of what is written to, pages
    that few processes touch come before those that all do, and tables behind them.  What lies in between is
    small: a process that starts, forks or ends copies two pages of it, not ten.
    """
    names = FIRST_FUNCTIONS.read_text().split()
    code = " ".join(f"*(.text.{name} .text.{name}.*)" for name in names)
    own = " ".join(
        f"*(.rodata.{name} .rodata.{name}.*)" for name in [*names, "one_byte", "forms", "to", "from"]
    )
    late = [
        f"late_{name} : ALIGN(4096) {{ *(late_{name}) . = ALIGN(4096); }}" for name in ["trace", *kernels]
    ]
    orders = [
        "SECTIONS {",
        f"rodata_first : {{ {own} *(.rodata.*_calls) *(.rodata.str* .rodata.*.str*) }}",
        "text_first : {",
        "PROVIDE_HIDDEN(first_text = .);",
        f"*runtime-entry.o(.text) *runtime-fast.o(.text) {code}",
        "} } INSERT BEFORE .text;",
        "SECTIONS {",
        *late,
        "} INSERT BEFORE .data.rel.ro;",
        "SECTIONS {",
        ".large (NOLOAD) : { *(.lbss.first) *(.lbss.tables) }",
        ".area (NOLOAD) : ALIGN(4096) { *(.lbss.area) }",
        "} INSERT AFTER .bss;",
    ]
    path = folder / "layout.lds"
    path.write_text("\n".join(orders) + "\n")
    return path


def _join(name: str, objects: list[Path], output: Path) -> Path:
    """One object of a personality's, with one name that others can see."""
    run([*compiler(), "-r", "-nostdlib", *map(str, objects), "-o", str(output)])
    run([_tool("objcopy"), f"--keep-global-symbol={name}_personality", str(output)])
    return output


def main(arguments: list[str] | None = None) -> int:
    """The command line: `python -m personality.build [--output FILE] [--folder DIR]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=RUNTIME, help="where the runtime goes")
    parser.add_argument("--folder", type=Path, default=HERE.parent / "build" / "runtime", help="for objects")
    options = parser.parse_args(arguments)
    try:
        print(build(options.folder, options.output))
    except BuildError as error:
        print(f"personality.build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
