"""LIEF reads the same out of real programs as the loader, which does not ask it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loader import open_program
from loader.elf import elf_image
from loader.header import ELF_MAGIC, ET_DYN, PT_GNU_STACK, PT_LOAD, PT_PHDR, read_header, read_interpreter
from loader.source import Source

lief = pytest.importorskip("lief")
_PROGRAMS = 60


def check(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        source = Source(fd, str(path))
        header = read_header(source, source.read(0, 4096))
        image = elf_image(source, header, read_interpreter(source, header))
    finally:
        os.close(fd)
    binary = lief.ELF.parse(str(path))
    kinds = {
        lief.ELF.Segment.TYPE.LOAD: PT_LOAD,
        lief.ELF.Segment.TYPE.PHDR: PT_PHDR,
        lief.ELF.Segment.TYPE.GNU_STACK: PT_GNU_STACK,
    }
    theirs = [
        (
            kinds[s.type], int(s.flags), s.file_offset, s.virtual_address, s.physical_size, s.virtual_size,
            s.alignment,
        )
        for s in binary.segments
        if s.type in kinds
    ]  # fmt: skip
    ours = [
        (s.type, s.flags, s.offset, s.address, s.file_size, s.memory_size, s.alignment)
        for s in image.segments
        if s.type in kinds.values()
    ]
    assert ours == theirs
    assert image.entry == binary.header.entrypoint
    assert image.interpreter == (binary.interpreter if binary.has_interpreter else "")
    assert image.relocatable == (header.type == ET_DYN)
    assert image.program_headers_offset == binary.header.program_header_offset
    assert image.program_headers_count == binary.header.numberof_segments


def test_of_the_systems_programs() -> None:
    found = [Path(sys.executable).resolve()]
    for path in sorted(Path("/usr/bin").iterdir()):
        if path.is_file() and os.access(path, os.R_OK) and path.read_bytes()[:5] == ELF_MAGIC + b"\2":
            found.append(path.resolve())
        if len(found) == _PROGRAMS:
            break
    assert len(found) > _PROGRAMS // 2
    for path in found:
        check(path)


@pytest.mark.parametrize("system", ["freebsd", "netbsd", "linux"])
def test_of_go_programs(go_program: Callable[[str], Path], system: str) -> None:
    path = go_program(system)
    os.close(open_program(str(path)))
    check(path)
