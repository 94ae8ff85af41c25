"""Zones for tests: a folder of zones of their own, and roots to install."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import command, environment

INHERITED = ("/usr", "/bin", "/lib", "/lib64", "/sbin")


class Zones:
    """`guise zone` with a folder of zones of its own, as root or through a wrapper as somebody else."""

    def __init__(self, folder: Path, wrap: Callable[[list[str]], list[str]] | None = None) -> None:
        self.folder = folder / "zones"
        self.environment = {**environment(), "GUISE_ZONES": str(self.folder), "HOME": str(folder)}
        self.wrap = wrap or (lambda words: words)
        self.directory = folder
        self.owner = 0, 0

    def line(self, *words: str | os.PathLike[str]) -> list[str]:
        return self.wrap(command("zone", *words))

    def run(self, *words: str | os.PathLike[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.line(*words), env=self.environment, cwd=self.directory, capture_output=True, text=True,
            check=False, timeout=100, **options,
        )  # fmt: skip

    def __call__(self, *words: str | os.PathLike[str]) -> str:
        """What a verb prints, where it must succeed in silence otherwise."""
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refuses(self, *words: str | os.PathLike[str]) -> str:
        """The one sentence of a verb that fails."""
        done = self.run(*words)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith("guise: "), done.stderr
        assert done.stderr.count("\n") == 1
        return done.stderr

    def state(self, name: str) -> str:
        (zone,) = json.loads(self("list", "--json", name))
        return str(zone["state"])

    def sparse(self, name: str, *orders: str) -> None:
        """A zone that has the host's programs."""
        inherited = " ".join(folder for folder in INHERITED if os.path.isdir(folder))
        self("create", name, f"inherit={inherited}", *orders)
        self("install", name)

    def close(self) -> None:
        """Halt all and remove the folder; once more does nothing."""
        if not self.folder.exists():
            return
        subprocess.run(
            self.line("halt", "--all"), env=self.environment, cwd=self.directory, check=False, timeout=100
        )
        shutil.rmtree(self.folder, ignore_errors=True)


def python_folders() -> list[str]:
    """Orders that show a zone this Python."""
    folders = {sys.prefix, sys.base_prefix}
    return [f"inherit+={folder}" for folder in sorted(folders) if not folder.startswith("/usr")]
