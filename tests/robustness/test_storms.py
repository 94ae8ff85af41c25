"""Storms of signals, threads, forks and execs: bounded, and nothing of a thread or a child may get lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guest_c import build_guest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def run(name: str, folder: Path, status: int) -> None:
    guest = build_guest(HERE / f"{name}.c", folder / name)
    command = [sys.executable, "-m", "guise", "run", str(guest)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert "not ok" not in done.stdout, done.stdout
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}"


def test_registers_survive_signals(tmp_path: Path) -> None:
    if " avx2 " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("the program looks at AVX2 registers")
    run("registers", tmp_path, 0)


def test_threads_forks_execs(tmp_path: Path) -> None:
    run("storms", tmp_path, 7)
