"""What is behind arguments, beside calls and beneath them: buffers, names, host calls, stacks, use."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.trace.conftest import Event, Trace

ROOT = Path(__file__).parents[2]
SCATTER = """
import fcntl, os, socket, sys, termios
r, w = os.pipe()
os.writev(w, [b"abc", b"defghi"])
buffers = [bytearray(4), bytearray(100)]
os.readv(r, buffers)
a, b = socket.socketpair()
socket.send_fds(a, [b"data"], [1])
socket.recv_fds(b, 100, 4)
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
c.send(b"hello")
try:
    fcntl.ioctl(r, termios.TIOCGWINSZ, b"12345678")
except OSError:
    pass
"""


def run_json(trace: Trace, tmp_path: Path, *words: str | Path, status: int = 0) -> list[Event]:
    file = tmp_path / "trace.json"
    done = trace("-o", file, *words)
    assert done.returncode == status, done.stderr
    return [json.loads(line) for line in file.read_text().splitlines()]


def calls(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event["event"] == "call" and event["call"] == name]


@pytest.fixture(scope="module")
def scattered(trace: Trace, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    folder = tmp_path_factory.mktemp("scattered")
    return run_json(trace, folder, sys.executable, "-c", SCATTER)


def texts(vectors: Any) -> list[str]:
    return [item["members"]["base"]["target"]["text"] for item in vectors["values"]]


def test_scattered_buffers(scattered: list[Event]) -> None:
    (written,), (read,) = calls(scattered, "writev"), calls(scattered, "readv")
    assert texts(written["arguments"]["vec"]["target"]) == ["abc", "defghi"]
    target = read["arguments"]["vec"]["target"]
    after = target["after"] if target["kind"] == "change" else target
    assert texts(after) == ["abcd", "efghi"]


def test_messages_and_the_descriptors_in_them(scattered: list[Event]) -> None:
    (sent,), (received,) = calls(scattered, "sendmsg"), calls(scattered, "recvmsg")
    members = sent["arguments"]["msg"]["target"]["members"]
    assert texts(members["iov"]["target"]) == ["data"]
    (rights,) = members["control"]["target"]["values"]
    assert rights["members"]["type"]["name"] == "SCM_RIGHTS"
    assert rights["members"]["data"]["values"][0]["value"] == 1
    target = received["arguments"]["msg"]["target"]
    after = (target["after"] if target["kind"] == "change" else target)["members"]
    assert after["control"]["target"]["values"][0]["members"]["type"]["name"] == "SCM_RIGHTS"


def test_names_of_descriptors(scattered: list[Event]) -> None:
    (sent,) = [e for e in calls(scattered, "sendto") if e["arguments"]["buff"]["target"]["text"] == "hello"]
    name = sent["arguments"]["fd"]["name"]
    assert name.startswith("TCP:[127.0.0.1:")
    assert "->127.0.0.1:" in name
    (pipe,) = calls(scattered, "pipe2")
    assert all(end["name"].startswith("pipe:[") for end in pipe["arguments"]["fildes"]["target"]["values"])
    opened = [e for e in calls(scattered, "openat") if "result" in e]
    assert opened
    for event in opened:
        assert event["result"]["name"].startswith("/")


def test_ioctls_by_name(scattered: list[Event]) -> None:
    requests = {e["arguments"]["cmd"]["name"]: e for e in calls(scattered, "ioctl")}
    assert requests["TIOCGWINSZ"]["error"]["name"] == "ENOTTY"


def test_host_calls_beside_the_guests(guest: Path, trace: Trace, tmp_path: Path) -> None:
    events = run_json(trace, tmp_path, "--host-calls", guest, status=5)
    opened = calls(events, "open")[0]
    assert [made["call"] for made in opened["host_calls"]] == ["openat"]
    assert opened["host_calls"][0]["error"]["name"] == "ENOENT"
    done = trace("--host-calls", "-e", "getpid", guest)
    line = next(line for line in done.stderr.splitlines() if "getpid" in line)
    assert line.count("getpid(") == 2
    assert " | getpid() = " in line


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of the host's without frame pointers, two functions deep."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("nested")
    (folder / "n.c").write_text(
        "#include <unistd.h>\n"
        "__attribute__((noinline)) int inner(void) { char b[99]; b[0] = 'x'; return write(1, b, 1) + 1; }\n"
        "__attribute__((noinline)) int outer(void) { return inner() + 1; }\n"
        "int main(void) { return outer() - 3; }\n"
    )
    subprocess.run(
        [compiler, "-O2", "-fomit-frame-pointer", "-o", folder / "n", folder / "n.c"], check=True, timeout=60
    )
    return folder / "n"


def test_stacks_by_unwind_tables(nested: Path, trace: Trace, tmp_path: Path) -> None:
    (event,) = calls(run_json(trace, tmp_path, "-k", "-e", "write", nested), "write")
    names = [caller.partition("(")[2].partition("+")[0] for caller in event["callers"]]
    assert names[1:4] == ["inner", "outer", "main"]


def test_stacks_survive_in_a_recording(nested: Path, trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "stacks.guise"
    assert trace("-k", "-o", file, nested).returncode == 0
    shown = trace("show", "--stacks", file).stdout
    assert any("main" in line and "outer" in line and ";write " in line for line in shown.splitlines())


def test_profile(guest: Path, trace: Trace, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    file = tmp_path / "profile.json"
    done = trace("--profile", "-o", file, guest, "threads", "2", "3000")
    assert done.returncode == 5
    profile = json.loads(file.read_text())
    jsonschema.validate(profile, json.loads((ROOT / "docs" / "profile.schema.json").read_text()))
    (seek,) = [call for call in profile["calls"] if call["call"] == "lseek"]
    assert (seek["count"], seek["errors"], seek["classes"]) == (6000, 6000, ["desc"])
    assert profile["threads"]["started"] == 3
    assert profile["status"] == 5
    assert 0 < profile["cpu"]["user_seconds"] + profile["cpu"]["system_seconds"] < 10
    assert profile["memory"]["peak_resident_bytes"] > 0


def test_profile_counts_bytes_and_programs(trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    source = tmp_path / "source"
    source.write_bytes(b"x" * 300_000)
    done = trace("--ro", tmp_path, "--profile", "-o", file, "sh", "-c", f"cat {source}; exit 3")
    assert done.returncode == 3
    profile = json.loads(file.read_text())
    assert profile["io"]["written_bytes"] >= 300_000 or any(
        call["call"] in ("copy_file_range", "splice") for call in profile["calls"]
    )
    assert profile["processes"] == 2
    assert profile["programs_executed"] == 2


def test_flight_recorder_keeps_the_last(guest: Path, trace: Trace) -> None:
    done = trace("--flight", "20", guest, "threads", "1", "30000")
    lines = done.stderr.splitlines()
    assert lines[0] == "--- the last 20 events (exit) ---"
    assert len(lines) <= 21
    # A thread that was still leaving when its process ended comes after it.
    assert any(line.endswith("+++ exited with 5 +++") for line in lines[-3:])


def test_flight_recorder_writes_when_a_process_crashes(trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "flight.txt"
    script = "sh -c 'echo last words > /dev/null; kill -SEGV $$'; sleep 0.3; exit 4"
    done = trace("--flight", "50", "-o", file, "sh", "-c", script)
    assert done.returncode == 4
    assert "+++ killed by SIGSEGV +++" in file.read_text()
    assert "+++ exited with 4 +++" in (tmp_path / "flight.txt.2").read_text()


def test_secrets(guest: Path, trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "secrets.guise"
    trace("--environment", "-o", file, guest)
    assert b"SECRET=1" in file.read_bytes()
    trace("--environment", "--redact", "-o", file, guest)
    assert b"SECRET=" in file.read_bytes()
    assert b"SECRET=1" not in file.read_bytes()
    assert b"hello" not in file.read_bytes()
    trace("--redact=hel+o|such", "-o", file, guest)
    assert b"hello" not in file.read_bytes()
    assert b"/no/****" in file.read_bytes()


def test_a_file_for_each_process(guest: Path, trace: Trace, tmp_path: Path) -> None:
    done = trace("--per-process", "-o", tmp_path / "trace", guest)
    assert done.returncode == 5
    files = sorted(tmp_path.glob("trace.*"))
    assert len(files) == 3
    assert sum("+++ exited" in file.read_text() for file in files) == 3


def test_summary_for_each_process(recording: Path, trace: Trace) -> None:
    shown = trace("show", "-c", "--per-process", recording).stdout
    assert shown.count("\nprocess ") == 4
    assert "p99 us" in shown


def test_speedscope(recording: Path, trace: Trace, tmp_path: Path) -> None:
    whole = json.loads(trace("show", "--speedscope", recording).stdout)
    frames = len(whole["shared"]["frames"])
    for profile in whole["profiles"]:
        assert profile["type"] == "sampled"
        assert len(profile["samples"]) == len(profile["weights"])
        assert profile["endValue"] == sum(profile["weights"])
        assert all(0 <= frame < frames for sample in profile["samples"] for frame in sample)
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm for speedscope's own schema")
    got = subprocess.run(
        [npm, "pack", "--silent", "speedscope@1"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    if got.returncode != 0:
        pytest.skip("speedscope's schema cannot be fetched with npm here")
    jsonschema = pytest.importorskip("jsonschema")
    subprocess.run(["tar", "xzf", got.stdout.strip()], cwd=tmp_path, check=True, timeout=60)
    (schema,) = tmp_path.glob("package/dist/release/file-format-schema.json")
    jsonschema.validate(whole, json.loads(schema.read_text()))


def test_every_event_matches_the_schema(
    scattered: list[Event], guest: Path, trace: Trace, tmp_path: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "trace.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    more = run_json(
        trace, tmp_path, "-k", "--host-calls", "--environment", "--inject", "write delay=1ms", guest, status=5
    )
    for event in [*scattered, *more]:
        validator.validate(event)


def test_perfetto_loads_the_timeline(recording: Path, trace: Trace, tmp_path: Path) -> None:
    """With a trace_processor_shell of the search path, or else with the one that the package downloads."""
    perfetto = pytest.importorskip("perfetto.trace_processor", reason="needs perfetto: pip install perfetto")
    file = tmp_path / "timeline.json"
    trace("show", "--chrome", "-o", file, recording)
    try:
        config = perfetto.TraceProcessorConfig(bin_path=shutil.which("trace_processor_shell"))
        processor = perfetto.TraceProcessor(trace=str(file), config=config)
    except Exception as error:
        pytest.skip(f"Perfetto's trace processor is a program of its own that cannot be had here: {error}")
    rows = list(processor.query("select name from slice where name = 'open'"))
    processor.close()
    assert len(rows) == 2


def test_signal_sets_and_codes_read_as_people_write_them(trace: Trace) -> None:
    script = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGUSR1})
signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGHUP})
signal.signal(signal.SIGUSR1, lambda *what: None)
signal.signal(signal.SIGSEGV, lambda *what: None)
os.kill(os.getpid(), signal.SIGUSR1)
"""
    lines = trace("-e", "%signal", sys.executable, "-c", script).stderr
    assert "(SIG_BLOCK, ~[SIGUSR1, SIGRT32, SIGRT33], " in lines
    assert "(SIG_SETMASK, [SIGHUP], " in lines
    assert re.search(r"--- SIGUSR1 \{si_code=SI_USER, si_pid=\d+\} ---", lines)
    assert re.search(r"rt_sigaction\(SIGSEGV, \{handler=0x[0-9a-f]{6,}, ", lines)


