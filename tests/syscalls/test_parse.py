"""Tables: what is read, and that every mistake is named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from syscalls import load, parse
from syscalls.model import Abi, TableError


def read(tmp_path: Path, text: str, kernel: str = "toy") -> Abi:
    (tmp_path / kernel).mkdir(exist_ok=True)
    (tmp_path / kernel / "all.tbl").write_text(text)
    return parse.read(kernel, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("    3 read() same\n", "toy/all.tbl:1: a row before the first section"),
        ("stuff\n    A 1\n", "toy/all.tbl:1: unknown section 'stuff'"),
        ("calls\n    read() same\n", "toy/all.tbl:2: a call's row begins with its number and its name"),
        ("calls\n    3 read()\n", "toy/all.tbl:2: '' is not a service"),
        ("calls\n    3 read() maybe\n", "toy/all.tbl:2: 'maybe' is not a service"),
        (
            "calls\n    3 a() runtime\n    3 b() runtime\n",
            "toy/all.tbl:3: number 3 is a already",
        ),
        ("calls\n    3 a() runtime\n    4 a() runtime\n", "toy/all.tbl:3: call a is number 3 already"),
        ("calls\n    3 a(x) same\n", "toy/all.tbl:2: 'x' is not `name: type`"),
        ("calls\n    3 a(x: in) same\n", "toy/all.tbl:2: 'in' needs a length or a type"),
        ("calls\n    3 a(x: out[n]) same\n", "toy/all.tbl:2: the length of x is 'n', which is no argument"),
        ("calls\n    3 a(x: int, x: int) same\n", "toy/all.tbl:2: two arguments have one name"),
        ("calls\n    3 a(x: int, ...) same\n", "toy/all.tbl:2: a `same` row lists all its arguments"),
        ("calls\n    3 a() missing\n", 'toy/all.tbl:2: missing needs a reason in "quotes"'),
        ('calls\n    3 a() obsolete ""\n', 'toy/all.tbl:2: obsolete needs a reason in "quotes"'),
        ("calls\n    3 a() supervisor=b\n", "toy/all.tbl:2: only `same` and `runtime` may name"),
        ("calls\n    3 a() runtime {colour}\n", "toy/all.tbl:2: unknown tag colour"),
        (
            "calls\n    3 a() runtime until\n    4 b() runtime when=1\n",
            "toy/all.tbl:3: unknown option 'when'",
        ),
        ("struct s size=4\n    a u64 @0\n", "toy/all.tbl:1: size=4, but its members end at 8"),
        ("struct s\n    a u64 @0\n    b u32 @4\n", "toy/all.tbl:3: b at 4 overlaps what ends at 8"),
        ("struct s\n    a what @0\n", "toy/all.tbl:2: unknown type 'what'"),
        ("struct s\n    a s @0\n", "toy/all.tbl:1: struct s contains itself"),
        ("struct s\n    a u8 @0\n    a u8 @1\n", "toy/all.tbl:3: a second member a"),
        ("struct s\n    a u8 @0\nstruct s\n    a u8 @0\n", "toy/all.tbl:3: struct s exists already"),
        ("flags f\n    A nine\n", "toy/all.tbl:2: 'nine' is not a number"),
        ("flags f\n    A 089\n", "toy/all.tbl:2: '089' is not a number"),
        ("flags f\n    A 1\n    A 2\n", "toy/all.tbl:3: a second A (toy/all.tbl:2)"),
        ("flags f\n    A 4 field=3\n", "toy/all.tbl:2: A has bits outside its field"),
        ("flags f\n    A -1\n", "toy/all.tbl:2: a flag cannot be negative"),
        ("flags f unknown=keep\n    A 1\n", "toy/all.tbl:1: unknown= is EINVAL or drop"),
        ("flags f\n    A 1\nenum f\n    B 1\n", "toy/all.tbl:3: flags f exists already (toy/all.tbl:1)"),
        ("flags f\n    A 1\nstruct f\n    b u8\n", "toy/all.tbl:3: f is also the flags of toy/all.tbl:1"),
        ("enum\n    A 1\n", "toy/all.tbl:1: `enum` needs a name"),
        ("errno\n    EPERM\n", "toy/all.tbl:2: the row is too short"),
        ("errno\n    EPERM 1\n    EPERM 2\n", "toy/all.tbl:3: a second EPERM (toy/all.tbl:2)"),
        ("signals\n    SIGHUP 1\n", "toy/all.tbl:2: the row is too short"),
        ("ioctls\n    GET 1 out u32\n", "toy/all.tbl:2: no service word"),
        ("types\n    clock what\n", "toy/all.tbl:2: unknown type 'what'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TableError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(message)


def test_no_tables(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="plan9/: no tables"):
        parse.read("plan9", tmp_path)


def test_a_row_says_everything(tmp_path: Path) -> None:
    abi = read(
        tmp_path,
        """
        # a comment
