"""The ways a program is run: natively, as a guest on each engine, and under tools that others use.

The tools run the native Linux program: their rows show what other ways of standing between a
program and the kernel cost.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BASELINE, NotMeasured

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 180


@dataclass(frozen=True)
class Variant:
    """`guest`: runs the guest's build of a program; `slow`: takes part in few rounds."""

    name: str
    title: str
    prefix: tuple[str, ...]
    guest: bool = False
    slow: bool = False


def _guise(*options: str) -> tuple[str, ...]:
    results = ROOT / "build" / "benchmarks"  # beside the project that a program works in
    installed = Path(sys.executable).with_name("guise")  # as people start it; -m imports more
    command = (str(installed),) if installed.exists() else (sys.executable, "-m", "guise")
    return (*command, "run", f"--rw={results}", *options, "--")


GUESTS = (
    Variant("guise", "Guise, engine native", _guise(), guest=True),
    Variant("guise-ptrace", "Guise, engine ptrace", _guise("--engine=ptrace"), guest=True, slow=True),
)
NATIVE = Variant(BASELINE, "native Linux", ())
TOOLS = (
    Variant("bwrap", "bwrap", ("bwrap", "--dev-bind", "/", "/")),
    Variant("strace", "strace -f", ("strace", "-f", "-o", "/dev/null"), slow=True),
    Variant("proot", "proot", ("proot",), slow=True),
    Variant("runsc", "gVisor (runsc do)", ("runsc", "--network=none", "do"), slow=True),
)


def available() -> tuple[list[Variant], dict[str, str]]:
    """The variants that can be run here, and for the others a sentence each."""
    found = [NATIVE, *GUESTS]
    missing: dict[str, str] = {}
    for tool in TOOLS:
        if shutil.which(tool.prefix[0]) is None:
            missing[tool.name] = f"{tool.prefix[0]} is not installed"
            continue
        try:
            tried = subprocess.run([*tool.prefix, "/bin/true"], capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            missing[tool.name] = f"{tool.prefix[0]} /bin/true did not end within a minute"
            continue
        if tried.returncode != 0:
            said = (tried.stderr.strip().splitlines() or ["no message"])[-1]
            missing[tool.name] = f"{tool.prefix[0]} does not work here: {said}"
            continue
        found.append(tool)
    return found, missing


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with this tree first among the Python packages, which are kept compiled."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": ":".join(paths), **more}


def run(command: list[str], cwd: Path, more: Mapping[str, str] | None = None) -> str:
    """Run to the end and return the output.  Raises NotMeasured when it fails or hangs."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment(**(more or {})), capture_output=True, text=True, timeout=SECONDS
        )
    except OSError as error:
        raise NotMeasured(f"{command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"it did not end within {SECONDS} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotMeasured(f"it ended with status {done.returncode}: {said}")
    return done.stdout
