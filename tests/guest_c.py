"""Building guest programs from C: a compiler for the guest's target and a linker, no libc of any kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FLAGS = [
    "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-stack-protector",
    "-fno-sanitize=all", "-fno-omit-frame-pointer",
]  # fmt: skip
EMULATIONS = {"freebsd": "elf_x86_64_fbsd", "netbsd": "elf_x86_64"}


def build_guest(source: Path, output: Path, kernel: str = "freebsd", flags: tuple[str, ...] = ()) -> Path:
    """A static program for `kernel` from one C file that defines _start.  Raises CalledProcessError."""
    zig = [sys.executable, "-m", "ziglang"]
    target = output.with_name(output.name + ".o")
    command = [
        *zig,
        "cc",
        "-target",
        f"x86_64-{kernel}",
        "-c",
        *FLAGS,
        *flags,
        str(source),
        "-o",
        str(target),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    link = [*zig, "ld.lld", "-m", EMULATIONS[kernel], "-static", str(target), "-o", str(output)]
    subprocess.run(link, check=True, capture_output=True, text=True, timeout=120)
    return output
