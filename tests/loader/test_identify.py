"""What a file is, and whose it is: one test per rule."""

from __future__ import annotations

import struct

import pytest

from loader import LoadError
from loader.brand import notes_in
from loader.identify import ELF, MACH_O, PE, PLAN9, SCRIPT, identify

from .builder import BASE, FREEBSD_NOTE, Elf, Segment, data, interpreter, note, notes, text
from .conftest import Files


def kernel_of(files: Files, elf: Elf) -> tuple[str, int]:
    identity = identify(files.source(elf.build()))
    assert identity.kind == ELF
    return identity.kernel, identity.release


@pytest.mark.parametrize(
    ("os_abi", "kernel"),
    [(0, "linux"), (2, "netbsd"), (3, "linux"), (6, "solaris"), (9, "freebsd"), (12, "openbsd")],
)
def test_the_byte_in_the_header_names_the_kernel(files: Files, os_abi: int, kernel: str) -> None:
    assert kernel_of(files, Elf(os_abi=os_abi)) == (kernel, 0)


def test_an_unknown_byte_is_nobody_here(files: Files) -> None:
    assert kernel_of(files, Elf(os_abi=200)) == ("unknown system 200", 0)


@pytest.mark.parametrize(
    ("owner", "description", "expected"),
    [
        (b"FreeBSD", struct.pack("<I", 1400097), ("freebsd", 1400097)),
        (b"NetBSD", struct.pack("<I", 1000000000), ("netbsd", 1000000000)),
        (b"OpenBSD", struct.pack("<I", 0), ("openbsd", 0)),
        (b"DragonFly", struct.pack("<I", 600400), ("dragonfly", 600400)),
        (b"GNU", struct.pack("<IIII", 0, 3, 2, 0), ("linux", 0)),
        (b"GNU", struct.pack("<IIII", 3, 10, 3, 0), ("freebsd", 1003000)),
        (b"Android", struct.pack("<I", 30), ("linux", 0)),
    ],
)
def test_a_note_names_kernel_and_release(
    files: Files, owner: bytes, description: bytes, expected: tuple[str, int]
) -> None:
    elf = Elf([text(), data(), notes(note(owner, description))], os_abi=0)
    assert kernel_of(files, elf) == expected


def test_a_note_outranks_the_byte_and_the_interpreter(files: Files) -> None:
    parts = [text(), data(), interpreter(b"/usr/libexec/ld.elf_so"), notes(FREEBSD_NOTE)]
    assert kernel_of(files, Elf(parts, os_abi=2)) == ("freebsd", 1400097)


def test_the_byte_outranks_the_interpreter(files: Files) -> None:
    assert kernel_of(files, Elf([text(), data(), interpreter(b"/usr/libexec/ld.elf_so")]))[0] == "freebsd"


def test_a_note_may_come_after_others_and_in_a_later_segment(files: Files) -> None:
    build = note(b"GNU", b"x" * 20, 3)
    assert kernel_of(
        files,
        Elf([text(), data(), notes(build, offset=0x400), notes(build, FREEBSD_NOTE, offset=0x600)], os_abi=0),
    ) == ("freebsd", 1400097)


@pytest.mark.parametrize(
    "wrong",
    [
        note(b"FreeBSD", struct.pack("<I", 1400097), type_=2),
        note(b"FreeBSD", b"12345678"),
        note(b"FreeBS", struct.pack("<I", 1400097)),
        note(b"FreeBSD", struct.pack("<I", 1400097))[:-4],
        struct.pack("<III", 0xFFFFFFFF, 4, 1) + FREEBSD_NOTE,
        struct.pack("<III", 8, 0xFFFFFFF0, 1) + FREEBSD_NOTE,
    ],
)
def test_other_and_damaged_notes_name_nothing(files: Files, wrong: bytes) -> None:
    assert kernel_of(files, Elf([text(), data(), notes(wrong)], os_abi=0))[0] == "linux"


def test_a_note_beyond_the_file_names_nothing(files: Files) -> None:
    far = Segment(4, offset=1 << 40, file_size=0x100)
    assert kernel_of(files, Elf([text(), data(), far], os_abi=0))[0] == "linux"


def test_endless_notes_end() -> None:
    assert len(notes_in(bytes(1 << 16))) == 100


@pytest.mark.parametrize(
    ("path", "kernel"),
    [
        (b"/libexec/ld-elf.so.1", "freebsd"),
        (b"/usr/libexec/ld.elf_so", "netbsd"),
        (b"/usr/libexec/ld.so", "openbsd"),
        (b"/usr/libexec/ld-elf.so.2", "dragonfly"),
        (b"/lib/amd64/ld.so.1", "solaris"),
        (b"/lib64/ld-linux-x86-64.so.2", "linux"),
        (b"/home/me/own-linker", "linux"),
    ],
)
def test_the_interpreter_names_the_kernel(files: Files, path: bytes, kernel: str) -> None:
    identity = identify(files.source(Elf([text(), data(), interpreter(path)], os_abi=0).build()))
    assert (identity.kernel, identity.interpreter) == (kernel, path.decode())


