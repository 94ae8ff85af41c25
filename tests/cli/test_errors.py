"""Whatever goes wrong is one sentence on stderr and a shell's exit status; never a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import Run


def only_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("guise: ")
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (("runn",), 2, "did you mean `guise run`"),
        (("frobnicate",), 2, "--help"),
        (("./program",), 2, "guise run ./program"),
        (("run",), 2, "which program"),
        (("run", "--"), 2, "which program"),
        (("run", "--frob", "x"), 2, "--frob"),
        (("run", "--engine"), 2, "--engine needs a value"),
        (("run", "--engine", "warp", "x"), 2, "native or ptrace"),
        (("run", "--env", "novalue", "x"), 2, "NAME=VALUE"),
        (("run", "--as", "minix", "x"), 2, "minix"),
        (("run", "--as", "freebsd-3.0", "x"), 2, "3.0"),
        (("run", "--clear-env=yes", "x"), 2, "--clear-env"),
        (("run", "/nonexistent/program"), 127, "does not exist"),
        (("run", "no-such-program-anywhere"), 127, "PATH"),
        (("run", ""), 127, "empty"),
        (("run", "/"), 126, "directory"),
        (("run", "/etc/passwd"), 126, "not executable"),
        (("run", "/dev/null"), 126, "regular"),
        (("run", "--cwd", "/nonexistent", "true"), 126, "--cwd"),
        (("inspect",), 2, "inspect --help"),
        (("inspect", "/nonexistent"), 127, "/nonexistent"),
        (("inspect", "/etc"), 126, "directory"),
        (("calls", "minix"), 2, "freebsd"),
        (("calls", "freebsd", "--json", "--markdown"), 2, "one of"),
        (("doctor", "extra"), 2, "doctor --help"),
        (("binfmt",), 2, "install"),
        (("binfmt", "explode"), 2, "install"),
        (("completion", "tcsh"), 2, "bash"),
    ],
)
def test_mistakes(run: Run, words: tuple[str, ...], status: int, part: str) -> None:
    done = run(*words)
    assert part in only_sentence(done)
    assert done.returncode == status


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", ""),
        (b"\x7fELF", ""),
        (b"\x7fELF\x01\x01\x01\x09" + bytes(100), ""),
        (b"\x7fELF\x02\x01\x01\x09" + bytes(56), ""),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01" + bytes(100), "macOS"),
        (b"#!/nonexistent/interpreter\n", "/nonexistent/interpreter"),
        (b"#!\n", ""),
        (os.urandom(4096), ""),
    ],
    ids=["empty", "short", "32 bits", "no type", "mach-o", "script", "empty script", "noise"],
)
def test_bad_programs(run: Run, tmp_path: Path, content: bytes, part: str) -> None:
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(0o755)
    done = run("run", str(program))
    assert done.returncode in (126, 127)
    assert part in only_sentence(done)


def test_a_script_that_is_its_own_interpreter(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "loop"
    program.write_text(f"#!{program}\n")
    program.chmod(0o755)
    done = run("run", str(program))
    assert done.returncode == 126
    assert "script" in only_sentence(done)


def test_ten_megabytes_of_arguments(guise_command: list[str], tmp_path: Path) -> None:
    listing = tmp_path / "words"
    listing.write_text("\n".join(["x" * 1000] * 10_000))
    text = (
        "import sys; from guise.cli import main;"
        f"sys.exit(main(['run', 'true', *open({str(listing)!r}).read().split()]))"
    )
    done = subprocess.run(
        [guise_command[0], "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 126
    assert "larger than this system allows" in only_sentence(done)


def test_a_name_that_is_no_text(guise_command: list[str]) -> None:
    done = subprocess.run(
        [*map(os.fsencode, guise_command), b"run", b"/no/\xff\xfe"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 127
    assert done.stderr.startswith(b"guise: /no/\xff\xfe")


def test_defects_are_one_sentence_too(guise_command: list[str]) -> None:
    text = "import sys, guise.cli as cli; cli._dispatch = lambda words: [][0]; sys.exit(cli.main(['run']))"
    done = subprocess.run(
        [guise_command[0], "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 125
    assert "report it" in only_sentence(done)
    environment = {**os.environ, "GUISE_DEBUG": "1"}
    again = subprocess.run(
        [guise_command[0], "-c", text],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    assert "Traceback" in again.stderr


def test_a_reader_that_leaves_is_no_error(guise_command: list[str]) -> None:
    command = f"{' '.join(guise_command)} calls freebsd --markdown | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout.startswith("# System calls")


@pytest.mark.parametrize("words", [("--version",), ("calls", "freebsd"), ("compare", "--systems")])
def test_a_full_disk_is_said(guise_command: list[str], words: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*guise_command, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    assert (done.returncode, done.stderr) == (
        1,
        "guise: the output cannot be written: no space left on device\n",
    )


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("--version >&-", 1, "guise: the output cannot be written: standard output is closed\n"),
        ("calls freebsd >&-", 1, "guise: the output cannot be written: standard output is closed\n"),
        ("run true >&-", 0, ""),
        ("run no-such-program-anywhere >&- 2>&-", 127, ""),
        ("calls minix 2>/dev/full", 2, ""),
    ],
)
def test_closed_streams(guise_command: list[str], words: str, status: int, told: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(guise_command)} {words}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (status, "", told)
