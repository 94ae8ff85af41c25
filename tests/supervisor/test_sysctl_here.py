"""What a guest's process answers of sysctl by itself is what the supervisor would answer."""

from __future__ import annotations

import errno
import importlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import syscalls
from personality import build
from personality.bsd import generate, sysctl_value
from tests.guest_c import build_guest

from .test_sysctl import LENGTH, NAME, NEW, OLD, Memory

KERNELS = ("freebsd", "netbsd")
SYSCTL, BY_NAME = 202, 570
ROOM = 4096
WITH_BUFFER, WITH_LENGTH, BAD_NAME, BAD_BUFFER = 1, 2, 4, 8
BOTH = WITH_BUFFER | WITH_LENGTH
ALONE = """
import sys
from personality.supervisor import handlers
handlers.find = lambda kernel, number: None
from guise.cli import main
sys.exit(main(sys.argv[1:]))
"""
Request = tuple[int, bytes, bytes, int, int]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("sysctl")

    def built(kernel: str) -> Path:
        path = folder / kernel
        if not path.exists():
            build_guest(Path(__file__).with_name("guests") / "sysctl.c", path, kernel)
        return path

    return built


def numbers(*name: int) -> bytes:
    return struct.pack(f"<{len(name)}I", *(number & 0xFFFFFFFF for number in name))


def ask(path: Path, requests: list[Request], *, alone: bool, kernel: str) -> list[tuple[int, int, bytes]]:
    """Result (errno of the host's, negative), length and buffer; `alone`: the supervisor knows no call."""
    data = b"".join(
        struct.pack("<6I", call, len(name), len(new), room, with_, 0) + name + new
        for call, name, new, room, with_ in requests
    )
    start = ["-c", ALONE] if alone else ["-m", "guise"]
    command = [sys.executable, *start, "run", "--no-sandbox", "--as", kernel, str(path)]
    done = subprocess.run(command, input=data, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    size = 16 + ROOM
    assert len(done.stdout) == size * len(requests)
    answers = []
    for at in range(0, len(done.stdout), size):
        result, length = struct.unpack_from("<qQ", done.stdout, at)
        answers.append((-host_errno(kernel, -result), length, done.stdout[at + 16 : at + size]))
    return answers


def host_errno(kernel: str, number: int) -> int:
    if number == 0:
        return 0
    name = next(name for name, row in syscalls.load(kernel).errno.items() if row.number == number)
    return int(getattr(errno, name))


def supervised(kernel: str, request: Request) -> tuple[int, int, bytes]:
    """What Python answers, for the same request."""
    call, name, new, room, with_ = request
    module = importlib.import_module(f"personality.{kernel}.sysctl.calls")
    guest = Memory()
    guest.write(NAME, name)
    guest.write(NEW, new)
    guest.write(OLD, b"~" * ROOM)
    guest.write_u64(LENGTH, room)
    arguments = (
        8 if with_ & BAD_NAME else NAME,
        len(name) // 4 if call == SYSCTL else len(name),
        (8 if with_ & BAD_BUFFER else OLD) if with_ & WITH_BUFFER else 0,
        LENGTH if with_ & WITH_LENGTH else 0,
        NEW if new else 0,
        len(new),
        0,
        0,
    )
    try:
        result = (module.sysctl if call == SYSCTL else module.sysctlbyname)(guest, arguments)
    except OSError as error:
        result = -(error.errno or 0)
    return result, guest.read_u64(LENGTH), guest.read(OLD, ROOM)


def leaves(
    nodes: list[Any], above: tuple[int, ...] = (), words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[int, ...], str, Any]]:
    for node in nodes:
        name, spelled = (*above, node.number), (*words, node.name)
        if node.children:
            yield from leaves(node.children, name, spelled)
        else:
            yield name, ".".join(spelled), node


def roots(kernel: str) -> list[Any]:
    found: list[Any] = importlib.import_module(f"personality.{kernel}.sysctl.calls").roots()
    return found


