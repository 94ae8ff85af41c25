"""Which served calls a program checks."""

from __future__ import annotations

from syscalls import load
from syscalls import proofs as stored
from tests.conformance import proofs


def test_each_served_call_of_freebsd_has_a_program_that_checks_it() -> None:
    proved = stored.load("freebsd")
    calls = load("freebsd").calls.values()
    served = {call.name for call in calls if call.service in proofs.SERVED}
    assert served - set(proved) == set(), f"no test checks these calls; write one, then {proofs.REMEDY}"
    assert set(proved) - served == set(), proofs.REMEDY
    programs = set(proofs.programs("freebsd"))
    assert {name for proof in proved.values() for name in proof.programs} <= programs, proofs.REMEDY


def test_calls_of_netbsd_said_to_be_proved_are_served() -> None:
    """Its calls outnumber the programs' checks: those it shares with FreeBSD are served by the same code."""
    calls = load("netbsd").calls
    proved = stored.load("netbsd")
    assert len(proved) > 150
    assert {name for name in proved if calls[name].service not in proofs.SERVED} == set(), proofs.REMEDY
    programs = set(proofs.programs("netbsd"))
    assert {name for proof in proved.values() for name in proof.programs} <= programs, proofs.REMEDY
