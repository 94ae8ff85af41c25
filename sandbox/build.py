"""Builds what isolation needs in C: guise-init, and where asked for the cffi core in its place.

`python -m sandbox.build` after changing C or core_build.py; the package's own build calls `build`.
guise-init is static and has no C library, so the compiler's own headers and the kernel's are enough.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from personality.build import BuildError, compiler, run

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


def build(output: Path = INIT) -> Path:
    """Compiles guise-init into `output`, returns it.  Raises BuildError."""
    sources = sorted(HERE.glob("zone/init/*.c"))
    fresh = output.with_name(f".{output.name}.{os.getpid()}")
    run([*compiler(), *FLAGS, *map(str, sources), "-o", str(fresh)])
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