def plain(node: Any) -> bool:
    return (
        node.handler is None
        and node.value is not None
        and node.write is None
        and not getattr(node, "partial", False)
        and (not callable(node.value) or node.value in sysctl_value.in_process)
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_built_tree_is_the_supervisors(kernel: str) -> None:
    folder = build.HERE.parent / "build" / "runtime" / "generated" / kernel
    for name, text in generate.files(kernel).items():
        if folder.exists():  # an installed wheel has no such folder
            assert (folder / name).read_text() == text, "python -m personality.build"


@pytest.mark.parametrize("kernel", KERNELS)
def test_plain_values_are_told_without_the_supervisor(program: Callable[[str], Path], kernel: str) -> None:
    found = [(name, spelled) for name, spelled, node in leaves(roots(kernel)) if plain(node)]
    assert len(found) > 100
    requests = [(SYSCTL, numbers(*name), b"", ROOM, BOTH) for name, _ in found]
    if kernel == "freebsd":
        requests += [(BY_NAME, spelled.encode(), b"", ROOM, BOTH) for _, spelled in found]
        requests += [(SYSCTL, numbers(0, 3), spelled.encode(), ROOM, BOTH) for _, spelled in found]
    answers = ask(program(kernel), requests, alone=True, kernel=kernel)
    for request, answer in zip(requests, answers, strict=True):
        assert answer == supervised(kernel, request), request


def test_a_start_of_go_needs_no_supervisor(program: Callable[[str], Path]) -> None:
    requests = [
        (SYSCTL, numbers(0, 3), b"kern.smp.maxcpus", 96, BOTH),
        (SYSCTL, numbers(0, 3), b"kern.conftxt", 96, BOTH),
        (SYSCTL, numbers(1, 33), b"", 8, BOTH),
        (SYSCTL, numbers(1, 32), b"", 8, BOTH),
        (SYSCTL, numbers(2, 12), b"", 4, BOTH),
    ]
    answers = ask(program("freebsd"), requests, alone=True, kernel="freebsd")
    assert [answer[0] for answer in answers] == [0, -errno.ENOENT, 0, 0, 0]
    top, strings = (struct.unpack_from("<Q", answer[2])[0] for answer in answers[2:4])
    assert 0 < top - strings < 1 << 21, "ps_strings lies on the stack"
    (answer,) = ask(program("netbsd"), [(SYSCTL, numbers(6, 16), b"", 4, BOTH)], alone=True, kernel="netbsd")
    assert struct.unpack_from("<i", answer[2])[0] == os.cpu_count()


def awkward(kernel: str) -> Iterator[Request]:
    """Requests whose answer is a rule's: sizes, missing pointers, names that are none."""
    machine, processors = numbers(6, 1), numbers(6, 3)
    for name in (machine, processors):
        for room in (0, 1, 3, 4, 5, 6, 7, ROOM):
            for with_ in (BOTH, WITH_BUFFER, WITH_LENGTH, 0, BOTH | BAD_BUFFER, BOTH | BAD_NAME):
                yield SYSCTL, name, b"", room, with_
        yield SYSCTL, name, b"\1\0\0\0", 8, BOTH
    for path in ((1,), (6,), (6, 9999), (6, 3, 1), (9999, 1), (1, 1, 1), (0x80000001, 1), (6, 3, *(0,) * 22)):
        yield SYSCTL, numbers(*path), b"", 64, BOTH
    if kernel != "freebsd":
        return
    words = (
        "hw.machine", "hw.ncpu", "hw", "hw.", "hw..", ".", "", ".hw", "hw.ncpu.", "hw.ncpu.x", "hw.nc",
        "hw.ncpux", "kern.proc.pathname", "kern.proc.pathname.1.2", "kern.proc.", "kern.nothing",
        "sysctl.name2oid", "x" * 1023, "x" * 1024, "x" * 1025, "hw.machine\0hw", "hw\0.machine", "\xff.\xfe",
        "compat", "compat.x", "a" * 40 + ".b" * 40,
    )  # fmt: skip
    for word in words:
        encoded = word.encode("latin-1")
        yield SYSCTL, numbers(0, 3), encoded, 96, BOTH
        yield SYSCTL, numbers(0, 3), encoded, 4, BOTH
        if not word.startswith("kern.proc.p"):  # the process that asks is another one here
            yield BY_NAME, encoded, b"", 64, BOTH
    for with_ in (WITH_BUFFER, WITH_LENGTH, 0, BOTH | BAD_BUFFER, BOTH | BAD_NAME):
        yield SYSCTL, numbers(0, 3), b"hw.ncpu", 96, with_
        yield BY_NAME, b"hw.ncpu", b"", 96, with_
    yield BY_NAME, b"hw.ncpu", b"\1\0\0\0", 64, BOTH


@pytest.mark.parametrize("kernel", KERNELS)
def test_rules_are_the_same_on_both_sides(program: Callable[[str], Path], kernel: str) -> None:
    requests = list(awkward(kernel))
    answers = ask(program(kernel), requests, alone=False, kernel=kernel)
    for request, answer in zip(requests, answers, strict=True):
        assert answer == supervised(kernel, request), request


def test_the_release_asked_for_is_told(program: Callable[[str], Path]) -> None:
    request = (SYSCTL, numbers(1, 24), b"", 4, BOTH)
    (answer,) = ask(program("freebsd"), [request], alone=True, kernel="freebsd-13.2")
    assert struct.unpack_from("<i", answer[2])[0] == 1302001
