"""Nothing is lost, whoever is slow or dies."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from guise.tracing import automata, live, programs, tampering
from personality.tracing import layout, records
from personality.tracing import recording as recordings
from personality.tracing.area import LARGE_RING, Chunk
from personality.tracing.ticks import Ticks
from syscalls import load
from tests.supervisor.real import environment
from tests.trace.conftest import Trace, command

ROOT = Path(__file__).parents[2]


def seeks(path: Path) -> dict[int, list[int]]:
    """Per thread number, the offsets of its lseek calls in the order of the recording."""
    number = load("freebsd").calls["lseek"].number
    found: dict[int, list[int]] = {}
    with path.open("rb") as file:
        for chunk in recordings.Reader(file, str(path)).chunks():
            for record in records.parse(chunk.data):
                if record.kind == layout.CALL and record.number == number:
                    found.setdefault(record.values[0] - 5000, []).append(record.values[1])
    return found


def test_nothing_is_lost_and_order_is_kept(guest: Path, trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "many.guise"
    done = trace("-o", path, guest, "threads", "8", "200000", timeout=250)
    assert (done.returncode, done.stderr) == (5, "")
    found = seeks(path)
    assert sorted(found) == list(range(8))
    assert all(offsets == list(range(200000)) for offsets in found.values())


def test_the_reader_rests_until_there_is_much_to_copy(guest: Path, trace: Trace, tmp_path: Path) -> None:
    """Each look takes a while's records or half a ring; one that finds little is followed by a rest."""
    path = tmp_path / "one.guise"
    trace("-o", path, guest, "threads", "1", "200000", timeout=250)
    sizes: dict[int, list[int]] = {}
    times: list[int] = []
    with path.open("rb") as file:
        for chunk in recordings.Reader(file, str(path)).chunks():
            sizes.setdefault(chunk.slot, []).append(len(chunk.data))
            times += [record.start for record in records.parse(chunk.data)]
    most = max(sizes.values(), key=sum)
    assert sum(most) > 8 * LARGE_RING
    looks = (max(times) - min(times)) / 5e6 + sum(most) / (LARGE_RING / 2)
    assert len(most) < looks + 4


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_ten_million_events_of_eight_threads(guest: Path, trace: Trace, tmp_path: Path) -> None:
    """Read without building objects: a count and the order of offsets and times per thread."""
    path = tmp_path / "many.guise"
    each = 1_250_000
    done = trace("-o", path, "--no-names", guest, "threads", "8", str(each), timeout=1000)
    assert (done.returncode, done.stderr) == (5, "")
    number = load("freebsd").calls["lseek"].number
    following = dict.fromkeys(range(8), 0)
    latest = dict.fromkeys(range(8), 0)
    with path.open("rb") as file:
        for chunk in recordings.Reader(file, str(path)).chunks():
            at = 0
            while at < len(chunk.data):
                fields = layout.RECORD.unpack_from(chunk.data, at)
                if fields[1] == layout.CALL and fields[5] == number:
                    descriptor, offset = struct.unpack_from("<2Q", chunk.data, at + layout.RECORD.size)
                    thread = descriptor - 5000
                    assert offset == following[thread]
                    assert fields[8] >= latest[thread]
                    following[thread] += 1
                    latest[thread] = fields[8] + fields[9]
                at += fields[0]
    assert following == dict.fromkeys(range(8), each)


def _kill_after(victim: int, seconds: float) -> None:
    time.sleep(seconds)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return


