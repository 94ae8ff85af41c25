"""FreeBSD's calls, made directly by programs in C, on both engines: one test per program and engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guest_c import build_guest

HERE = Path(__file__).parent / "freebsd"
PROGRAMS = sorted(p.stem for p in HERE.glob("*.c"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Programs built so far, by name."""
    return {"": tmp_path_factory.mktemp("guests")}


def _program(name: str, built: dict[str, Path]) -> Path:
    if name not in built:
        built[name] = build_guest(HERE / f"{name}.c", built[""] / name)
    return built[name]


@pytest.mark.parametrize("engine", ["native", "ptrace"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str, engine: str, built: dict[str, Path], tmp_path: Path) -> None:
    program = _program(name, built)
    command = [sys.executable, "-m", "guise", "run", "--engine", engine, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    passed = [line for line in lines if line.startswith("ok ")]
    assert f"1..{len(passed)}" in lines, f"stopped early: {lines[-3:]} {done.stderr}"
    assert passed
