"""An ELF program as the few facts that a load plan is made of.

Everything comes from the two tables that header.py has read and checked, as a kernel's execve reads
them.  LIEF is not asked: importing it takes 0.85 s of processor time, for every program that is seen
for the first time, and that is each run of `go test -exec`.  tests/loader/test_lief.py holds that it
reads the same out of every program at hand.
"""

from __future__ import annotations

from .header import ET_DYN, Header, ProgramHeader
from .source import Source


class ElfImage:
    """A 64-bit program: what execve needs of it. `path` is for messages only."""

    __slots__ = (
        "entry", "file_size", "interpreter", "path", "program_headers_count", "program_headers_offset",
        "relocatable", "segments",
    )  # fmt: skip

    def __init__(
        self, path: str, file_size: int, relocatable: bool, entry: int, program_headers_offset: int,
        program_headers_count: int, interpreter: str, segments: tuple[ProgramHeader, ...],
    ) -> None:  # fmt: skip
        self.path = path
        self.file_size = file_size
        self.relocatable = relocatable
        self.entry = entry
        self.program_headers_offset = program_headers_offset
        self.program_headers_count = program_headers_count
        self.interpreter = interpreter
        self.segments = segments


def elf_image(source: Source, header: Header, interpreter: str) -> ElfImage:
    """`source`, whose header was read, as an ElfImage; plan.py judges what it says."""
    return ElfImage(
        source.path, source.size, header.type == ET_DYN, header.entry, header.program_headers_offset,
        len(header.program_headers), interpreter, header.program_headers,
    )  # fmt: skip
