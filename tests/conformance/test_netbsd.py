"""NetBSD's calls, made directly by programs in C, on both engines: one test per program and engine.

Its calls outnumber the programs' checks: those it shares with FreeBSD are served by the same code.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syscalls import load
from syscalls import proofs as stored
from tests.conformance import proofs
from tests.conformance.running import Programs

PROGRAMS = proofs.programs("netbsd")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs("netbsd", tmp_path_factory.mktemp("guests"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_native(name: str, built: Programs, tmp_path: Path) -> None:
    built.check(name, tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_ptrace_checks_the_calls_it_is_said_to_prove(
    name: str, built: Programs, tmp_path: Path
) -> None:
    built.check_what_it_proves(name, tmp_path)


def test_calls_said_to_be_proved_are_served() -> None:
    calls = load("netbsd").calls
    proved = stored.load("netbsd")
    assert len(proved) > 150
    assert {name for name in proved if calls[name].service not in proofs.SERVED} == set(), proofs.REMEDY
    assert {name for proof in proved.values() for name in proof.programs} <= set(PROGRAMS), proofs.REMEDY
