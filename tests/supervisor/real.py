"""What the end-to-end tests need: the built runtime and the small FreeBSD guest."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from personality.supervisor import launch
from tests.guest_c import build_guest

ROOT = Path(launch.__file__).parents[2]
ENGINES = ["native", "ptrace"]


def require_guests() -> None:
    """Skip where guests cannot be built or run."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("needs ziglang: pip install ziglang")
    try:
        launch.runtime_path()
    except launch.LaunchError:
        pytest.skip("the runtime was not built: python3 -m personality.build")


def small_guest(directory: Path) -> Path:
    return build_guest(Path(__file__).parent / "guests" / "small.c", directory / "small")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "guise", "run", *map(str, words)]


def run(*words: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), env=environment(), capture_output=True, text=True, check=False, timeout=timeout
    )
