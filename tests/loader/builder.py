"""ELF files from parts, so that a test can damage exactly one field."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR = 1, 2, 3, 4, 6
PT_GNU_STACK = 0x6474E551
ET_EXEC, ET_DYN = 2, 3
R, W, X = 4, 2, 1
BASE = 0x200000
MAX_SIZE = 1 << 20  # contents further away are left out: the file is then truncated


@dataclass
class Segment:
    """One program header, and bytes to put at its offset (padded with 0x90 to file_size)."""

    type: int
    flags: int = R
    offset: int = 0
    address: int = 0
    file_size: int = 0
    memory_size: int | None = None
    alignment: int = 4096
    content: bytes = b""

    def pack(self, bits: int) -> bytes:
        memory = self.file_size if self.memory_size is None else self.memory_size
        if bits == 64:
            return struct.pack(
                "<IIQQQQQQ", self.type, self.flags, self.offset, self.address, self.address,
                self.file_size, memory, self.alignment,
            )  # fmt: skip
        return struct.pack(
            "<IIIIIIII", self.type, self.offset, self.address, self.address, self.file_size, memory,
            self.flags, self.alignment,
        )  # fmt: skip


def text(file_size: int = 0x1000, **changes: int) -> Segment:
    """The usual first segment: headers and code at BASE."""
    values = {"type": PT_LOAD, "flags": R | X, "address": BASE, "file_size": file_size, **changes}
    return Segment(**values)  # type: ignore[arg-type]


def data(file_size: int = 0x123, memory_size: int = 0x3000, **changes: int) -> Segment:
    """A writable segment with bss, after text()."""
    values = {
        "type": PT_LOAD, "flags": R | W, "offset": 0x1000, "address": BASE + 0x2000,
        "file_size": file_size, "memory_size": memory_size, **changes,
    }  # fmt: skip
    return Segment(**values)  # type: ignore[arg-type]


def note(owner: bytes, description: bytes, type_: int = 1) -> bytes:
    """One ELF note."""
    name = owner + b"\0"
    return (
        struct.pack("<III", len(name), len(description), type_)
        + name.ljust(-(-len(name) // 4) * 4, b"\0")
        + description.ljust(-(-len(description) // 4) * 4, b"\0")
    )


def notes(*parts: bytes, offset: int = 0x400) -> Segment:
    """A PT_NOTE segment of note()s."""
    content = b"".join(parts)
    return Segment(PT_NOTE, R, offset, BASE + offset, len(content), alignment=4, content=content)


def interpreter(path: bytes, offset: int = 0x300) -> Segment:
    """A PT_INTERP segment."""
    content = path + b"\0"
    return Segment(PT_INTERP, R, offset, BASE + offset, len(content), alignment=1, content=content)


FREEBSD_NOTE = note(b"FreeBSD", struct.pack("<I", 1400097))


@dataclass
class Elf:
    """An ELF file. `size` pads or cuts the result; None: as large as its parts."""

    segments: list[Segment] = field(default_factory=lambda: [text(), data()])
    os_abi: int = 9
    type: int = ET_EXEC
    machine: int = 62
    entry: int = BASE + 0x800
    bits: int = 64
    byte_order: int = 1
    ident_version: int = 1
    version: int = 1
    program_headers_offset: int | None = None
    entry_size: int | None = None
    count: int | None = None
    size: int | None = None

    def build(self) -> bytes:
        header_size, entry_size = (64, 56) if self.bits == 64 else (52, 32)
        at = header_size if self.program_headers_offset is None else self.program_headers_offset
        table = b"".join(segment.pack(self.bits) for segment in self.segments)
        ident = b"\x7fELF" + bytes(
            [2 if self.bits == 64 else 1, self.byte_order, self.ident_version, self.os_abi]
        )
        header = ident + bytes(8) + struct.pack(
            "<HHIQQQIHHHHHH" if self.bits == 64 else "<HHIIIIIHHHHHH",
            self.type, self.machine, self.version, self.entry, at, 0, 0, header_size,
            entry_size if self.entry_size is None else self.entry_size,
            len(self.segments) if self.count is None else self.count, 64, 0, 0,
        )  # fmt: skip
        ends = [s.offset + s.file_size for s in self.segments]
        end = max([at + len(table), *(end for end in ends if end <= MAX_SIZE)])
        image = bytearray(b"\x90" * end)
        for segment in self.segments:
            image[segment.offset : segment.offset + len(segment.content)] = segment.content
        image[at : at + len(table)] = table
        image[: len(header)] = header
        if self.size is not None:
            image = image[: self.size].ljust(self.size, b"\0")
        return bytes(image)


def memory_file(content: bytes) -> int:
    """Descriptor of an executable file that holds `content`."""
    fd = os.memfd_create("test", os.MFD_CLOEXEC)
    os.write(fd, content)
    return fd
