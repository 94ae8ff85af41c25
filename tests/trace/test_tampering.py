"""`--inject`: every verb, on both engines, on a program of each kernel's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.supervisor.real import ENGINES
from tests.trace.conftest import Event, Trace

Tampered = Callable[..., "Result"]


@dataclass(frozen=True)
class Result:
    status: int
    output: str
    errors: str
    writes: list[Event]


@dataclass(frozen=True)
class Program:
    """One that writes "hello\\n" by one call; `count` is what that call's length is named."""

    words: tuple[str | Path, ...]
    count: str
    ends: int


@pytest.fixture(params=["freebsd", "netbsd", "linux"])
def program(request: pytest.FixtureRequest, copies: dict[str, Path]) -> Program:
    if request.param in copies:
        return Program((copies[request.param],), "nbyte", 5)
    return Program(("/usr/bin/printf", "hello\\n"), "count", 0)


@pytest.fixture(params=ENGINES)
def tampered(request: pytest.FixtureRequest, trace: Trace, program: Program, tmp_path: Path) -> Tampered:
    """Runs the program with these orders."""

    def run(*orders: str) -> Result:
        file = tmp_path / "trace.json"
        options = [word for order in orders for word in ("--inject", order)]
        done = trace("-o", file, "--engine", request.param, *options, *program.words)
        events: list[Any] = [json.loads(line) for line in file.read_text().splitlines()]
        writes = [e for e in events if e["event"] == "call" and e["call"] == "write"]
        return Result(done.returncode, done.stdout, done.stderr, writes)

    return run


def test_error(tampered: Tampered) -> None:
    done = tampered("write where fd = 1 error=ENOSPC")
    assert done.output == ""
    assert done.writes[0]["error"]["name"] == "ENOSPC"
    assert done.writes[0]["tampered"] == ["result"]


def test_value(tampered: Tampered, program: Program) -> None:
    done = tampered("write value=6")
    assert (done.status, done.output) == (program.ends, "")
    assert done.writes[0]["result"]["value"] == 6


def test_delay(tampered: Tampered, program: Program) -> None:
    done = tampered("write delay=150ms")
    assert (done.status, done.output) == (program.ends, "hello\n")
    assert done.writes[0]["duration"] >= 150_000_000
    assert done.writes[0]["tampered"] == ["delay"]


def test_signal(tampered: Tampered) -> None:
    assert tampered("write signal=SIGKILL").status == -9


def test_another_argument(tampered: Tampered, program: Program) -> None:
    done = tampered(f"write set={program.count}:3 when=1")
    assert done.output.startswith("hel")
    assert done.writes[0]["result"]["value"] == 3


def test_memory(tampered: Tampered, program: Program) -> None:
    done = tampered('write memory=buf:"HE\\x4cL" delay-after=1ms')
    assert (done.status, done.output) == (program.ends, "HELLo\n")
    assert sorted(done.writes[0]["tampered"]) == ["delay", "memory"]


def test_conditions_and_counting(trace: Trace, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.conf", "b.conf", "c.txt", "d.conf")]
    for file in files:
        file.write_text(file.name)
    order = r'openat where path ~ "\.conf$" error=EACCES when=2+'
    done = trace("--ro", tmp_path, "--inject", order, "-e", "exit", "cat", *files)
    assert done.stdout == "a.confc.txt"
    assert done.stderr.count("Permission denied") == 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("order", "written", "missing"),
    [
        (r'open where path ~ "\.conf$" error=EACCES when=2+', "ac", 2),
        (r'open where path ~ "\.conf$" and not flags & O_CREAT error=ENOENT when=1', "bcd", 1),
        ("open error=EMFILE when=1+2", "bd", 2),
        ("open error=EMFILE when=2..3", "ad", 2),
        ('read where fd > 2 memory=buf:"X" when=3', "abXd", 0),
        ("read where nbyte = 64 value=0", "", 0),
        ("write where nbyte = 1 and fd = 1 value=1 when=2", "acd", 0),
        ("open signal=SIGKILL when=3", "ab", 0),
        ("close delay=1ms delay-after=1ms when=2", "abcd", 0),
    ],
)
def test_conditions_and_counting_on_netbsd(
    engine: str, order: str, written: str, missing: int, copies: dict[str, Path], trace: Trace, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("a.conf", "b.conf", "c.txt", "d.conf")]
    for file in files:
        file.write_text(file.name[0])
    done = trace(
        "--engine", engine, "--ro", tmp_path, "-o", "/dev/null", "--inject", order, copies["netbsd"], *files
    )
    assert done.stdout == written
    assert done.stderr == "none\n" * missing
    assert done.returncode == (-9 if "KILL" in order else 5)


def test_what_a_call_fills_is_changed_after_it(trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("abcdef")
    order = f'read where fd > 2 and path == "{file}" memory=buf+1:"XY" when=1'
    done = trace("--ro", tmp_path, "-e", "exit", "--inject", order, "cat", file)
    assert done.stdout == "aXYdef"


def test_calls_are_counted_over_processes(trace: Trace) -> None:
    script = "for i in 1 2 3 4; do /bin/echo $i; done"
    done = trace("-e", "exit", "--inject", "write where fd = 1 error=EIO when=1+2", "sh", "-c", script)
    assert done.stdout == "2\n4\n"


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ("opne error=EIO", "there is no call opne: did you mean open?"),
        ("open error=EACESS", "has no error EACESS: did you mean EACCES?"),
        ("open", "say what is to happen"),
        ("open eror=EIO", "there is no action eror: did you mean error?"),
        ("exit error=EIO", "exit does not return"),
        ("open error=EIO value=0", "not both"),
        ("open where duration > 1ms error=EIO", "its result and duration are unknown"),
        (r"open where path ~ '\bx' error=EIO", "cannot be judged inside the program"),
        ("read when=0 error=EIO", "when=0: write 3"),
        ("read signal=SIGTREM", "has no signal SIGTREM: did you mean SIGTERM?"),
        ("write set=cuont:1", "has no argument cuont: did you mean count?"),
        ('read memory=fd:"x"', "is no address"),
    ],
)
def test_mistakes(order: str, sentence: str, trace: Trace) -> None:
    done = trace("--inject", order.replace("'", '"'), "true")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
