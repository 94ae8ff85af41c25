"""The host's own programs: the same calls in the same order as strace sees, across kernels where they mix."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.trace.conftest import Trace

PROGRAMS = [
    ["true"],
    ["ls", "-l", "/etc"],
    ["cat", "/etc/passwd"],
    ["find", "/etc/default"],
    ["tar", "cf", "/dev/null", "-C", "/etc", "passwd"],
    ["sha256sum", "/etc/passwd"],
    ["wc", "/etc/passwd"],
    ["sort", "/etc/passwd"],
    ["awk", "{print}", "/etc/passwd"],
]


def names(lines: list[str]) -> list[str]:
    return [line.partition("(")[0] for line in lines if "(" in line and not line.startswith("+++")]


@pytest.mark.parametrize("words", PROGRAMS, ids=lambda words: str(words[0]))
def test_same_calls_as_strace(words: list[str], guest: Path, trace: Trace, tmp_path: Path) -> None:
    """All but the first: strace sees the execve that starts the program."""
    if shutil.which("strace") is None or shutil.which(words[0]) is None:
        pytest.skip(f"needs strace and {words[0]}")
    theirs, ours = tmp_path / "strace", tmp_path / "guise"
    subprocess.run(["strace", "-o", theirs, *words], capture_output=True, timeout=60, check=True)
    done = trace("-o", ours, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(ours.read_text().splitlines()) == names(theirs.read_text().splitlines())[1:]


def test_followed_across_kernels(guest: Path, trace: Trace) -> None:
    done = trace("-o", "-", "sh", "-c", f"{guest} leave; exec {guest} leave")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert sum("execve(" in line and str(guest) in line and line.endswith("= 0") for line in lines) == 2
    assert sum(line.endswith("exit(3) = ?") for line in lines) == 2
