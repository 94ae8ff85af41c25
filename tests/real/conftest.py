"""How real programs are got hold of and run: built once per session, run on each engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import esbuild as sources
from benchmarks.measure import NotMeasured

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "go"
ENGINES = ("native", "ptrace")
KERNELS = ("freebsd", "netbsd")


@dataclass(frozen=True)
class Guise:
    """`guise run` on one engine."""

    engine: str

    def command(self, program: Path, *words: str, writable: Path | None = None) -> list[str]:
        """The command line that runs a guest, which may write to `writable` besides where it starts."""
        shared = [] if writable is None else [f"--rw={writable}"]
        return [
            sys.executable,
            "-m",
            "guise",
            "run",
            f"--engine={self.engine}",
            *shared,
            str(program),
            *words,
        ]

    @property
    def environment(self) -> dict[str, str]:
        """This process's, with this tree among the Python packages."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "PYTHONPATH": ":".join(paths)}

    def run(
        self,
        program: Path,
        *words: str,
        cwd: Path,
        text: str = "",
        seconds: float = 120,
        writable: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a guest to its end, its output captured."""
        return subprocess.run(
            self.command(program, *words, writable=writable), input=text, capture_output=True, text=True,
            cwd=cwd, timeout=seconds, env=self.environment,
        )  # fmt: skip

    def start(self, program: Path, *words: str, cwd: Path) -> subprocess.Popen[bytes]:
        """Start a guest with pipes for all its streams."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(program, *words), stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=self.environment
        )


@pytest.fixture(params=ENGINES)
def guise(request: pytest.FixtureRequest) -> Guise:
    """Each test that asks for it runs on both engines."""
    return Guise(request.param)


@dataclass(frozen=True)
class Pair:
    """One program for the guest's system and for this one."""

    guest: Path
    host: Path


@pytest.fixture(scope="session")
def go_program(go: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pair]:
    """Build tests/go/<name>.go for a kernel (FreeBSD's, if none is given) and Linux, once."""
    folder = tmp_path_factory.mktemp("go")

    def build(name: str, kernel: str = "freebsd") -> Pair:
        pair = Pair(folder / f"{name}-{kernel}", folder / f"{name}-linux")
        for system, output in ((kernel, pair.guest), ("linux", pair.host)):
            if not output.exists():
                go("build", "-o", str(output), str(PROGRAMS / f"{name}.go"), system=system)
        return pair

    return build


@pytest.fixture(scope="session", params=KERNELS)
def esbuild(request: pytest.FixtureRequest) -> Pair:
    """esbuild for each foreign kernel and for Linux, from npm or built by Go's tools."""
    try:
        tools = sources.fetch(request.param)
    except NotMeasured as error:
        pytest.skip(f"esbuild cannot be fetched: {error}")
    return Pair(tools.guest, tools.host)


@pytest.fixture(scope="session")
def project() -> Path:
    """A project to bundle, large enough to keep every thread of esbuild busy."""
    return sources.project().folder
