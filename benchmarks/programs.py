"""Building the benchmark programs: one C source each, for both kernels, by one compiler."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.measure import NotMeasured
from benchmarks.variants import ROOT

SOURCES = Path(__file__).parent / "programs"
BUILD = ROOT / "build" / "benchmarks"
FLAGS = (
    "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-stack-protector",
    "-fno-sanitize=all", "-fomit-frame-pointer",
)  # fmt: skip
EMULATION = {"freebsd": "elf_x86_64_fbsd", "linux": "elf_x86_64"}


@dataclass(frozen=True)
class Pair:
    """One program, built for both kernels."""

    guest: Path
    host: Path


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise NotMeasured(f"{Path(command[-1]).name} could not be built (pip install ziglang): {said}")


@cache
def build(name: str) -> Pair:
    """programs/<name>.c for FreeBSD and Linux.  Raises NotMeasured without a compiler for both."""
    source = SOURCES / f"{name}.c"
    folder = BUILD / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    newest = max(p.stat().st_mtime for p in (source, SOURCES / "bench.h"))
    for kernel, emulation in EMULATION.items():
        program = folder / f"{name}-{kernel}"
        if program.exists() and program.stat().st_mtime >= newest:
            continue
        zig = [sys.executable, "-m", "ziglang"]
        part = folder / f"{name}-{kernel}.o"
        _run([*zig, "cc", "-target", f"x86_64-{kernel}", *FLAGS, "-c", str(source), "-o", str(part)])
        _run([*zig, "ld.lld", "-m", emulation, "-static", str(part), "-o", str(program)])
    return Pair(folder / f"{name}-freebsd", folder / f"{name}-linux")
