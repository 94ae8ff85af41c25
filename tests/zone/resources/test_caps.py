"""Caps hold within 5 %: a minute of measuring, on a quiet machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.long
def test_caps_hold() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.zone_caps"],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout
