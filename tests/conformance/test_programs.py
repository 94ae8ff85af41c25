"""Calls made directly by programs in C, on both engines: one test per kernel, program and engine.

What `guise calls KERNEL` says a program shows is compared with the calls that it is recorded to make.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from syscalls import parse
from tests.conformance import proofs
from tests.conformance.running import Programs

PROGRAMS = [(kernel, name) for kernel in parse.kernels() for name in proofs.programs(kernel)]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Programs]:
    """built(kernel): that kernel's programs."""
    made: dict[str, Programs] = {}

    def of(kernel: str) -> Programs:
        if kernel not in made:
            made[kernel] = Programs(kernel, tmp_path_factory.mktemp("guests"))
        return made[kernel]

    return of


@pytest.mark.parametrize(("kernel", "name"), PROGRAMS)
def test_program_on_native(kernel: str, name: str, built: Callable[[str], Programs], tmp_path: Path) -> None:
    built(kernel).check(name, tmp_path)


@pytest.mark.parametrize(("kernel", "name"), PROGRAMS)
def test_program_on_ptrace_checks_the_calls_it_is_said_to_prove(
    kernel: str, name: str, built: Callable[[str], Programs], tmp_path: Path
) -> None:
    built(kernel).check_what_it_proves(name, tmp_path)
