"""The command around the trace: statuses, outputs that fail, pipes that close, engines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.supervisor.real import environment
from tests.trace.conftest import Trace, command


@pytest.mark.parametrize("form", ["text", "json", "chrome"])
def test_a_closed_pipe_ends_quietly(form: str, guest: Path) -> None:
    line = f"{' '.join(command('--format', form, '-o', '-', guest, 'threads', '1', '20000'))} | head -n 1"
    done = subprocess.run(
        ["sh", "-c", line], env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout
    assert done.stderr == ""


def test_a_full_disk_is_one_sentence(guest: Path, trace: Trace) -> None:
    done = trace("-o", "/dev/full", guest)
    assert done.returncode == 1
    assert done.stderr == "guise: /dev/full cannot be written: no space left on device\n"
    assert done.stdout == "hello\n"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["-o", "/no/such/place", "x"], 1, "/no/such/place cannot be written: no such file or directory"),
        ([], 2, "say which program to trace"),
        (["show"], 2, "say which recording to show"),
        (["--format", "xml", "x"], 2, "there is no format xml"),
        (["-s", "many", "x"], 2, "-s takes how many bytes"),
        (["--unknown", "x"], 2, "--unknown is no option"),
        (["show", "/no/such/file"], 1, "/no/such/file cannot be read"),
        (["/no/such/program"], 127, "/no/such/program does not exist"),
    ],
)
def test_mistakes(words: list[str], status: int, sentence: str, trace: Trace) -> None:
    done = trace(*words)
    assert done.returncode == status
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("engine", ["native", "ptrace"])
def test_started_where_the_ends_of_children_are_ignored(engine: str, tmp_path: Path) -> None:
    # The status is the program's, which finds the signal ignored as it would without a trace.
    inner = "import os, signal; os._exit(7 if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN else 8)"
    outer = (
        "import os, signal as s, sys; s.signal(s.SIGCHLD, s.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    words = command("--engine", engine, "-o", str(tmp_path / "lines"), sys.executable, "-c", inner)
    done = subprocess.run(
        [sys.executable, "-c", outer, *words],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (7, "")


def test_engine_ptrace_records_the_same_calls(guest: Path, trace: Trace) -> None:
    def names(*options: str) -> list[str]:
        done = trace("-o", "-", *options, guest, "leave")
        return [line.partition("(")[0] for line in done.stdout.splitlines()]

    assert names("--engine", "ptrace") == names()


def test_a_kernel_may_be_named_where_guise_itself_is_out_of_sight(guest: Path, tmp_path: Path) -> None:
    shutil.copy(guest, tmp_path / "calls")
    done = subprocess.run(
        command("--as", "freebsd-13.2", "--root", tmp_path, "/calls"),
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (5, "hello\n")
    assert "+++ exited with 5 +++" in done.stderr