def test_go_build_information_decides_where_nothing_else_does(files: Files) -> None:
    information = b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x06go1.27path\tx\nbuild\tGOOS=dragonfly\n"
    segment = data(0x123)
    segment.content = information
    go_note = notes(note(b"Go", b"an identifier", 4))
    assert kernel_of(files, Elf([text(), segment, go_note], os_abi=0))[0] == "dragonfly"
    assert kernel_of(files, Elf([text(), segment], os_abi=0))[0] == "linux"
    assert kernel_of(files, Elf([text(), data(), go_note], os_abi=0))[0] == "linux"


def test_32_bit_programs_have_brands_too(files: Files) -> None:
    identity = identify(files.source(Elf([text()], bits=32, machine=3).build()))
    assert (identity.kernel, identity.bits, identity.machine) == ("freebsd", 32, "i386")


@pytest.mark.parametrize(
    ("elf", "words"),
    [
        (Elf(machine=183), "another CPU: AArch64"),
        (Elf(machine=999), "machine type 999"),
        (Elf(byte_order=2), "big-endian"),
        (Elf(byte_order=7), "big-endian"),
        (Elf(ident_version=2), "unknown class or version"),
        (Elf(version=0), "unknown ELF version"),
        (Elf(type=1), "object file"),
        (Elf(type=4), "core dump"),
        (Elf(type=0xFE00), "type 65024"),
        (Elf(count=0), "no program headers"),
        (Elf(count=65535), "65535 program headers"),
        (Elf(entry_size=0), "of 0 bytes"),
        (Elf(entry_size=32), "of 32 bytes"),
        (Elf(program_headers_offset=65), "not aligned"),
        (Elf(size=100), "beyond the end"),
        (Elf(size=64), "beyond the end"),
        (Elf(size=63), "ends inside its ELF header"),
        (Elf(size=4), "ends inside its ELF header"),
        (Elf([text(), interpreter(b"/a"), interpreter(b"/b")]), "more than one interpreter"),
        (Elf([text(), interpreter(b"")]), "has 1 bytes"),
        (Elf([text(), interpreter(b"/" + b"x" * 1024)]), "has 1026 bytes"),
        (Elf([text(), Segment(3, offset=0x300, file_size=8, content=b"/no/nul/")]), "does not end"),
        (Elf([text(), Segment(3, offset=0x300, file_size=8, content=bytes(8))]), "empty or does not end"),
        (Elf([text(), Segment(3, offset=1 << 60, file_size=8)], size=0x1000), "beyond the end"),
    ],
)
def test_what_no_kernel_would_execute_is_refused(files: Files, elf: Elf, words: str) -> None:
    with pytest.raises(LoadError, match=words) as caught:
        identify(files.source(elf.build()))
    assert (caught.value.errno_name, caught.value.status) == ("ENOEXEC", 126)
    assert caught.value.sentence.startswith("program: ")


def test_an_interpreter_path_ends_at_its_first_nul(files: Files) -> None:
    segment = Segment(3, offset=0x300, file_size=16, content=b"/lib/x\0junk".ljust(16, b"\0"))
    assert identify(files.source(Elf([text(), segment], os_abi=0).build())).interpreter == "/lib/x"


@pytest.mark.parametrize(
    ("content", "kind", "kernel", "machine"),
    [
        (bytes.fromhex("cffaedfe07000001") + bytes(24), MACH_O, "darwin", "x86-64"),
        (bytes.fromhex("feedfacf0100000c") + bytes(24), MACH_O, "darwin", "AArch64"),
        (bytes.fromhex("cafebabe00000002") + bytes(40), MACH_O, "darwin", "2 CPUs"),
        (bytes.fromhex("00008a97") + bytes(36), PLAN9, "plan9", "x86-64"),
        (bytes.fromhex("000001eb") + bytes(28), PLAN9, "plan9", "i386"),
        (b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0\x64\x86" + bytes(20), PE, "windows", "x86-64"),
    ],
)
def test_foreign_formats_are_recognised(
    files: Files, content: bytes, kind: str, kernel: str, machine: str
) -> None:
    identity = identify(files.source(content))
    assert (identity.kind, identity.kernel, identity.machine) == (kind, kernel, machine)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"echo hello\n", "text file without"),
        ("größe\n".encode(), "text file without"),
        (b"\0\1\2\3", "not a program in any known format"),
        (b"\x7fEL", "not a program in any known format"),
        (b"!<arch>\nlib.o/", "static library"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\0asm\1\0\0\0", "WebAssembly"),
        (bytes.fromhex("cafebabe00000041"), "Java class"),
        (b"MZ" + bytes(100), "DOS program"),
        (b"\0\0\x8a\x97", "not a program in any known format"),
    ],
)
def test_what_is_not_a_program_is_named(files: Files, content: bytes, words: str) -> None:
    with pytest.raises(LoadError, match=words) as caught:
        identify(files.source(content))
    assert caught.value.errno_name == "ENOEXEC"


def test_a_script_names_its_interpreter(files: Files) -> None:
    identity = identify(files.source(b"#!/bin/sh -e\necho\n"))
    assert (identity.kind, identity.interpreter, identity.argument) == (SCRIPT, "/bin/sh", "-e")
    assert identity.kernel == ""


def test_program_headers_may_lie_beyond_the_first_page(files: Files) -> None:
    elf = Elf([text(0x3000), data(offset=0x3000, address=BASE + 0x4000)], program_headers_offset=0x2000)
    header = identify(files.source(elf.build())).header
    assert header is not None
    assert [p.address for p in header.program_headers] == [BASE, BASE + 0x4000]
