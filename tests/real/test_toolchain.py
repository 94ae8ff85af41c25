"""Go's own compiler and linker, built for FreeBSD, build a program under Guise: hundreds of processes.

What they make for Linux has to be what Go's Linux build makes, byte for byte.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.esbuild import go_tool
from tests.real.conftest import Guise

PARTS = ("compile", "asm", "link")
MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("built") }\n'


@pytest.fixture(scope="module")
def goroot(go: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GOROOT whose tools are FreeBSD programs and whose sources are those of the installed Go."""
    tool = go_tool()
    assert tool is not None  # the fixture `go` skips without it
    found = subprocess.run([tool, "env", "GOROOT"], capture_output=True, text=True, check=True, timeout=60)
    installed = Path(found.stdout.strip())
    root = tmp_path_factory.mktemp("goroot")
    for name in ("src", "lib", "go.env", "VERSION"):
        (root / name).symlink_to(installed / name)
    if (installed / "pkg" / "include").exists():
        (root / "pkg").mkdir()
        (root / "pkg" / "include").symlink_to(installed / "pkg" / "include")
    sources = str(installed / "src" / "cmd")
    go("-C", sources, "build", "-o", str(root / "bin" / "go"), "./go", system="freebsd")
    for part in PARTS:
        output = root / "pkg" / "tool" / "freebsd_amd64" / part
        go("-C", sources, "build", "-o", str(output), f"./{part}", system="freebsd")
    return root


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_builds_the_same_program(goroot: Path, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(MAIN)
    (tmp_path / "go.mod").write_text("module built\n\ngo 1.24\n")
    guise = Guise("native")
    words = ("build", "-trimpath", "-buildvcs=false", "-o")
    common = {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    for name, command in (
        ("guest", guise.command(goroot / "bin" / "go", *words, "guest")),
        ("host", [go_tool() or "go", *words, "host"]),
    ):
        more = {**common, "GOCACHE": str(tmp_path / f"cache-{name}")}
        if name == "guest":
            more["GOROOT"] = str(goroot)
        done = subprocess.run(
            [*command, "."], cwd=tmp_path, env={**os.environ, **guise.environment, **more},
            capture_output=True, text=True, timeout=1800,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "guest").read_bytes() == (tmp_path / "host").read_bytes()
    built = subprocess.run([tmp_path / "guest"], capture_output=True, text=True, check=True, timeout=60)
    assert built.stdout == "built\n"