calls
    7  wait(pid: pid, status: out int, # why
            list: in item[count], count: uint, raw: inout[4]) -> pid
                        same=wait4(pid, status, 0, NULL_VALUE) {process,signal} since=13.0 until=14.0
    8  gone ... obsolete "for a # reason"
struct item size=16
    a u8
    b u64
flags open
    A 0755 drop
    B 1<<4|1<<3
types
    clockid s32
""".replace("        # a comment\n", "# a comment\n"),
    )
    call = abi.calls["wait"]
    assert call is abi.by_number[7]
    assert call.signature == (
        "wait(pid: pid, status: out int, list: in item[count], count: uint, raw: inout[4]) -> pid"
    )
    assert (call.service, call.host_call) == ("same", "wait4")
    assert call.host_arguments == ("pid", "status", "0", "NULL_VALUE")
    assert call.tags == {"process", "signal"}
    assert (call.since, call.until, call.where) == ("13.0", "14.0", "toy/all.tbl:4")
    assert abi.calls["gone"].reason == "for a # reason"
    assert [(f.name, f.offset) for f in abi.structs["item"].fields] == [("a", 0), ("b", 8)]
    assert [e.value for e in abi.sets["open"].entries] == [0o755, 0x18]
    assert abi.scalars["clockid"].size == 4
    assert abi.call_limit() == 9


def test_members_out_of_step_make_a_packed_struct(tmp_path: Path) -> None:
    abi = read(tmp_path, "struct s size=12\n    events u32 @0\n    data u64 @4\n")
    assert abi.structs["s"].packed
    assert abi.structs["s"].align == 1


def test_the_host_may_leave_the_service_out(tmp_path: Path) -> None:
    assert read(tmp_path, "calls\n    0 read(fd: fd)\n", "linux").calls["read"].service == "same"


def test_load_reads_once() -> None:
    assert load("freebsd") is load("freebsd")
    assert load("freebsd").calls["read"].number == 3
    with pytest.raises(TableError):
        load("plan9")


def test_a_row_may_share_the_handler_of_another(tmp_path: Path) -> None:
    abi = read(tmp_path, "calls\n    1 exit(code: int) runtime\n    2 __exit50(code: int) runtime=exit\n")
    assert [call.handler for call in abi.calls.values()] == ["exit", "exit"]
    calls = read(tmp_path, "calls\n    1 old(fd: fd, pad: int, n: off) runtime=new(fd, n, 0)\n").calls
    assert (calls["old"].handler, calls["old"].handler_arguments) == ("new", ("fd", "n", "0"))
    with pytest.raises(TableError, match="only `same` and `runtime`"):
        read(tmp_path, "calls\n    1 exit(code: int) supervisor=leave\n")


def test_a_kernel_may_have_a_family(tmp_path: Path) -> None:
    assert read(tmp_path, "kernel family=bsd\n").family == "bsd"
    assert read(tmp_path, "calls\n    1 exit(code: int) runtime\n").family == ""
    with pytest.raises(TableError, match="needs family=NAME"):
        read(tmp_path, "kernel\n")
