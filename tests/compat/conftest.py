"""Running suites that are written for one test, and looking for what they left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import guise

ROOT = Path(guise.__file__).parents[1]


class Bench:
    """`guise compat` in a folder of its own, with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store.sqlite"
        # Whatever a test starts carries this in its environment, wherever it went.
        self.mark = f"GUISE_TEST_MARK={folder}"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "guise", "compat", *words, f"--store={self.store}"]

    @property
    def environment(self) -> dict[str, str]:
        name, _, value = self.mark.partition("=")
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "PYTHONPATH": ":".join(paths), name: value}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=200, env=self.environment
        )

    def suite(self, text: str, name: str = "suite") -> str:
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        return str(path)

    def results(self, text: str, *words: str) -> dict[str, Any]:
        """Run a suite; its only column as --json has it, with tests by name."""
        output = self.folder / "out.json"
        done = self.run("run", self.suite(text), f"--json={output}", *words)
        assert output.exists(), done.stderr
        column: dict[str, Any] = json.loads(output.read_text())[0]
        column["status"] = done.returncode
        column["by_name"] = {test["name"]: test for test in column["tests"]}
        column["notes"] = {case["name"]: case["note"] for case in column["cases"]}
        return column

    def alive(self) -> list[str]:
        """Command lines of processes that carry this test's mark."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found.append((entry / "cmdline").read_text().replace("\0", " "))
                except OSError:
                    continue
        return found

    def wait_until_none_is_alive(self) -> None:
        deadline = time.monotonic() + 20
        while (left := self.alive()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
