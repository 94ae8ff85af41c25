"""The attempts in a zone with a life of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.guest_c import build_guest

from ..bench import Zones
from .conftest import HERE, Host, outcomes


@pytest.mark.parametrize("guest", ["linux", "freebsd"])
def test_no_attempt_gets_out(guest: str, attempts: Path, host: Host, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    program, own = attempts, "-create_in_root"  # what its root may do: all other attempts fail
    if guest == "freebsd":
        own = "-reboot_now"
        program = build_guest(HERE / "freebsd.c", tmp_path / "freebsd")
    zones = Zones(tmp_path)
    zones.sparse("z", f"fs={program.parent}:/attempts:ro", "boot=sleep 1000", "net=private")
    try:
        zones("boot", "z")
        words = f"/attempts/{program.name}", host.secret, str(host.pid), str(host.key), own
        found = outcomes(zones.run("exec", "z", *words))
        assert len(found) >= 50
        assert {name: what for name, what in found.items() if not what.startswith("E")} == {}
    finally:
        zones.run("halt", "z")
        zones.run("uninstall", "z", "--force")
        zones.run("delete", "z", "--force")
