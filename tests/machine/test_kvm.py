"""Real machines on /dev/kvm: the guest kernels, live migration, checkpoints, and what goes wrong."""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machine.kvm import checkpoint, events, machine, stream
from sandbox.machine.kvm.experiment import live
from sandbox.machine.kvm.machine import Machine, NoKvm, Snapshot, why_not
from sandbox.machine.kvm.migrate import migrate
from sandbox.machine.kvm.runner import GuestStopped, Runner
from sandbox.machine.kvm.writer import CODE, CODE_BYTES, PROGRAM, BrokenGuest, Writer, check
from sandbox.machine.monitors.registry import compare
from sandbox.machine.x86.guests import GUESTS
from sandbox.migration import PAGE, Policy

ABSENT = why_not()
kvm = pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
SMALL = Writer(8 << 20, 20, 2000)
FAST = Policy(least=400e6, most=2e9, step=200e6, enough=256e3, rounds=6)


@pytest.fixture
def running() -> Iterator[Runner]:
    with Machine(SMALL.memory) as made:
        SMALL.start(made)
        with Runner(made) as runner:
            runner.resume()
            yield runner


def run_on(guest: Runner, beyond: int = 0) -> int:
    """Let the guest run until it has written more than `beyond` pages; it is stopped then.

    However busy this host is: only a guest that does not run at all fails.
    """
    for _ in range(1000):
        guest.pause()
        written = check(guest.machine)
        if written > beyond:
            return written
        guest.resume()
        time.sleep(0.02)
    raise AssertionError("the guest does not run")


@kvm
@pytest.mark.parametrize("name", GUESTS)
def test_guest_kernels_end_as_on_the_bare_machine(name: str) -> None:
    pytest.importorskip("unicorn", reason="needs Unicorn: pip install 'guise[machine]'")
    found = next(one for one in compare(GUESTS[name], ["kvm"]))
    if found.unable and "no hardware assist" in events.below():
        pytest.skip(f"{found.run.ended}: {events.below()}")
    assert found.same, found.differences


def test_the_writers_bytes_are_its_source() -> None:
    capstone = pytest.importorskip("capstone", reason="needs capstone: pip install 'guise[machine]'")
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    lines = list(engine.disasm(CODE_BYTES, CODE))
    assert len(lines) == len(PROGRAM)
    labels = {label: line.address for line, (label, _, _) in zip(lines, PROGRAM, strict=True) if label}
    for line, (_, data, text) in zip(lines, PROGRAM, strict=True):
        name, _, target = text.partition(" ")
        expected = f"{name} {labels[target]:#x}" if target in labels else text
        assert f"{line.mnemonic} {line.op_str}" == expected
        assert bytes(line.bytes).hex() == data


@kvm
def test_a_running_guest_moves_and_arrives_bit_identical() -> None:
    journey = live(SMALL, FAST, 1.0)
    assert journey.moved.identical
    assert journey.before <= journey.arrived < journey.after
    result = journey.moved.result
    assert result.converged
    assert len(result.rounds) < FAST.rounds
    assert result.last <= FAST.enough
    assert result.sent >= SMALL.memory  # every page at least once


@kvm
def test_a_guest_that_writes_faster_than_it_is_sent_is_stopped_and_moved_all_the_same() -> None:
    slow = Policy(least=80e6, most=80e6, step=0, enough=0, rounds=3)  # most of a second for one round
    journey = live(Writer(8 << 20, 1200, 1), slow, 0.0)
    assert journey.moved.identical
    assert not journey.moved.result.converged
    assert not journey.predicted.converged
    assert journey.moved.result.last > 0


@kvm
def test_the_model_predicts_what_was_sent() -> None:
    """Bytes do not depend on how busy this host is; times would."""
    journey = live(SMALL, FAST, 0.0)
    assert journey.moved.result.sent == pytest.approx(journey.predicted.sent, rel=0.1)
    assert journey.moved.result.last == pytest.approx(journey.predicted.last, abs=25 * PAGE)


@kvm
def test_a_guest_runs_on_when_the_other_side_dies(running: Runner) -> None:
    ours, theirs = socket.socketpair()

    def read_a_little() -> None:
        with theirs:
            stream.receive(theirs, 100_000)

    reader = threading.Thread(target=read_a_little)
    reader.start()
    with ours, pytest.raises(stream.BrokenStream, match="the other side"):
        migrate(running, ours, FAST)
    reader.join()
    running.pause()
    before = check(running.machine)
    assert run_on(running, before) > before


@kvm
def test_dirty_log_names_just_the_pages_written(running: Runner) -> None:
    running.pause()
    running.machine.track(True)
    running.machine.dirty_pages()
    run_on(running, check(running.machine) + SMALL.pages)  # once round
    first = (2 << 20) // PAGE
    written = {page for page in running.machine.dirty_pages() if page >= first}
    assert written == set(range(first, first + SMALL.pages))
    assert running.machine.dirty_pages() == []


