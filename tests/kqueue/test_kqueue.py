"""The kqueue engine as an ordinary program: real descriptors, no guest.

Each C file here is a program that prints TAP; shim.c gives the engine what it needs of the runtime.
The sanitizers find what a wrong result would not show.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PERSONALITY = HERE.parent.parent / "personality"
PROGRAMS = sorted(p.stem for p in HERE.glob("*.c") if p.stem != "shim")
COMPILE = [
    "-D_GNU_SOURCE", "-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-Wall", "-Wextra", "-Werror",
    f"-I{PERSONALITY / 'runtime'}", f"-I{PERSONALITY / 'kqueue'}", f"-I{HERE}",
]  # fmt: skip


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The engine and the shim, compiled once."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp("kqueue")
    made = []
    for source in [*sorted((PERSONALITY / "kqueue").glob("*.c")), HERE / "shim.c"]:
        made.append(folder / f"{source.stem}.o")
        subprocess.run(["gcc", *COMPILE, "-c", str(source), "-o", str(made[-1])], check=True, timeout=120)
    return made


@pytest.mark.parametrize("name", PROGRAMS)
def test_engine(name: str, objects: list[Path], tmp_path: Path) -> None:
    program = tmp_path / name
    libraries = ["-lpthread", "-lutil"]
    source = str(HERE / f"{name}.c")
    command = ["gcc", *COMPILE, source, *map(str, objects), *libraries, "-o", str(program)]
    subprocess.run(command, check=True, timeout=120)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if not line.startswith("ok ") and not line.startswith("1..")]
    assert not failed, "\n".join([*failed, done.stderr])
    assert done.returncode == 0, done.stderr
    assert lines
    assert lines[-1] == f"1..{len(lines) - 1}"
