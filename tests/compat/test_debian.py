"""The suites about Debian's programs: their lists are whole, and some of their cases pass on both engines."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from guise.compat import suite

from .conftest import Bench

NEEDED = ("gawk", "git", "perl", "python3", "make", "gcc", "openssl", "sqlite3")


def _maker() -> ModuleType:
    path = suite.SHIPPED / "debian-commands" / "make.py"
    specification = importlib.util.spec_from_file_location("make", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_there_are_200_commands(tmp_path: Path) -> None:
    maker = _maker()
    listed = suite.SHIPPED / "debian-commands" / "commands.txt"
    lines = maker.commands(listed.read_text())
    assert len(lines) >= 200
    for tool in (*NEEDED, "find", "grep", "sed", "ssh-keygen", "musl-gcc", "busybox"):
        assert any(tool in line for line in lines.values()), tool
    for number in ("one", "two"):
        maker.main(tmp_path / number, listed)
    files = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*")}
    assert files == {path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*")}
    for name in files:
        one, two = (tmp_path / number / name for number in ("one", "two"))
        assert one.is_dir() or one.read_bytes() == two.read_bytes()
        assert one.is_relative_to(tmp_path / "one" / "commands") or one.lstat().st_mtime == maker.MODIFIED


@pytest.mark.parametrize("line", ["no colon", "a: x\na: y", "a/b: x"])
def test_a_line_that_is_no_command_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="NAME: COMMAND"):
        _maker().commands(line)


@pytest.mark.parametrize(
    ("engine", "only"),
    [
        ("native", "sort-*"),
        ("native", "gcc-[pr]*"),
        ("native", "git-co*"),
        ("native", "p*-f*"),
        ("ptrace", "sqlite-b*"),
        ("ptrace", "bash-*"),
    ],
)
def test_commands_do_as_natively(bench: Bench, engine: str, only: str) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"this host has no {missing[0]}")
    output = bench.folder / "out.json"
    done = bench.run("run", "debian-commands", f"--engine={engine}", f"--only={only}", f"--json={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    (column,) = json.loads(output.read_text())
    assert column["counts"]["passed"] >= 2
    assert column["counts"]["passed"] == sum(column["counts"].values())


def test_names_of_the_standard_pass_as_guests(bench: Bench) -> None:
    """Those that every Debian has, on the host's own files; libraries by a program made for any."""
    if shutil.which("cc") is None:
        pytest.importorskip("ziglang")
    output = bench.folder / "out.json"
    done = bench.run("run", "lsb", "--only=lib[cm]*", f"--json={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    (column,) = json.loads(output.read_text())
    assert column["counts"]["passed"] >= 10


def test_a_root_is_what_guests_see(bench: Bench) -> None:
    root = bench.folder / "root"
    for name in ("tmp", "proc", "dev"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    if busybox is None or b"/ld-linux-x86-64" in Path(busybox).read_bytes():
        pytest.skip("this host has no static busybox")
    shutil.copy(busybox, root / "busybox")
    (root / "marker").write_text("of the root\n")
    text = """
    personality = "linux"
    [[case]]
    name = "sees"
    argv = ["{guise}", "/busybox", "grep", "-q", "of the root", "/marker"]
    """
    column = bench.results(text, f"--root={root}")
    assert column["by_name"]["sees"]["status"] == "passed", column
    (root / "marker").write_text("another\n")
    assert bench.results(text, f"--root={root}", "--fresh")["by_name"]["sees"]["status"] == "failed"


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--root=/nowhere",), "is no folder"), (("--root=/", "--as=host"), "--root is for guests")],
)
def test_a_root_that_cannot_be_is_said(bench: Bench, words: tuple[str, ...], said: str) -> None:
    done = bench.run("run", "lsb", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
