"""`guise run` with programs that need no runtime: options, environment, directory, host programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import guise
from guise import run_command
from guise.cli import UsageError

from .conftest import Run

SHOW = "import json, os, sys; print(json.dumps([sys.argv, dict(os.environ), os.getcwd()]))"


def test_options_end_at_the_program() -> None:
    settings = run_command.parse(["--engine=ptrace", "-v", "prog", "--engine", "native", "-v"])
    assert (settings.engine, settings.verbose, settings.program) == ("ptrace", True, "prog")
    assert settings.words == ["--engine", "native", "-v"]
    settings = run_command.parse(["--no-patch", "--", "--odd-name", "x"])
    assert (settings.patch, settings.program, settings.words) == (False, "--odd-name", ["x"])
    assert run_command.parse(["-"]).program == "-"


def said(settings: object) -> dict[str, object]:
    values = {name: getattr(settings, name) for name in type(settings).__slots__}  # type: ignore[attr-defined]
    return {name: said(value) if hasattr(value, "__slots__") else value for name, value in values.items()}


def test_every_value_can_be_given_both_ways() -> None:
    values = {
        "--engine": "ptrace",
        "--env": "A=1",
        "--host-programs": "native",
        "--net": "none",
        "--zone": "z",
        "--bind": "/a:/b",
    }
    for option in run_command.WITH_VALUE:
        value = values.get(option, "v")
        apart, joined = run_command.parse([option, value, "p"]), run_command.parse([f"{option}={value}", "p"])
        assert said(apart) == said(joined)
        with pytest.raises(UsageError):
            run_command.parse([option])


def test_kernels_and_releases() -> None:
    assert run_command.parse_guest(None) == (None, 0)
    assert run_command.parse_guest("freebsd") == ("freebsd", 0)
    assert run_command.parse_guest("freebsd-14.1") == ("freebsd", 1401000)


def test_the_environment_and_the_directory(run: Run, tmp_path: Path) -> None:
    words = ("run", "--env", "A=1=2", "--env", "B=", "--unset-env", "HOME", "--cwd", str(tmp_path))
    done = run(*words, sys.executable, "-c", SHOW, "x y")
    arguments, environment, directory = json.loads(done.stdout)
    assert arguments == ["-c", "x y"]
    assert (environment["A"], environment["B"]) == ("1=2", "")
    assert "HOME" not in environment
    assert directory == str(tmp_path)


def test_a_clear_environment(run: Run) -> None:
    done = run("run", "--clear-env", "--env", "ONLY=1", "/usr/bin/env")
    assert done.stdout == "ONLY=1\n"


def test_argv0_and_standard_input(run: Run) -> None:
    done = run("run", "--argv0", "other", "sh", "-c", "echo $0; cat", input="text")
    assert done.stdout == "other\ntext"


@pytest.mark.parametrize("status", [0, 3, 255])
def test_exit_statuses_of_host_programs(run: Run, status: int) -> None:
    assert run("run", "sh", "-c", f"exit {status}").returncode == status


def test_death_by_signal_of_host_programs(run: Run) -> None:
    assert run("run", "sh", "-c", "kill -TERM $$").returncode == -15


def test_a_program_in_this_directory_needs_its_slash(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "tool").chmod(0o755)
    assert run("run", "./tool", cwd=tmp_path).stdout == "ran\n"
    refused = run("run", "tool", cwd=tmp_path)
    assert refused.returncode == 127
    assert "./tool" in refused.stderr


def test_the_python_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(guise.__file__).parents[1]))
    done = guise.run(
        "sh",
        ["-c", "echo $A; pwd; cat; exit 3"],
        env={"A": "b"},
        cwd=tmp_path,
        input=b"in",
        capture_output=True,
    )
    assert (done.stdout, done.returncode, done.signal) == (f"b\n{tmp_path}\nin".encode(), 3, None)
    killed = guise.run("sh", ["-c", "kill -9 $$"])
    assert (killed.returncode, killed.signal) == (-9, 9)
    with pytest.raises(guise.GuestFailed, match="SIGKILL"):
        guise.run("sh", ["-c", "kill -9 $$"], check=True)
    with pytest.raises(guise.GuestTimeout, match=r"0\.5 s"):
        guise.run("sleep", ["30"], timeout=0.5)
    missing = guise.run("/nonexistent", capture_output=True)
    assert missing.returncode == 127
    assert missing.stderr is not None
    assert missing.stderr.startswith(b"guise: ")


def test_importing_guise_is_light() -> None:
    heavy = ["argparse", "subprocess", "typing", "loader"]
    text = f"import sys, guise; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(guise.__file__).parents[1])},
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_starting_a_program_imports_no_heavy_module() -> None:
    """Each costs every run milliseconds; what pip writes for an entry point would import `re`."""
    script = Path(guise.__file__).parent / "scripts" / "guise"
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", script, "run", "true"],
        capture_output=True, text=True, check=True, cwd="/", timeout=60,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"argparse", "collections", "contextlib", "enum", "functools", "re", "signal", "socket", "typing"}
    assert "personality.supervisor.launch" in imported
    assert imported & heavy <= _imported_by_python_itself()


def _imported_by_python_itself() -> set[str]:
    """What `site` and an editable installation's finder import before any program of ours."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return set(done.stdout.split())
