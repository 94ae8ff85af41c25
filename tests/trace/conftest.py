"""The traced guest, and `guise trace` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.guest_c import build_guest
from tests.supervisor.real import environment, require_guests

HERE = Path(__file__).parent
Trace = Callable[..., "subprocess.CompletedProcess[str]"]
Event = dict[str, Any]


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_guests()
    include = f"-I{HERE.parent / 'conformance' / 'freebsd'}"
    output = tmp_path_factory.mktemp("traced") / "calls"
    return build_guest(HERE / "guests" / "calls.c", output, flags=(include,))


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By kernel: a program that says hello, or writes what is in the files that it is given."""
    require_guests()
    folder = tmp_path_factory.mktemp("copies")
    return {
        kernel: build_guest(
            HERE / "guests" / "copies.c",
            folder / kernel,
            kernel,
            (f"-I{HERE.parent / 'conformance' / kernel}",),
        )
        for kernel in ("freebsd", "netbsd")
    }


@pytest.fixture(scope="session")
def trace() -> Trace:
    """trace("-c", program): the finished command, its output as text."""

    def start(*words: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words), env=environment(), capture_output=True, text=True, check=False, timeout=timeout
        )

    return start


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "guise", "trace", *map(str, words)]


@pytest.fixture(scope="session")
def recording(guest: Path, trace: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plain guest's recording."""
    path = tmp_path_factory.mktemp("recording") / "plain.guise"
    done = trace("-o", path, guest)
    assert (done.returncode, done.stdout, done.stderr) == (5, "hello\n", "")
    return path


@pytest.fixture(scope="session")
def events(recording: Path, trace: Trace) -> list[Event]:
    done = trace("show", "--json", recording)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]
