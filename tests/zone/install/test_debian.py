"""Debian's own installer, in the place of which a small program stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.zone import ZoneError
from sandbox.zone.install import install


def test_debootstrap_is_run_and_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    program = tmp_path / "bin/debootstrap"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\necho "I: Retrieving $2"\nmkdir -p "$3/etc" || exit 3\necho "$4" > "$3/etc/from"\n'
        'if [ "$2" = sid ]; then echo "E: no mirror" >&2; exit 1; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    said: list[str] = []
    install("trixie@http://mirror.example/", tmp_path / "root", kind="debian", progress=said.append)
    assert said == ["Retrieving trixie"]
    assert (tmp_path / "root/etc/from").read_text() == "http://mirror.example/\n"
    with pytest.raises(ZoneError, match="no mirror"):
        install("sid", tmp_path / "other", kind="debian")
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZoneError, match="no suite"):
        install("--help", tmp_path / "root", kind="debian")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ZoneError, match="apt-get install debootstrap"):
        install("trixie", tmp_path / "root", kind="debian")
