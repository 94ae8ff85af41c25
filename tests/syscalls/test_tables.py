"""The project's own tables: free of contradictions, and equal to the kernels' own headers."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from syscalls import check, emit_calls, generate, load, parse
from syscalls.convert import Pair
from syscalls.guard import __main__ as guard
from syscalls.guard import call_numbers, sources
from syscalls.model import HOST

from .conftest import C_FLAGS

GUESTS = [name for name in parse.kernels() if name != HOST]


def test_nothing_to_complain_about() -> None:
    assert check.problems() == []


def test_check_finds_what_one_table_cannot_show(tmp_path: Path) -> None:
    host = (
        "calls\n    0 read(fd: fd) -> int\n    1 open(flags: f) -> fd\nerrno\n    EODD 7\nflags f\n    A 1\n"
    )
    guest = (
        "calls\n    1 absent() -> none same\n    2 read(fd: fd, n: int) -> int same\n"
        "    3 a(x: what) runtime\n"
        "    4 open(flags: int) -> fd same\nerrno\n    EPERM 1\nflags f\n    A 2 host=B\n"
        "constants c\n    A 3\nstruct s host=gone\n    x u8\n"
    )
    for kernel, text in ((HOST, host), ("toy", guest)):
        (tmp_path / kernel).mkdir()
        (tmp_path / kernel / "all.tbl").write_text(text)
    assert check.problems(tmp_path) == [
        "toy/all.tbl:4: a: x: unknown type 'what'",
        "toy/all.tbl:11: A is 3, but 2 at toy/all.tbl:9",
        "toy/all.tbl:2: absent: the host has no call absent",
        "toy/all.tbl:3: read: 2 arguments, but the host's read takes 1",
        "toy/all.tbl:5: open: flags: int here, f at the host",
        "linux/all.tbl:5: toy has no word for EODD (`from=` gives one)",
        "toy/all.tbl:9: the host has no B in f",
        "toy/all.tbl:12: the host has no struct gone",
    ]


@pytest.mark.parametrize("kernel", GUESTS)
def test_every_same_row_has_a_translator(kernel: str) -> None:
    assert list(emit_calls.problems(Pair(load(kernel), load(HOST)))) == []


@pytest.mark.parametrize("kernel", GUESTS)
def test_generated_c_compiles(kernel: str, compiler: str, tmp_path: Path) -> None:
    generate.write(tmp_path)
    flags = ["-ffreestanding", "-mgeneral-regs-only", "-fpie", "-O2", f"-I{tmp_path}"]
    source = tmp_path / f"calls_{kernel}.c"
    subprocess.run([compiler, *C_FLAGS, *flags, "-c", source, "-o", tmp_path / "out.o"], check=True)


def test_unchanged_files_are_left_alone(tmp_path: Path, tables: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in generate.write(tmp_path, tables, tables)}
    assert before == {path: path.stat().st_mtime_ns for path in generate.write(tmp_path, tables, tables)}


def test_personalities_are_the_guests_with_c(tables: Path, tmp_path: Path) -> None:
    for name in ("toy", "runtime"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.c").write_text("")
    text = generate.files(tables, tmp_path)["personalities.c"]
    assert "&toy_personality," in text
    assert "runtime_personality" not in text
    assert "toy_personality" not in generate.files(tables, tables)["personalities.c"]


def test_a_family_sees_a_kernel_under_the_familys_names(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "linux").symlink_to(tables / "linux")
    (tmp_path / "toy").mkdir()
    table = (
        "kernel family=kin\ncalls\n    1 work(s: in item) runtime\n    2 work50(s: in item) runtime=work\n"
        "    3 seek(fd: fd, pad: int, to: off) runtime=seek3(to, fd, LIMIT)\n"
        "struct item size=8\n    a u64\nconstants c\n    LIMIT 7\n"
    )
    (tmp_path / "toy" / "all.tbl").write_text(table)
    texts = generate.files(tmp_path, tmp_path)
    for line in ("toy_item", "toy_sys_work", "TOY_LIMIT", "TOY_SYS_work50"):
        shared = line.replace("toy", "kin").replace("TOY", "KIN")
        assert f"#define {shared} {line}\n" in texts["toy/abi_kin.h"]
    assert "toy_sys_work50" not in texts["calls_toy.c"]
    assert "    NULL,\n    toy_sys_work,\n    pass_seek,\n}" in texts["calls_toy.c"]
    assert "[2] = {1, 1, 0}, /* work50 */" in texts["calls_toy.c"]
    assert "{a[2], a[0], U(TOY_LIMIT)}" in texts["calls_toy.c"]
    assert "[3] = {2, 3, 0}, /* seek */" in texts["calls_toy.c"]
    (tmp_path / "toy" / "all.tbl").write_text(table.replace("LIMIT)", "BOUND)"))
    pair = Pair(parse.read("toy", tmp_path), parse.read(HOST, tmp_path))
    assert list(emit_calls.problems(pair)) == [
        ("toy/all.tbl:5", "seek: BOUND is no argument, number or constant")
    ]


def test_the_hosts_tables_against_its_headers(compiler: str) -> None:
    assert guard.failures(HOST, [compiler]) == []


def test_freebsd_tables_against_its_headers() -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("needs FreeBSD's headers: pip install ziglang")
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-freebsd.14.0-none"]
    assert guard.failures("freebsd", compiler) == []


def test_a_guard_notices_a_wrong_number(compiler: str, tmp_path: Path) -> None:
    (tmp_path / HOST).mkdir()
    for value, right in ((2, True), (3, False)):
        table = f"errno header=asm/errno.h\n    ENOENT {value}\n"
        (tmp_path / HOST / "all.tbl").write_text(table)
        (text,) = sources(parse.read(HOST, tmp_path)).values()
        path = tmp_path / "guard.c"
        path.write_text(text)
        done = subprocess.run([compiler, "-fsyntax-only", path], capture_output=True, check=False)
        assert (done.returncode == 0) is right


def test_call_numbers_of_a_header() -> None:
    assert call_numbers("#define SYS_read 3\n#define OTHER 4\n#define SYS_f(x) x\n", "SYS_") == {"read": 3}
