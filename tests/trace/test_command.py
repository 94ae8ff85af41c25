"""The command around the trace: statuses, outputs that fail, pipes that close, engines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
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


def test_a_small_disk_that_fills_is_one_sentence(guest: Path, trace: Trace, tmp_path: Path) -> None:
    """What was written before is there, and the program has run to its end."""
    inner = " ".join(command("-o", "$0/trace.guise", guest, "threads", "2", "20000"))
    script = (
        f'mount -t tmpfs -o size=256k tmpfs "$0" && {inner}; status=$?; '
        'stat -c %s "$0/trace.guise"; exit $status'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, tmp_path],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"a file system of one's own cannot be mounted here: {done.stderr.strip()}")
    assert done.stderr == f"guise: {tmp_path}/trace.guise cannot be written: no space left on device\n"
    assert done.returncode == 1
    assert int(done.stdout.split()[-1]) > 100_000


@pytest.mark.parametrize(
    ("words", "closed", "status", "sentence"),
    [
        (("-o", "-"), ">&-", 1, "guise: standard output is closed: name a file for the trace with -o\n"),
        ((), "2>&-", 1, ""),
        (("-o", "FILE"), "2>&-", 5, ""),
        (("-o", "FILE"), "<&- >&- 2>&-", 5, ""),
    ],
)
def test_where_standard_descriptors_are_closed(
    words: tuple[str, ...], closed: str, status: int, sentence: str, guest: Path, tmp_path: Path
) -> None:
    """No file of ours stands in their place, and the program finds them closed."""
    file = tmp_path / "lines"
    line = " ".join(command(*(str(file) if word == "FILE" else word for word in words), guest))
    done = subprocess.run(
        ["sh", "-c", f"{line} {closed}"],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, sentence)
    if "FILE" in words:
        lines = file.read_text().splitlines()
        assert lines[-1].endswith("+++ exited with 5 +++")
        assert not [line for line in lines if line.startswith("guise:")]
        (said,) = (line for line in lines if "write(1" in line)
        assert ("EBADF" in said) == (">&- " in closed)


@pytest.mark.parametrize("wait", [0.05, 0.2, 0.6, 1.0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_time(number: int, wait: float, tmp_path: Path) -> None:
    """The trace and the program end by it, whatever they were at, without a word."""
    file = tmp_path / "trace.guise"
    script = "import time\nwhile True: time.sleep(0.001)"
    with subprocess.Popen(
        command("-o", str(file), sys.executable, "-S", "-c", script),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as started:  # fmt: skip
        time.sleep(wait)
        os.killpg(started.pid, number)
        _, errors = started.communicate(timeout=60)
        with pytest.raises(ProcessLookupError):  # nothing of it is left
            os.killpg(started.pid, 0)
    assert started.returncode in (-number, 1)
    assert "guise" not in errors.lower()
    if file.exists() and file.stat().st_size:
        shown = subprocess.run(
            [sys.executable, "-m", "guise", "trace", "show", file],
            env=environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr


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