def test_descriptors_in_sets_are_what_they_are_now(trace: Trace) -> None:
    """Also where another number stood for something else before, and calls that make them are not shown."""
    script = """
import os, select, socket
os.listdir("/")
r, w = os.pipe()
os.write(w, b"x")
select.select([r], [w], [], 1)
select.poll().register(r)
p = select.poll(); p.register(r); p.poll(0)
s = socket.create_server(("127.0.0.1", 0))
c = socket.socket(); c.setblocking(False)
c.connect_ex(s.getsockname())
s.accept()
c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
"""
    wanted = "getdents64,select,pselect6,poll,getsockopt"
    lines = trace("-e", wanted, sys.executable, "-S", "-c", script).stderr
    assert re.search(r'getdents64\(3</>, \[.*\{type=DT_DIR, name="[^"]+", \.\.\.\}', lines)
    assert re.search(r"select6?\(5, \[3<pipe:\[(\d+)\]>\], \[4<pipe:\[\1\]>\], NULL, ", lines)
    assert re.search(r"poll\(\[\{fd=3<pipe:\[\d+\]>, events=", lines)
    assert re.search(
        r"getsockopt\(\d+<TCP:\[127\.0\.0\.1:\d+->127\.0\.0\.1:\d+\]>, SOL_SOCKET, SO_ERROR, 0, 4", lines
    )


def test_the_child_of_a_vfork_has_what_its_parent_has(trace: Trace) -> None:
    """It runs in its parent's memory, so that nothing looks its descriptors up again."""
    script = """
import os
r, w = os.pipe()
os.set_inheritable(w, True)
os.write(w, b"x")
pid = os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, w, 7)])
os.waitpid(pid, 0)
"""
    lines = trace("-e", "write,dup2,dup3", sys.executable, "-S", "-c", script).stderr
    assert re.search(r"\] dup2\(4<pipe:\[(\d+)\]>, 7\) = 7<pipe:\[\1\]>", lines)


def test_texts_that_calls_fill_end_where_they_end(trace: Trace, tmp_path: Path) -> None:
    """However long they are, unlike other buffers."""
    target = "x" * 60
    script = f"import os; os.symlink('{target}', 'l'); os.readlink('l'); os.getcwd()"
    start = ("sh", "-c", 'cd "$0" && exec "$@"', tmp_path, sys.executable, "-S", "-c", script)
    lines = trace("-e", "readlink,getcwd", "--rw", tmp_path, *start).stderr
    assert f'readlink("l", "{target}", ' in lines
    assert f'getcwd("{tmp_path}", ' in lines
