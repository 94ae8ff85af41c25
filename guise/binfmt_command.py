"""`guise binfmt`: let the host kernel start programs of other kernels through Guise.

binfmt_misc matches the first bytes of a file: the ELF magic, 64 bits, x86-64, and the OS/ABI byte of
the guest's kernel.  The kernel executes the interpreter with the program's path; a small sh script
is that interpreter, because `guise` itself may be a script in a virtual environment.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from guise.cli import UsageError, complain

DIRECTORY = Path("/proc/sys/fs/binfmt_misc")
LAUNCHERS = Path("/usr/local/lib/guise")
PERMANENT = Path("/etc/binfmt.d")

FLAGS = "P"  # keeps argv[0]; F would open the interpreter now, and a script cannot be one then
REFUSED = 1


def main(words: list[str]) -> int:
    actions = {"install": install, "remove": remove, "status": status}
    if len(words) != 1 or words[0] not in actions:
        raise UsageError("say what to do: `guise binfmt install`, remove or status")
    return actions[words[0]]()


def os_abis() -> dict[str, int]:
    """The EI_OSABI byte of each kernel that there is a personality for."""
    from loader.brand import OS_ABIS
    from loader.result import HOST_KERNEL
    from personality.supervisor.images import personalities

    known = personalities() - {HOST_KERNEL}  # the host kernel starts its own programs
    return {kernel: number for number, kernel in OS_ABIS.items() if kernel in known}


def entry_name(kernel: str) -> str:
    return f"guise-{kernel}"


def registration(kernel: str, launcher: Path) -> str:
    """The line for /proc/sys/fs/binfmt_misc/register: name, magic and mask over the ELF header."""
    magic = b"\x7fELF\x02\x01\x01" + bytes([os_abis()[kernel]]) + bytes(8) + b"\0\0" + b"\x3e\0"
    # ABI version and padding do not matter; the type may be 2 (fixed) or 3 (PIE).
    mask = b"\xff" * 8 + bytes(8) + b"\0\0" + b"\xff\xff"
    return f":{entry_name(kernel)}:M::{_escaped(magic)}:{_escaped(mask)}:{launcher}:{FLAGS}"


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def launcher_text(kernel: str) -> str:
    """An sh script; with flag P it is given the program's path and then argv[0] as it was.

    Without a sandbox: whoever executes such a program, a shell or a compiler, means it as one of the host's.
    """
    python = shlex.quote(sys.executable)
    return f"""\
#!/bin/sh
# Written by `guise binfmt install`: the kernel calls it as {entry_name(kernel)} PATH ARGV0 ARGUMENTS...
program=$1 name=$2
shift 2
exec {python} -P -m guise run --no-sandbox --as {kernel} --argv0 "$name" -- "$program" "$@"
"""


def install() -> int:
    if os.geteuid() != 0:
        return complain(
            "binfmt install changes the kernel's settings and needs root: sudo guise binfmt install", REFUSED
        )
    if not _mounted():
        return complain(_unavailable(), REFUSED)
    LAUNCHERS.mkdir(parents=True, exist_ok=True)
    for kernel in os_abis():
        launcher = LAUNCHERS / f"binfmt-{kernel}"
        launcher.write_text(launcher_text(kernel), encoding="utf-8")
        launcher.chmod(0o755)
        line = registration(kernel, launcher)
        entry = DIRECTORY / entry_name(kernel)
        if entry.exists():
            entry.write_text("-1", encoding="ascii")
        try:
            DIRECTORY.joinpath("register").write_text(line, encoding="ascii")
        except OSError as error:
            return complain(f"the kernel refused the entry for {kernel}: {error.strerror}", REFUSED)
        print(f"programs for {kernel} now start by themselves, through {launcher}")
        print(
            f"to keep that after a restart: echo {shlex.quote(line)} > {PERMANENT}/{entry_name(kernel)}.conf"
        )
    return 0


def remove() -> int:
    if not DIRECTORY.joinpath("register").exists():
        return complain(_unavailable(), REFUSED)
    present = [kernel for kernel in os_abis() if (DIRECTORY / entry_name(kernel)).exists()]
    if not present:
        print("nothing of Guise is registered")
        return 0
    if os.geteuid() != 0:
        return complain(
            "binfmt remove changes the kernel's settings and needs root: sudo guise binfmt remove", REFUSED
        )
    for kernel in present:
        (DIRECTORY / entry_name(kernel)).write_text("-1", encoding="ascii")
        (LAUNCHERS / f"binfmt-{kernel}").unlink(missing_ok=True)
        (PERMANENT / f"{entry_name(kernel)}.conf").unlink(missing_ok=True)
        print(f"programs for {kernel} no longer start by themselves")
    return 0


def status() -> int:
    """0 when every kernel is registered and enabled, 1 otherwise."""
    if not DIRECTORY.joinpath("status").exists():
        return complain(_unavailable(), REFUSED)
    complete = DIRECTORY.joinpath("status").read_text(encoding="ascii").strip() == "enabled"
    if not complete:
        print("binfmt_misc is switched off: echo 1 > /proc/sys/fs/binfmt_misc/status")
    for kernel in os_abis():
        entry = DIRECTORY / entry_name(kernel)
        if not entry.exists():
            print(f"{kernel}: not registered")
            complete = False
            continue
        fields = dict(line.partition(" ")[::2] for line in entry.read_text(encoding="ascii").splitlines())
        state = "enabled" if "enabled" in fields else "disabled"
        print(f"{kernel}: {state}, through {fields.get('interpreter', 'an unknown interpreter')}")
        complete = complete and state == "enabled"
    return 0 if complete else 1


def _mounted() -> bool:
    """Whether binfmt_misc can be used, after an attempt to mount it."""
    register = DIRECTORY / "register"
    if not register.exists() and DIRECTORY.is_dir():
        command = ["mount", "-t", "binfmt_misc", "binfmt_misc", str(DIRECTORY)]
        subprocess.run(command, capture_output=True, check=False)
    return register.exists()


def _unavailable() -> str:
    from guise.doctor_checks import binfmt_misc

    return f"binfmt_misc is not there ({binfmt_misc().found}): {binfmt_misc().remedy}"
