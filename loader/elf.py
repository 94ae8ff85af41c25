"""An ELF program parsed by LIEF into the few facts that a load plan is made of.

Importing LIEF takes half a second, so only the cold path comes here.  LIEF is C++ and repairs what it
can of a damaged file, silently; a loader must not.  So header.py has checked every table first, LIEF is
shown a replica that holds the tables alone (no sections, dynamic section, symbols or code: fewer places
to go wrong, and nothing to read), and what it read has to agree with what the kernel would have read.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import LoadError
from .header import (
    ELF64_HEADER_SIZE,
    ELF64_PROGRAM_HEADER_SIZE,
    ET_DYN,
    PT_GNU_STACK,
    PT_LOAD,
    PT_PHDR,
    Header,
)
from .source import Source

if TYPE_CHECKING:
    import lief

PT_NULL = 0
# LIEF holds as much memory as the segments take of the file; a sparse file must not exhaust it.
MAX_FILE = 1 << 30
_NEEDED = (PT_LOAD, PT_PHDR, PT_GNU_STACK)
_SECTION_TABLE = (0x28, 8), (0x3C, 4)  # e_shoff; e_shnum and e_shstrndx


@dataclass(frozen=True, slots=True)
class ElfSegment:
    """One program header. alignment 0 and 1 both mean none."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int


@dataclass(frozen=True, slots=True)
class ElfImage:
    """A 64-bit program: what execve needs of it. `path` is for messages only."""

    path: str
    file_size: int
    relocatable: bool
    entry: int
    program_headers_offset: int
    program_headers_count: int
    interpreter: str
    segments: tuple[ElfSegment, ...]


def import_lief() -> ModuleType:
    """The parser, silent: its complaints about a file are ours to make. Raises LoadError without it."""
    try:
        import lief
    except ImportError as error:
        raise LoadError(f"the Python package lief cannot be used: {error}", "ENOPKG") from None
    lief.logging.disable()
    return lief


def parse_elf(source: Source, header: Header, interpreter: str) -> ElfImage:
    """`source` as an ElfImage. Raises LoadError if LIEF cannot parse it or reads it differently."""
    lief = import_lief()
    expected = tuple(
        ElfSegment(p.type, p.flags, p.offset, p.virtual_address, p.file_size, p.memory_size, p.alignment)
        for p in header.program_headers
        if p.type in _NEEDED
    )
    replica = _replica(source, header, _size_needed(source, header, expected))
    try:
        binary = lief.ELF.parse(f"/proc/self/fd/{replica}", _headers_only())
    finally:
        os.close(replica)
    if binary is None:
        raise LoadError(f"{source.path}: damaged: the ELF parser refuses it")
    # Asking LIEF for a type that it does not know warns, so only those left in the replica are looked at.
    seen = tuple(
        ElfSegment(
            program_header.type, int(segment.flags), segment.file_offset, segment.virtual_address,
            segment.physical_size, segment.virtual_size, segment.alignment,
        )
        for program_header, segment in zip(header.program_headers, binary.segments, strict=False)
        if program_header.type in _NEEDED
    )  # fmt: skip
    if seen != expected or binary.header.entrypoint != header.entry:
        raise LoadError(f"{source.path}: damaged: its segments can be read in more than one way")
    return ElfImage(
        path=source.path,
        file_size=source.size,
        relocatable=header.type == ET_DYN,
        entry=binary.header.entrypoint,
        program_headers_offset=header.program_headers_offset,
        program_headers_count=len(header.program_headers),
        interpreter=interpreter,
        segments=seen,
    )


def _size_needed(source: Source, header: Header, segments: tuple[ElfSegment, ...]) -> int:
    """Size of the replica: LIEF trims segments that reach beyond the end of what it is shown."""
    size = header.program_headers_offset + ELF64_PROGRAM_HEADER_SIZE * len(header.program_headers)
    for segment in segments:
        if not segment.file_size:
            continue
        end = segment.offset + segment.file_size
        if end > source.size:
            raise LoadError(f"{source.path}: truncated: a segment lies beyond the end of the file")
        size = max(size, end)
    if size > MAX_FILE:
        mebibytes = 1 << 20
        limit = MAX_FILE // mebibytes
        raise LoadError(f"{source.path}: its segments take {size // mebibytes} MiB; at most {limit} are read")
    return size


def _replica(source: Source, header: Header, size: int) -> int:
    """Descriptor of a file in memory with the header and the needed program headers, zero elsewhere."""
    start = bytearray(source.read(0, ELF64_HEADER_SIZE))
    for offset, width in _SECTION_TABLE:
        start[offset : offset + width] = bytes(width)
    table_size = ELF64_PROGRAM_HEADER_SIZE * len(header.program_headers)
    table = bytearray(source.read(header.program_headers_offset, table_size))
    for index, program_header in enumerate(header.program_headers):
        if program_header.type not in _NEEDED:
            struct.pack_into("<I", table, index * ELF64_PROGRAM_HEADER_SIZE, PT_NULL)
    fd = os.memfd_create("guise-headers", os.MFD_CLOEXEC)
    try:
        os.truncate(fd, size)
        os.pwrite(fd, table, header.program_headers_offset)
        os.pwrite(fd, start, 0)
    except OSError:
        os.close(fd)
        raise
    return fd


def _headers_only() -> lief.ELF.ParserConfig:
    """A configuration with everything else off."""
    configuration: lief.ELF.ParserConfig = import_lief().ELF.ParserConfig()
    configuration.parse_relocations = False
    configuration.parse_dyn_symbols = False
    configuration.parse_symtab_symbols = False
    configuration.parse_symbol_versions = False
    configuration.parse_notes = False
    configuration.parse_overlay = False
    return configuration