def _guises(folder: Path) -> list[int]:
    """Processes whose command line names this test's folder."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("moments", [4, pytest.param(60, marks=pytest.mark.long)])
@pytest.mark.parametrize("who", ["guest", "reader"])
def test_killed_at_any_moment(who: str, moments: int, guest: Path, trace: Trace, tmp_path: Path) -> None:
    """The recording is readable up to then, and nobody is left."""
    for moment in range(moments):
        path = tmp_path / f"{moment}.guise"
        process = subprocess.Popen(
            command("-o", path, guest, "threads", "4", "3000000"),
            env=environment(),
            stderr=subprocess.DEVNULL,
        )
        while not path.exists() or path.stat().st_size < 400:
            assert process.poll() is None
            time.sleep(0.01)
        child = _guest_below(process.pid)
        pidfd = os.pidfd_open(child)
        _kill_after(child if who == "guest" else process.pid, 0.02 + 0.5 * moment / moments)
        process.wait(60)
        assert select.select([pidfd], [], [], 60)[0]
        os.close(pidfd)
        for offsets in seeks(path).values():
            assert offsets == list(range(len(offsets)))
        path.unlink()
    deadline = time.monotonic() + 20
    while _guises(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _guises(tmp_path)


def test_lossy_counts_what_it_drops(guest: Path, trace: Trace, tmp_path: Path) -> None:
    """The text form is slow enough to fall behind."""
    path = tmp_path / "lossy.txt"
    done = trace("--lossy", "-e", "lseek", "-o", path, guest, "threads", "1", "100000")
    kept = path.read_text().count("lseek(")
    lost = re.search(r"(\d+) calls were not recorded", done.stderr)
    assert lost
    assert kept + int(lost[1]) >= 100000 > kept


def _started(path: Path, *words: str | Path, size: int = 300) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command("-o", path, *words), env=environment())
    for _ in range(600):
        if path.exists() and path.stat().st_size > size:
            return process
        time.sleep(0.05)
    process.kill()
    pytest.fail("nothing was recorded")


def _guest_below(process: int) -> int:
    """The guest of a `guise trace`: the last of a chain of processes that wait for each other."""
    while children := Path(f"/proc/{process}/task/{process}/children").read_text().split():
        process = int(children[-1])  # the first one of a sandbox serves it
    return process


def _sleeps(process: int) -> bool:
    return Path(f"/proc/{process}/syscall").read_text().startswith(("35 ", "230 "))  # (clock_)nanosleep


def test_a_killed_guest_leaves_its_last_call(guest: Path, trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "killed.guise"
    process = _started(path, guest, "sleep")
    child = _guest_below(process.pid)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _sleeps(child):
        time.sleep(0.01)  # its first records may come before it sleeps
    os.kill(child, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    done = trace("show", path)
    assert done.returncode == 0
    assert "nanosleep({sec=100, nsec=0}, NULL) = ? (never ended)" in done.stdout


def test_a_guest_that_kills_itself(guest: Path, trace: Trace) -> None:
    done = trace(guest, "die")
    assert done.returncode == -signal.SIGKILL
    assert "SIGKILL) = ? (never ended)" in done.stderr


def test_a_killed_reader_leaves_a_recording_and_a_running_guest(
    guest: Path, trace: Trace, tmp_path: Path
) -> None:
    path = tmp_path / "reader.guise"
    process = _started(path, guest, "threads", "2", "400000", size=1 << 20)
    child = os.pidfd_open(_guest_below(process.pid))
    process.kill()
    process.wait(30)
    assert select.select([child], [], [], 120)[0], "the guest waits for a reader that is no more"
    os.close(child)
    done = trace("show", "-c", path)
    assert done.returncode == 0
    assert "ends early" in done.stderr
    assert "lseek" in done.stdout
    for offsets in seeks(path).values():
        assert offsets == list(range(len(offsets)))


def test_a_truncated_recording_is_read_so_far(recording: Path, trace: Trace, tmp_path: Path) -> None:
    whole = recording.read_bytes()
    path = tmp_path / "short.guise"
    for size in (len(whole) - 1, len(whole) // 2, 300):
        path.write_bytes(whole[:size])
        done = trace("show", path)
        assert done.returncode == 0
        assert "ends early" in done.stderr
    path.write_bytes(b"something else")
    done = trace("show", path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_layout_is_the_runtimes() -> None:
    folder = ROOT / "personality" / "runtime"
    header = (folder / "trace.h").read_text() + (folder / "trace_records.h").read_text()
    numbers = dict(re.findall(r"#define (\w+) (0x[0-9a-f]+|\d+)U?L?\b", header, re.IGNORECASE))
    pairs = {
        "TRACE_MAGIC": layout.MAGIC, "TRACE_VERSION": layout.VERSION, "TRACE_KERNELS": layout.KERNELS,
        "TRACE_CALLS": layout.CALLS, "TRACE_RECORD": layout.LARGEST_RECORD, "RECORD_CALL": layout.CALL,
        "RECORD_SIGNAL": layout.SIGNAL, "RECORD_THREAD": layout.THREAD, "RECORD_END": layout.END,
        "RECORD_USAGE": layout.USAGE, "RECORD_DESCRIPTOR": layout.DESCRIPTOR, "RECORD_LOST": layout.LOST,
        "RECORD_MAPPING": layout.MAPPING, "STATE_NO_RETURN": layout.NO_RETURN,
        "CAPTURE_OUT": layout.CAPTURE_OUT, "CAPTURE_TRUNCATED": layout.CAPTURE_TRUNCATED,
        "CAPTURE_FAULT": layout.CAPTURE_FAULT, "CAPTURE_NESTED": layout.CAPTURE_NESTED,
        "CAPTURE_STACK": layout.CAPTURE_STACK, "CAPTURE_HOST": layout.CAPTURE_HOST,
        "CAPTURE_DESCRIPTOR": layout.CAPTURE_DESCRIPTOR, "SLOT_ENDED": layout.SLOT_ENDED,
        "FULL_DROP": layout.FULL_DROP, "FULL_OVERWRITE": layout.FULL_OVERWRITE,
        "TRACE_WITH_NAMES": layout.WITH_NAMES, "TRACE_WITH_STACKS": layout.WITH_STACKS,
        "TRACE_WITH_HOST_CALLS": layout.WITH_HOST_CALLS, "TRACE_WITH_ENVIRONMENT": layout.WITH_ENVIRONMENT,
        "TRACE_WITH_VALUES": layout.WITH_VALUES, "OP_THREAD": programs.THREAD, "OP_MEMBER": programs.MEMBER,
        "OP_DURATION": programs.DURATION, "OP_BYTES": programs.BYTES, "WIDTH_SIGNED": programs.SIGNED,
        "WIDTH_BIG_ENDIAN": programs.BIG_ENDIAN, "COMPARE_ALL_BITS": programs.ALL_BITS,
        "COMPARE_LESS_OR_EQUAL": programs.LESS_OR_EQUAL, "MEMBER_OF_RESULT": programs.MEMBER_OF_RESULT,
        "BYTES_OF_RESULT": programs.BYTES_OF_RESULT, "TRUTH_UNKNOWN": programs.UNKNOWN,
        "AUTOMATON_MATCHED": automata.MATCHED, "AUTOMATON_MATCHES": automata.MATCHES,
        "AUTOMATON_HOPELESS": automata.HOPELESS, "TAMPERED_RESULT": tampering.RESULT,
        "TAMPERED_DELAY": tampering.DELAY, "TAMPERED_SIGNAL": tampering.SIGNAL,
        "TAMPERED_ARGUMENT": tampering.ARGUMENT, "TAMPERED_MEMORY": tampering.MEMORY,
    }  # fmt: skip
    for name, value in pairs.items():
        assert int(numbers[name], 0) == value, name
    sizes = dict(re.findall(r"sizeof\(struct (\w+)\) == (\d+)", header))
    structs = {
        "trace_record": layout.RECORD, "trace_capture": layout.CAPTURE, "trace_op": layout.OP,
        "trace_rule": layout.RULE, "trace_automaton": layout.AUTOMATON, "trace_host_call": layout.HOST_CALL,
        "trace_descriptor": layout.DESCRIPTOR_HEAD,
    }  # fmt: skip
    for name, packed in structs.items():
        assert int(sizes[name]) == packed.size, name
    assert layout.SLOT.size == layout.SLOT_TAIL_OFFSET + 8
    assert layout.HEADER.size == layout.TICK_RATE_OFFSET + 8


def test_times_are_the_hosts(guest: Path, trace: Trace, tmp_path: Path) -> None:
    """Whatever they are read from: within those of the run, and rising in each thread."""
    path = tmp_path / "times.guise"
    before = time.monotonic_ns()
    assert trace("-o", path, guest, "threads", "4", "30000").returncode == 5
    after = time.monotonic_ns()
    latest: dict[int, int] = {}
    with path.open("rb") as file:
        for chunk in recordings.Reader(file, str(path)).chunks():
            for record in records.parse(chunk.data):
                if record.kind == layout.CALL:
                    assert latest.get(chunk.slot, before) <= record.start <= record.end <= after
                    latest[chunk.slot] = record.start


def test_the_pace_of_the_counter() -> None:
    """Two measurements of it agree, where it is used at all."""
    ticks = Ticks()
    found: list[int] = []
    deadline = time.monotonic() + 5
    while len(found) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
        found += [rate] if (rate := ticks.rate()) else []
    if not found:
        pytest.skip("this host does not trust the processor's counter")
    assert abs(found[0] - found[1]) < found[0] / 1000


def test_a_flight_keeps_who_was_last() -> None:
    """However much a thread leaves behind that had nothing to do with the end."""

    def left(slot: int, *starts: int) -> Chunk:
        return Chunk(slot, b"".join(_record(start) for start in starts))

    kept = live._keep([], [left(1, 5), left(2, *range(100)), left(3, 200)], 3)
    assert [item.chunk.slot for item in kept] == [2, 3]
    kept = live._keep(kept, [left(4, 300), left(5, 301), left(6, 302)], 3)
    assert [item.chunk.slot for item in kept] == [4, 5, 6]


def _record(start: int) -> bytes:
    return layout.RECORD.pack(layout.RECORD.size, layout.CALL, layout.DONE, 0, 0, 1, 0, 0, start, 0, 0, 0)
