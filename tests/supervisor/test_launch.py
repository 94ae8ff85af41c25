"""The launch with a fake runtime: what it is handed, and that the launcher becomes the guest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from personality.supervisor import images, launch, wire

from .conftest import MARK

ROOT = Path(launch.__file__).parents[2]
GUEST_START = b"\x7fELF"

LAUNCHER = """
import os, sys
from personality.supervisor import images, launch, wire
def planner(descriptor, path, *, assume="", interpreter_of="", rules=""):
    plan = os.memfd_create("plan")
    os.write(plan, b"GUISEPLN")
    return images.Answer(wire.EXEC_GUEST, plan, "freebsd")
images.plan = planner
launch._YAMA = os.environ.get("TEST_YAMA", launch._YAMA)
options = launch.Options(verbose="-v" in sys.argv, kernel="freebsd", release=1401000, argv0="zero")
launch.start(sys.argv[1], sys.argv[2:], dict(os.environ), options)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program file, with the fake runtime in the runtime's place."""
    runtime = tmp_path / "runtime"
    body = (Path(__file__).parent / "fake_runtime.py").read_text()
    runtime.write_text(f"#!{sys.executable}\n{body}")
    runtime.chmod(0o755)
    monkeypatch.setenv("GUISE_RUNTIME", str(runtime))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    program = tmp_path / "program"
    program.write_bytes(GUEST_START)
    program.chmod(0o755)
    return program


def run(program: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", LAUNCHER, str(program), *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


def test_what_the_runtime_is_handed(fake: Path) -> None:
    done = run(fake, "one", "exit:0", env={**os.environ, "MINE": "yes"})
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    settings = report["settings"]
    base = int(settings["control"])
    assert report["arguments"] == ["one", "exit:0"]
    assert report["first"] == "GUISE"
    assert report["environment"]["MINE"] == "yes"
    assert int(settings["runtime"]) == base + 1
    assert base + launch.RESERVED <= min(1024, os.sysconf("SC_OPEN_MAX"))
    assert settings["engine"] == "native"
    assert settings["release"] == "1401000"
    assert settings["nopatch"] == "0"
    assert settings["exe"] == str(fake)
    assert (settings["interp"], settings["interp_plan"]) == ("-1", "-1")
    assert (report["plan"], report["image"]) == ("GUISEPLN", "\x7fELF")


def test_the_supervisor_is_named_where_yama_asks_for_it(fake: Path, tmp_path: Path) -> None:
    scope = tmp_path / "ptrace_scope"
    for text, named in (("1\n", True), ("0\n", False)):
        scope.write_text(text)
        done = run(fake, "exit:0", env={**os.environ, "TEST_YAMA": str(scope)})
        settings = json.loads(done.stdout)["settings"]
        assert ("supervisor" in settings) == named
        assert not named or int(settings["supervisor"]) > 1


@pytest.mark.parametrize("preparation", ["ignored", "blocked"])
def test_sigchld_may_be_ignored_or_blocked(fake: Path, preparation: str) -> None:
    def prepare() -> None:
        if preparation == "ignored":
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        else:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])

    done = run(fake, "exit:0", preexec_fn=prepare)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pending"] == []


def test_nothing_else_is_handed_down(fake: Path) -> None:
    report = json.loads(run(fake, "exit:0").stdout)
    settings = report["settings"]
    expected = {0, 1, 2, *(int(settings[name]) for name in ("control", "runtime", "plan", "image"))}
    listing = set(report["descriptors"]) - expected
    assert len(listing) <= 2, listing  # the script that the interpreter reads, and the listing itself
    assert report["children"] == []


def test_dispositions_are_as_they_were_before_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-m", "guise", "run", "grep", "SigIgn", "/proc/self/status"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.split()[1] == b"0" * 16


@pytest.mark.parametrize("status", [0, 1, 77, 126, 255])
def test_the_exit_status_is_the_guests(fake: Path, status: int) -> None:
    assert run(fake, f"exit:{status}").returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE, signal.SIGUSR1, 40])
def test_death_by_signal_is_the_guests(fake: Path, number: int) -> None:
    assert run(fake, f"kill:{int(number)}").returncode == -number


def test_the_launcher_becomes_the_guest(fake: Path) -> None:
    command = [sys.executable, "-c", LAUNCHER, str(fake), "exit:0"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0)
    output, _ = child.communicate(timeout=60)
    report = json.loads(output)
    assert report["pid"] == report["group"] == child.pid


