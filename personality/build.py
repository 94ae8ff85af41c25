"""Builds the runtime, the freestanding ELF that lives inside each guest process.

`python -m personality.build` compiles personality/runtime, the C of every personality and what
syscalls.generate writes, and puts the result beside this file as `guise-runtime`, where
importlib.resources finds it.  Only what is older than its sources is compiled again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME = HERE / "guise-runtime"

CFLAGS = [
    "-std=gnu11", "-O2", "-g", "-ffreestanding", "-fpie", "-fvisibility=hidden",
    "-fno-stack-protector", "-mgeneral-regs-only", "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
    "-fno-tree-loop-distribute-patterns", "-fno-strict-aliasing", "-mno-red-zone",
    "-Wall", "-Wextra", "-Werror",
]  # fmt: skip
LDFLAGS = [
    "-nostdlib", "-static-pie", "-Wl,-z,norelro", "-Wl,-z,noexecstack", "-Wl,--no-dynamic-linker",
    "-Wl,-z,separate-code", "-Wl,--build-id=sha1", "-Wl,-e,_start",
]  # fmt: skip


class BuildError(Exception):
    """The compiler is missing or refused a file; the text says which and why."""


def sources(generated: Path) -> list[Path]:
    """Every file that goes into the runtime: the core, the personalities, the generated tables."""
    found = [*HERE.glob("runtime/*.[cS]"), *HERE.glob("*/*.c"), *generated.glob("*.c")]
    return sorted(set(found))


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


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")


def _stale(target: Path, newest: float) -> bool:
    return not target.exists() or target.stat().st_mtime < newest


def build(folder: Path, output: Path = RUNTIME, jobs: int | None = None) -> Path:
    """Compiles into `folder`, links `output`, returns it.  Raises BuildError."""
    from syscalls import generate

    generated = folder / "generated"
    generate.write(generated)
    objects = folder / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    flags = [*CFLAGS, f"-I{HERE / 'runtime'}", f"-I{generated}", *(f"-I{d}" for d in sorted(HERE.glob("*/"))
                                                                  if any(d.glob("*.h")))]  # fmt: skip
    headers = max(p.stat().st_mtime for p in [*HERE.glob("*/*.h"), *generated.glob("*.h"), Path(__file__)])
    command = compiler()
    work: list[list[str]] = []
    linked: list[str] = []
    for source in sources(generated):
        tag = hashlib.sha1(str(source).encode()).hexdigest()[:8]
        target = objects / f"{source.stem}-{tag}.o"
        linked.append(str(target))
        if _stale(target, max(headers, source.stat().st_mtime)):
            work.append([*command, *flags, "-c", str(source), "-o", str(target)])
    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        list(pool.map(_run, work))
    if work or not output.exists():
        fresh = output.with_name(f".{output.name}.{os.getpid()}")
        _run([*command, *LDFLAGS, *linked, "-o", str(fresh)])
        fresh.replace(output)
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