@kvm
def test_checkpoint_and_back(tmp_path: Path, running: Runner) -> None:
    written = run_on(running)
    memory, state = bytes(running.machine.memory), running.machine.snapshot()
    checkpoint.save(running.machine, tmp_path / "guest")
    with checkpoint.load(tmp_path / "guest") as again:
        assert bytes(again.memory) == memory
        assert again.snapshot().registers == state.registers
        assert check(again) == written
        with Runner(again) as runner:
            assert run_on(runner, written) > written
    assert [path.name for path in tmp_path.iterdir()] == ["guest"]


@kvm
@pytest.mark.parametrize(
    ("name", "harm", "says"),
    [
        ("empty", lambda data: b"", "is no checkpoint"),
        ("other", lambda data: b"\x7fELF" + data[4:], "is no checkpoint"),
        ("short", lambda data: data[:-1], "ends 1 bytes too early"),
        (
            "header",
            lambda data: data[:8] + struct.pack("<Q", 12345) + data[16:],
            "its header says what cannot be",
        ),
        ("page", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "do not have the digest"),
        ("state", lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], "do not have the digest"),
    ],
)
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str, harm: object, says: str) -> None:
    path = tmp_path / name
    with Machine(SMALL.memory) as made:
        SMALL.start(made)
        checkpoint.save(made, path)
    assert callable(harm)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(checkpoint.BadCheckpoint, match=says):
        checkpoint.load(path)


@kvm
def test_a_checkpoint_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with Machine(SMALL.memory) as made:
        SMALL.start(made)
        with pytest.raises(checkpoint.BadCheckpoint, match="No space left"):
            checkpoint.save(made, tmp_path / "guest")
    assert not list(tmp_path.iterdir())


@kvm
@pytest.mark.parametrize("place", ["/dev/full", "/tmp"])
def test_what_is_no_file_is_not_replaced(place: str) -> None:
    with Machine(SMALL.memory) as made:
        SMALL.start(made)
        with pytest.raises(checkpoint.BadCheckpoint, match="no file that could be replaced"):
            checkpoint.save(made, Path(place))
    with pytest.raises(checkpoint.BadCheckpoint, match="is no file"):
        checkpoint.load(Path(place))


def test_a_guest_larger_than_memory_is_refused() -> None:
    with pytest.raises(NoKvm, match="there is no memory for a guest"):
        Machine(1 << 60)


@kvm
def test_a_guest_that_falls_over_is_noticed() -> None:
    with Machine(SMALL.memory) as made:
        SMALL.start(made)
        made.memory[CODE : CODE + 2] = b"\x0f\x0b"  # an invalid instruction, and no table to handle it
        runner = Runner(made)
        runner.resume()
        for _ in range(1000):
            if runner.failure is not None:
                break
            time.sleep(0.01)
        with pytest.raises(GuestStopped, match="KVM says"), runner:
            pass


@kvm
def test_a_lost_page_is_noticed(running: Runner) -> None:
    run_on(running)
    struct.pack_into("<Q", running.machine.memory, 3 << 20, 0)
    struct.pack_into("<Q", running.machine.memory, 2 << 20, 7777)
    with pytest.raises(BrokenGuest):
        check(running.machine)


def read_all(peer: socket.socket) -> None:
    with memoryview(bytearray(PAGE)) as memory:
        stream.read_header(peer)
        while stream.read_frame(peer, memory) is None:
            pass


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "is no guest"),
        (stream.HEADER.pack(stream.MAGIC, 4097), "which cannot be"),
        (stream.header(PAGE) + b"X\0\0\0\0", "means nothing"),
        (stream.header(PAGE) + stream.COUNT.pack(b"P", 9999), "at most 256 fit"),
        (stream.header(PAGE) + stream.COUNT.pack(b"S", 1 << 30), "cannot be"),
        (
            stream.header(PAGE) + stream.COUNT.pack(b"P", 1) + struct.pack("<I", 5) + bytes(PAGE),
            "lies outside",
        ),
        (stream.header(PAGE) + b"P", "went away after 1 of 5 bytes"),
    ],
)
def test_what_arrives_is_checked(data: bytes, says: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(stream.BrokenStream, match=says):
            read_all(ours)


def test_a_state_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a processor's state is 936 bytes, and this is 3"):
        Snapshot.unpack(b"abc")


def test_without_the_device_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "DEVICE", str(tmp_path / "kvm"))
    with pytest.raises(NoKvm, match=r"there is no .*kvm: the processor's virtualization is absent"):
        Machine(PAGE)
    (tmp_path / "kvm").write_text("no device")
    assert "refuses to make a virtual machine" in str(why_not())


@kvm
def test_measured_events_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BATCHES", 3)
    found = {one.name: one.seconds for one in events.measure()}
    always = {
        "ioctl",
        "port write",
        "memory-mapped write",
        "memory-mapped read",
        "entry refused",
        "first touch",
    }
    assert always <= set(found) <= always | {"cpuid", "hypercall"}
    assert found["port write"] > found["entry refused"]  # it does that, and runs the guest besides
