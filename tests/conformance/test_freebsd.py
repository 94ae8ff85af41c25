"""FreeBSD's calls, made directly by programs in C, on both engines: one test per program and engine.

What `guise calls freebsd` says a program shows is compared with the calls that it is recorded to make.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syscalls import load
from syscalls import proofs as stored
from tests.conformance import proofs
from tests.guest_c import build_guest

HERE = Path(__file__).parent / "freebsd"
PROGRAMS = proofs.programs("freebsd")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Programs built so far, by name."""
    return {"": tmp_path_factory.mktemp("guests")}


def _program(name: str, built: dict[str, Path]) -> Path:
    if name not in built:
        built[name] = build_guest(HERE / f"{name}.c", built[""] / name)
    return built[name]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    passed = [line for line in lines if line.startswith("ok ")]
    assert f"1..{len(passed)}" in lines, f"stopped early: {lines[-3:]} {done.stderr}"
    assert passed


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_native(name: str, built: dict[str, Path], tmp_path: Path) -> None:
    _run([sys.executable, "-m", "guise", "run", str(_program(name, built))], tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_ptrace_checks_the_calls_it_is_said_to_prove(
    name: str, built: dict[str, Path], tmp_path: Path
) -> None:
    recorded = tmp_path / "calls.guise"
    _run(proofs.command(_program(name, built), recorded, "ptrace"), tmp_path)
    abi = load("freebsd")
    seen = proofs.read(recorded, abi).checked()
    claimed = [call for call, proof in stored.load("freebsd").items() if name in proof.programs]
    missing = [call for call in claimed if abi.calls[call].number not in seen]
    assert not missing, f"{proofs.REMEDY}: {name} does not check {', '.join(missing)}"


def test_each_served_call_has_a_program_that_checks_it() -> None:
    proved = stored.load("freebsd")
    calls = load("freebsd").calls.values()
    served = {call.name for call in calls if call.service in proofs.SERVED}
    assert served - set(proved) == set(), f"no test checks these calls; write one, then {proofs.REMEDY}"
    assert set(proved) - served == set(), proofs.REMEDY
    assert {name for proof in proved.values() for name in proof.programs} <= set(PROGRAMS), proofs.REMEDY
