"""Compiles the guards: `python -m syscalls.guard KERNEL COMPILER...`.

For example `python -m syscalls.guard linux gcc`, or, with FreeBSD's headers as the ziglang package
brings them, `python -m syscalls.guard freebsd python -m ziglang cc -target x86_64-freebsd.14.0-none`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import load
from ..model import HOST
from . import call_numbers, sources


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m syscalls.guard", description=__doc__)
    parser.add_argument("kernel")
    parser.add_argument("compiler", nargs=argparse.REMAINDER, help="the C compiler with its options")
    options = parser.parse_args()
    if not options.compiler:
        parser.error("no compiler given")
    found = failures(options.kernel, options.compiler)
    for line in found:
        print(line)
    return 1 if found else 0


def failures(kernel: str, compiler: list[str]) -> list[str]:
    """What the compiler, with that kernel's headers, finds wrong in the tables; empty: nothing."""
    abi = load(kernel)
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in sources(abi).items():
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            done = _run([*compiler, "-w", "-c", "-o", f"{path}.o", str(path)])
            if done.returncode:
                found += [line for line in done.stderr.splitlines() if "error" in line]
        source = abi.sources.get("calls")
        if source is not None:
            path = Path(folder) / "calls.c"
            path.write_text("".join(f"#include <{name}>\n" for name in source.headers), encoding="utf-8")
            done = _run([*compiler, "-dM", "-E", str(path)])
            if done.returncode:
                return [*found, done.stderr]
            for name, number in call_numbers(done.stdout, source.prefix or "SYS_").items():
                row = abi.by_number.get(number)
                if row is not None and row.name not in (name, name.lstrip("_")):
                    found.append(f"{row.where}: the header calls {number} {name}")
                # A header newer than the host's table is no fault of the table.
                elif row is None and kernel != HOST:
                    found.append(f"{kernel}: call {number}, {name}, has no row")
    return found


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