def test_unserved_calls_are_told_when_asked_for(fake: Path) -> None:
    assert b"calls that are not served: getrlimit (2), foo (1)" in run(fake, "-v", "exit:0").stderr
    assert run(fake, "exit:0").stderr == b""


def supervisors() -> set[int]:
    """The supervisors of these tests that have not ended."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "guise-supervise":
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and MARK.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
        except OSError:
            continue  # it ended while it was looked at
    return found


def test_the_supervisor_ends_with_the_last_guest(fake: Path) -> None:
    before = supervisors()
    for ending in ("exit:0", "kill:9", "daemon"):
        run(fake, ending)
    deadline = time.monotonic() + 20
    while supervisors() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not supervisors() - before


def test_the_output_pipe_closes_with_the_guest(fake: Path) -> None:
    start = time.monotonic()
    run(fake, "daemon")
    assert time.monotonic() - start < 30


def test_descriptors_move_out_of_an_occupied_range(fake: Path) -> None:
    base = min(1024, os.sysconf("SC_OPEN_MAX")) - launch.RESERVED
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, base + 3)
    try:
        report = json.loads(run(fake, "exit:0", pass_fds=(base + 3,)).stdout)
    finally:
        os.close(null)
        os.close(base + 3)
    assert int(report["settings"]["control"]) == base + 3 - launch.RESERVED
    assert base + 3 in report["descriptors"]


def test_a_full_table_of_descriptors_is_one_sentence() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "_is_free", lambda number, probe: False)
        with pytest.raises(launch.LaunchError, match="ulimit -n") as caught:
            launch.reserved_base(0)
    assert caught.value.status == 126


def test_programs_are_found_as_a_shell_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool").write_text("x")
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "plain").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert launch.find_program("tool", f"/nonexistent:{tmp_path}") == str(tmp_path / "tool")
    assert launch.find_program("a/b", "") == "a/b"
    with pytest.raises(launch.LaunchError, match=r"say \./plain"):
        launch.find_program("plain", "/usr/bin")
    for name in ("", "no-such-program"):
        with pytest.raises(launch.LaunchError) as caught:
            launch.find_program(name, "/usr/bin")
        assert caught.value.status == 127


def test_files_that_cannot_be_programs(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    os.mkfifo(tmp_path / "fifo", 0o755)
    cases = {tmp_path: "directory", plain: "chmod", tmp_path / "fifo": "regular"}
    for path, word in cases.items():
        with pytest.raises(launch.LaunchError, match=word) as caught:
            launch.open_program(str(path))
        assert caught.value.status == 126
    for path in (tmp_path / "none", plain / "below"):
        with pytest.raises(launch.LaunchError, match="does not exist") as caught:
            launch.open_program(str(path))
        assert caught.value.status == 127


def script_planner(chain: dict[str, images.Answer]) -> images.Planner:
    def planner(descriptor: int, path: str, **_: str) -> images.Answer:
        return chain[os.path.basename(path)]

    return planner


def test_scripts_are_followed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o755)
    chain = {
        "a": images.Answer(wire.EXEC_SCRIPT, interpreter=str(tmp_path / "b"), argument="-x y"),
        "b": images.Answer(wire.EXEC_SCRIPT, interpreter=str(tmp_path / "c")),
        "c": images.Answer(wire.EXEC_HOST),
    }
    target = launch.resolve(str(tmp_path / "a"), ["name", "1"], script_planner(chain), launch.Options())
    os.close(target.descriptor)
    words = [str(tmp_path / "c"), str(tmp_path / "b"), "-x y", str(tmp_path / "a"), "1"]
    assert target.arguments == words


def test_scripts_that_go_round_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o755)
    chain = {"a": images.Answer(wire.EXEC_SCRIPT, interpreter=str(tmp_path / "a"))}
    with pytest.raises(launch.LaunchError, match="scripts") as caught:
        launch.resolve(str(tmp_path / "a"), ["a"], script_planner(chain), launch.Options())
    assert caught.value.status == 126


def test_a_missing_script_interpreter_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o755)
    chain = {"a": images.Answer(wire.EXEC_SCRIPT, interpreter="/no/such/shell")}
    with pytest.raises(launch.LaunchError, match="/no/such/shell") as caught:
        launch.resolve(str(tmp_path / "a"), ["a"], script_planner(chain), launch.Options())
    assert caught.value.status == 127
