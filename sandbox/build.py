"""Builds what isolation needs in C: guise-init, and where asked for the cffi core in its place.

`python -m sandbox.build` after changing C or core_build.py; the package's own build calls `build`.
guise-init is static and has no C library, so the compiler's own headers and the kernel's are enough.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
INIT = HERE / "zone" / "guise-init"
CORE = HERE / "_core.abi3.so"  # as the package's build names it: of two names the import could take the older

FLAGS = [
    "-std=gnu11", "-Os", "-ffreestanding", "-fpie", "-fvisibility=hidden", "-fno-stack-protector",
    "-mgeneral-regs-only", "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
    "-fno-tree-loop-distribute-patterns", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Werror",
    "-nostdlib", "-static-pie", "-Wl,-z,norelro", "-Wl,-z,noexecstack", "-Wl,--no-dynamic-linker",
    "-Wl,--build-id=none", "-Wl,-e,_start", "-s",
]  # fmt: skip


class BuildError(Exception):
    """The compiler is missing or refused a file; the text says which and why."""


def _compiler() -> list[str]:
    chosen = os.environ.get("CC")
    if chosen:
        return shlex.split(chosen)
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    raise BuildError("no C compiler found: install gcc (Debian: apt-get install gcc) or set CC")


def build(output: Path = INIT) -> Path:
    """Compiles guise-init into `output`, returns it.  Raises BuildError."""
    sources = sorted(HERE.glob("zone/init/*.c"))
    fresh = output.with_name(f".{output.name}.{os.getpid()}")
    command = [*_compiler(), *FLAGS, *map(str, sources), "-o", str(fresh)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")
    fresh.replace(output)
    return output


def build_core(folder: Path) -> Path:
    """Compiles the cffi core, with `folder` for objects, and puts it where it is imported from."""
    from sandbox.core_build import ffi

    folder.mkdir(parents=True, exist_ok=True)
    made = Path(ffi.compile(tmpdir=str(folder)))
    fresh = CORE.with_name(f".{CORE.name}.{os.getpid()}")
    shutil.copyfile(made, fresh)
    fresh.replace(CORE)
    return CORE


def main(arguments: list[str] | None = None) -> int:
    """The command line: `python -m sandbox.build [--output FILE]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=INIT, help="where guise-init goes")
    options = parser.parse_args(arguments)
    try:
        print(build(options.output))
    except BuildError as error:
        print(f"sandbox.build: {error}", file=sys.stderr)
        return 1
    print(build_core(HERE.parent / "build" / "sandbox"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
