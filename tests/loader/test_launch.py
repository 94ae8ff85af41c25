"""The answer to an execve: guest image, host program, script or a refusal."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loader import GuestImage, HostProgram, LoadError, PlanCache, Script, open_program, plan_for

from .builder import ET_DYN, Elf, data, interpreter, note, notes, text
from .conftest import Files

ROOT = Path(__file__).parents[2]


def test_a_guest_program_gets_a_plan(files: Files) -> None:
    parts = [text(), data(), interpreter(b"/libexec/ld-elf.so.1")]
    result = files.result(Elf(parts).build())
    assert isinstance(result, GuestImage)
    assert (result.personality, result.interpreter, result.release) == ("freebsd", "/libexec/ld-elf.so.1", 0)


@pytest.mark.parametrize("warm", [False, True])
def test_warm_and_cold_answers_are_the_same(files: Files, warm: bool) -> None:
    parts = [text(), data(), interpreter(b"/libexec/\xff.so"), notes(note(b"FreeBSD", b"\x21\x5d\x15\x00"))]
    content = Elf(parts).build()
    fd = files.fd(content)
    if warm:
        first = plan_for(fd, "program", cache=files.cache)
        assert isinstance(first, GuestImage)
        first.close()
    result = plan_for(fd, "program", cache=files.cache)
    assert isinstance(result, GuestImage)
    files.open.append(result.plan_fd)
    assert (result.personality, result.release) == ("freebsd", 1400097)
    assert os.fsencode(result.interpreter) == b"/libexec/\xff.so"


def test_the_hosts_own_programs_are_the_hosts(files: Files) -> None:
    assert isinstance(files.result(Elf(os_abi=0).build()), HostProgram)
    assert isinstance(files.result(Elf([text()], bits=32, machine=3, os_abi=0).build()), HostProgram)
    fd = open_program(sys.executable)
    files.open.append(fd)
    assert isinstance(plan_for(fd, sys.executable, cache=files.cache), HostProgram)


def test_a_script_names_its_interpreter(files: Files) -> None:
    result = files.result(b"#!/usr/bin/env sh\n")
    assert isinstance(result, Script)
    assert (result.interpreter, result.argument) == ("/usr/bin/env", "sh")
    without_end = b"#!/bin/sh"
    assert isinstance(files.result(without_end), Script)
    with pytest.raises(LoadError, match="does not end"):
        files.result(without_end, rules="freebsd")


def test_a_kernel_may_be_assumed(files: Files) -> None:
    content = Elf(os_abi=0).build()
    result = files.result(content, assume="freebsd")
    assert isinstance(result, GuestImage)
    assert result.personality == "freebsd"
    # What was assumed once does not stick.
    assert isinstance(files.result(content), HostProgram)


def test_an_interpreter_shares_the_programs_brand(files: Files) -> None:
    linker = Elf([text(address=0), interpreter(b"/ignored")], type=ET_DYN, entry=0x800, os_abi=0)
    result = files.result(linker.build(), interpreter_of="freebsd")
    assert isinstance(result, GuestImage)
    assert (result.personality, result.interpreter) == ("freebsd", "")
    with pytest.raises(LoadError, match="made for NetBSD"):
        files.result(Elf(os_abi=2).build(), interpreter_of="freebsd")
    with pytest.raises(LoadError, match="a script cannot be"):
        files.result(b"#!/bin/sh\n", interpreter_of="freebsd")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Elf(os_abi=2).build(), "a program for NetBSD; there is no such personality"),
        (Elf(os_abi=77).build(), "a program for unknown system 77"),
        (Elf([text()], bits=32, machine=3).build(), r"32-bit FreeBSD program \(i386\)"),
        (bytes.fromhex("00008a97") + bytes(36), r"Plan 9 a.out program for Plan 9 \(x86-64\)"),
        (bytes.fromhex("cffaedfe07000001") + bytes(24), r"Mach-O program for macOS \(x86-64\)"),
    ],
)
def test_what_nobody_here_can_play_is_refused(files: Files, content: bytes, words: str) -> None:
    with pytest.raises(LoadError, match=words) as caught:
        files.result(content)
    assert caught.value.errno == errno.ENOEXEC


def test_missing_files_are_127_and_the_rest_126(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for name, errno_name, status in [
        ("missing", "ENOENT", 127),
        ("loop", "ELOOP", 126),
        ("file/below", "ENOTDIR", 126),
        ("x" * 300, "ENAMETOOLONG", 126),
        ("with\0nul", "ENOENT", 127),
    ]:
        with pytest.raises(LoadError) as caught:
            open_program(str(tmp_path / name))
        assert (caught.value.errno_name, caught.value.status) == (errno_name, status)
        assert "\n" not in caught.value.sentence


def test_what_is_not_a_file_or_not_executable_is_eacces(tmp_path: Path, cache: PlanCache) -> None:
    plain, fifo = tmp_path / "plain", tmp_path / "fifo"
    plain.write_bytes(Elf().build())
    plain.chmod(0o644)
    os.mkfifo(fifo)
    for path in (plain, fifo, tmp_path, Path("/dev/null")):
        fd = open_program(str(path))
        try:
            with pytest.raises(LoadError) as caught:
                plan_for(fd, str(path), cache=cache)
        finally:
            os.close(fd)
        assert (caught.value.errno_name, caught.value.status) == ("EACCES", 126)


def test_a_bad_descriptor_is_an_error_of_the_same_kind() -> None:
    with pytest.raises(LoadError) as caught:
        plan_for(1 << 20, "program")
    assert caught.value.errno_name == "EBADF"


LIGHT = """
import sys
before = set(sys.modules)
from loader import PlanCache, open_program, plan_for
image = plan_for(open_program(sys.argv[1]), "program", cache=PlanCache(sys.argv[2]))
print(type(image).__name__, *sorted(set(sys.modules) - before))
"""


def test_the_warm_path_imports_next_to_nothing(tmp_path: Path, cache: PlanCache) -> None:
    program = tmp_path / "program"
    program.write_bytes(Elf().build())
    program.chmod(0o755)
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(ROOT)!r})\n{LIGHT}"]
    fd = open_program(str(program))
    image = plan_for(fd, "program", cache=cache)
    assert isinstance(image, GuestImage)
    image.close()
    os.close(fd)
    done = subprocess.run(
        [*command, str(program), cache.directory], check=True, capture_output=True, text=True
    )
    name, *modules = done.stdout.split()
    assert name == "GuestImage"
    ours = {"loader", *(f"loader.{m}" for m in ("cache", "errors", "launch", "layout", "result", "source"))}
    base = {"os", "os.path", "stat", "_stat", "posixpath", "genericpath", "_collections_abc", "abc", "_abc"}
    small = {"__future__", "_struct", "struct", "zlib", "errno", "time"}
    assert set(modules) - base <= ours | small
