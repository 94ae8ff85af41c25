"""Attempts by a FreeBSD program: by its kernel's calls, and the host's through Guise's code in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest_c import build_guest

from .conftest import HERE, Host, Launch, outcomes


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_guest(HERE / "freebsd.c", tmp_path_factory.mktemp("attempts") / "freebsd")


def test_no_attempt_gets_out(launch: Launch, program: Path, host: Host) -> None:
    found = outcomes(launch("guise", program, host.secret, host.pid, host.key))
    assert len(found) >= 50
    assert {name: what for name, what in found.items() if not what.startswith("E")} == {}
    what, _, places = found["host_mount_by_guises_code"].partition(" in ")
    assert what == "E1"
    assert int(places) > 0  # Guise's code was found, and did what it was told: the filter refused
