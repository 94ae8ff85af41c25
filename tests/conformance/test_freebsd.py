"""FreeBSD's calls, made directly by programs in C, on both engines: one test per program and engine.

What `guise calls freebsd` says a program shows is compared with the calls that it is recorded to make.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syscalls import load
from syscalls import proofs as stored
from tests.conformance import proofs
from tests.conformance.running import Programs

PROGRAMS = proofs.programs("freebsd")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs("freebsd", tmp_path_factory.mktemp("guests"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_native(name: str, built: Programs, tmp_path: Path) -> None:
    built.check(name, tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_on_ptrace_checks_the_calls_it_is_said_to_prove(
    name: str, built: Programs, tmp_path: Path
) -> None:
    built.check_what_it_proves(name, tmp_path)


def test_each_served_call_has_a_program_that_checks_it() -> None:
    proved = stored.load("freebsd")
    calls = load("freebsd").calls.values()
    served = {call.name for call in calls if call.service in proofs.SERVED}
    assert served - set(proved) == set(), f"no test checks these calls; write one, then {proofs.REMEDY}"
    assert set(proved) - served == set(), proofs.REMEDY
    assert {name for proof in proved.values() for name in proof.programs} <= set(PROGRAMS), proofs.REMEDY
