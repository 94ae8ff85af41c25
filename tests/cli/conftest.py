"""Running the command as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import guise

ROOT = Path(guise.__file__).parents[1]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def guise_command(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("GUISE_DEBUG", raising=False)
    return [sys.executable, "-m", "guise"]


@pytest.fixture
def run(guise_command: list[str]) -> Run:
    """run("calls", "freebsd"): the finished command, its output as text."""

    def start(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
        arguments = [*guise_command, *(os.fspath(word) for word in words)]
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            arguments, capture_output=True, text=True, timeout=120, check=False, **options
        )

    return start
