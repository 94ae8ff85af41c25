"""Reports on programs, and the search for calls in machine code."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from loader import LoadError
from loader.callscan import Code, scan
from loader.inspect import inspect_program, release_name

from .builder import BASE, ET_DYN, FREEBSD_NOTE, Elf, data, interpreter, notes, text
from .conftest import Files

SYSCALL = b"\x0f\x05"
MOVE_EAX, MOVE_RAX, MOVE_STACK = b"\xb8", b"\x48\xc7\xc0", b"\x48\xc7\x04\x24"
LOAD_ARGUMENTS = bytes.fromhex("488b7c2408 8b742410 8b542418")  # mov 8(%rsp),%rdi; ...
LOAD_NUMBER = bytes.fromhex("488b442408")  # mov 8(%rsp),%rax


def number(value: int) -> bytes:
    return struct.pack("<I", value)


@dataclass(frozen=True)
class Row:
    name: str
    service: str
    reason: str = ""


TABLE = {
    1: Row("exit", "runtime"),
    4: Row("write", "same"),
    339: Row("fhstatfs", "missing", "no host equivalent"),
    362: Row("kqueue", "runtime"),
    11: Row("execv", "obsolete", "removed"),
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (MOVE_EAX + number(4) + SYSCALL, {4: 1}),
        (MOVE_RAX + number(362) + b"\x49\x89\xca" + SYSCALL, {362: 1}),
        (MOVE_EAX + number(477) + LOAD_ARGUMENTS + SYSCALL, {477: 1}),
        (b"\x31\xc0" + SYSCALL, {0: 1}),
        (b"\x33\xc0" + LOAD_ARGUMENTS + SYSCALL, {0: 1}),
        (b"\x6a\x14\x58" + SYSCALL, {20: 1}),
        (MOVE_EAX + number(1) + MOVE_EAX + number(2) + SYSCALL, {2: 1}),
        (MOVE_EAX + number(4) + SYSCALL + b"\x90" * 9 + MOVE_EAX + number(4) + SYSCALL, {4: 2}),
        (MOVE_EAX + number(0x4321) + SYSCALL, {}),
        (b"\xb8\x01\x02\x03\x04" + SYSCALL, {}),
        (MOVE_EAX + number(4) + b"\x90" * 100 + SYSCALL, {}),
        (SYSCALL, {}),
        (b"", {}),
    ],
)
def test_numbers_are_found_before_the_instruction(code: bytes, expected: dict[int, int]) -> None:
    found = scan([Code(BASE, code)])
    assert found.numbers == expected
    assert found.sites == code.count(SYSCALL)


def test_numbers_are_found_where_a_wrapper_is_called() -> None:
    """As in Go: the wrapper takes the number from the stack and calls another function first."""
    other_at, wrapper_at = 0x40, 0x80
    wrapper = (
        b"\x55\xe8" + struct.pack("<i", other_at - (wrapper_at + 6)) + LOAD_NUMBER + LOAD_ARGUMENTS + SYSCALL
    )
    callers = b""
    for value in (3, 541):
        callers += MOVE_STACK + number(value) + b"\x90\x90\xe8"
        callers += struct.pack("<i", wrapper_at - (0x100 + len(callers) + 4))
    image = b"\x90" * wrapper_at + wrapper
    image = image.ljust(0x100, b"\xcc") + callers
    found = scan([Code(0x400000, image)])
    assert found.numbers == {3: 1, 541: 1}
    assert (found.sites, found.unknown_sites) == (1, 0)


def test_a_report_on_a_program_with_raw_calls(files: Files) -> None:
    code = text(0x1000)
    code.content = b""
    elf = Elf([code, data(), notes(FREEBSD_NOTE)])
    image = bytearray(elf.build())
    at = 0x800
    for value in (4, 339, 11, 4000):
        image[at : at + 7] = MOVE_EAX + number(value) + SYSCALL
        at += 7
    report = inspect_program(files.fd(bytes(image)), "program", lambda kernel: {"freebsd": TABLE}[kernel])
    assert (report.verdict, report.problem, report.kernel) == ("guest", "", "freebsd")
    assert (report.release, report.release_name) == (1400097, "14.0")
    assert (report.linking, report.fixed, report.stripped) == ("static", True, True)
    assert [(s.address, s.size, s.permissions) for s in report.segments] == [
        (BASE, 0x1000, "r-x"),
        (BASE + 0x2000, 0x3000, "rw-"),
    ]
    assert [(c.number, c.name, c.supported) for c in report.calls] == [
        (4, "write", True),
        (11, "execv", True),  # refused at home as well
        (339, "fhstatfs", False),
        (4000, "call 4000", False),
    ]
    assert [c.reason for c in report.unsupported] == [
        "no host equivalent",
        "FreeBSD has no call of this number",
    ]
    assert (report.call_sites, report.unknown_sites) == (4, 0)


def test_without_tables_there_are_numbers(files: Files) -> None:
    image = bytearray(Elf().build())
    image[0x800:0x807] = MOVE_EAX + number(339) + SYSCALL
    nobody: dict[str, dict[int, Row]] = {}
    for report in (
        inspect_program(files.fd(bytes(image)), "program"),
        inspect_program(files.fd(bytes(image)), "program", nobody.__getitem__),
    ):
        assert [(c.name, c.supported) for c in report.calls] == [("call 339", True)]


def test_imported_names_are_calls(files: Files, tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    library, source, program = tmp_path / "libx.so", tmp_path / "x.c", tmp_path / "x"
    (tmp_path / "library.c").write_text("int _kqueue(void) { return 0; } int fhstatfs(void) { return 0; }\n")
    source.write_text(
        "int _kqueue(void), fhstatfs(void); int main(void) { return _kqueue() + fhstatfs(); }\n"
    )
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "library.c"], check=True)
    linker = "-Wl,--dynamic-linker=/libexec/ld-elf.so.1"
    subprocess.run([compiler, "-o", program, source, library, linker], check=True)
    image = bytearray(program.read_bytes())
    image[7] = 9
    # The host's compiler left the host's note.
    image = bytearray(bytes(image).replace(b"GNU\0\0\0\0\0\3\0\0\0\2", b"XXX\0\0\0\0\0\3\0\0\0\2"))
    report = inspect_program(files.fd(bytes(image)), "program", lambda _: TABLE)
    assert (report.kernel, report.interpreter) == ("freebsd", "/libexec/ld-elf.so.1")
    assert report.linking == "dynamic"
    assert not report.stripped
    assert report.needed
    assert {c.name for c in report.calls if c.imported} >= {"kqueue", "fhstatfs"}
    assert [c.name for c in report.unsupported] == ["fhstatfs"]


def test_the_hosts_own_programs_are_not_searched(files: Files) -> None:
    image = bytearray(Elf(os_abi=0).build())
    image[0x800:0x807] = MOVE_EAX + number(4) + SYSCALL
    report = inspect_program(files.fd(bytes(image)), "program", lambda _: TABLE)
    assert (report.verdict, report.calls) == ("host", ())


def test_scripts_and_foreign_programs_have_short_reports(files: Files) -> None:
    script = inspect_program(files.fd(b"#!/bin/sh -e\n"), "program")
    assert (script.verdict, script.interpreter, script.argument) == ("script", "/bin/sh", "-e")
    plan9 = inspect_program(files.fd(bytes.fromhex("00008a97") + bytes(36)), "program")
    assert (plan9.verdict, plan9.kernel) == ("refused", "plan9")
    assert "Plan 9" in plan9.problem


def test_why_a_program_is_refused_is_said(files: Files) -> None:
    report = inspect_program(files.fd(Elf([text(), text()]).build()), "program")
    assert (report.verdict, report.problem) == ("refused", "program: damaged: its segments overlap in memory")
    pie = Elf([text(address=0), interpreter(b"/usr/libexec/ld.elf_so")], type=ET_DYN, entry=0x800, os_abi=0)
    report = inspect_program(files.fd(pie.build()), "program")
    assert (report.verdict, report.fixed, report.linking) == ("refused", False, "dynamic")
    with pytest.raises(LoadError, match="empty"):
        inspect_program(files.fd(b""), "program")


@pytest.mark.parametrize(
    ("kernel", "release", "name"),
    [
        ("freebsd", 1400097, "14.0"),
        ("freebsd", 1402000, "14.2"),
        ("freebsd", 903000, "9.3"),
        ("netbsd", 700000000, "7.0"),
        ("netbsd", 1001000000, "10.1"),
        ("dragonfly", 600400, "6.4"),
        ("openbsd", 0, ""),
        ("other", 5, "5"),
    ],
)
def test_releases_have_names(kernel: str, release: int, name: str) -> None:
    assert release_name(kernel, release) == name
