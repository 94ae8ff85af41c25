"""The ELF header and program headers, read with struct alone.

Brands and plans are made of them, on a path that must stay short, so it cannot wait for LIEF.  What
`inspect` shows LIEF has passed these checks too.  Limits follow the kernels that execute such files:
Linux allows program headers of 64 KiB (fs/binfmt_elf.c), FreeBSD wants them 8-byte aligned
(sys/kern/imgact_elf.c).
"""

from __future__ import annotations

import struct

from .errors import LoadError
from .source import Source

ELF_MAGIC = b"\x7fELF"
CLASS_32, CLASS_64 = 1, 2
LITTLE_ENDIAN, BIG_ENDIAN = 1, 2
ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
EM_386, EM_X86_64, EM_AARCH64 = 3, 62, 183
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PT_GNU_STACK = 0x6474E551
PF_X, PF_W, PF_R = 1, 2, 4

ELF64_HEADER_SIZE, ELF64_PROGRAM_HEADER_SIZE = 64, 56
MAX_PROGRAM_HEADERS = 65536  # bytes
MAX_INTERPRETER_PATH = 1024  # PATH_MAX of the BSDs; shorter than the host's
FIRST_READ = 4096

MACHINES = {
    2: "SPARC", 3: "i386", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "s390", 40: "ARM",
    43: "SPARC64", 50: "IA-64", 62: "x86-64", 183: "AArch64", 243: "RISC-V", 258: "LoongArch",
}  # fmt: skip

_HEADER = {CLASS_64: struct.Struct("<HHIQQQIHHHHHH"), CLASS_32: struct.Struct("<HHIIIIIHHHHHH")}
_PROGRAM_HEADER = {CLASS_64: struct.Struct("<IIQQQQQQ"), CLASS_32: struct.Struct("<IIIIIIII")}


class ProgramHeader:
    """One entry of the table. alignment 0 and 1 both mean none."""

    __slots__ = ("address", "alignment", "file_size", "flags", "memory_size", "offset", "type")

    def __init__(
        self, type_: int, flags: int, offset: int, address: int, file_size: int, memory_size: int,
        alignment: int,
    ) -> None:  # fmt: skip
        self.type = type_
        self.flags = flags
        self.offset = offset
        self.address = address
        self.file_size = file_size
        self.memory_size = memory_size
        self.alignment = alignment


class Header:
    """What an ELF file says about itself before anything in it is interpreted."""

    __slots__ = (
        "bits",
        "entry",
        "machine",
        "os_abi",
        "program_headers",
        "program_headers_entry_size",
        "program_headers_offset",
        "type",
    )

    def __init__(
        self, bits: int, os_abi: int, type_: int, machine: int, entry: int, offset: int, entry_size: int,
        program_headers: tuple[ProgramHeader, ...],
    ) -> None:  # fmt: skip
        self.bits = bits
        self.os_abi = os_abi
        self.type = type_
        self.machine = machine
        self.entry = entry
        self.program_headers_offset = offset
        self.program_headers_entry_size = entry_size
        self.program_headers = program_headers

    def of_type(self, type_: int) -> list[ProgramHeader]:
        """The program headers of one type, in file order."""
        return [p for p in self.program_headers if p.type == type_]


def machine_name(machine: int) -> str:
    """A CPU's name for messages."""
    return MACHINES.get(machine, f"machine type {machine}")


def read_header(source: Source, start: bytes) -> Header:
    """Parse `source`, whose first bytes (up to FIRST_READ of them) are `start`.

    Raises LoadError for anything that no kernel would execute, whatever its brand: an object file,
    another byte order, a CPU that is not this one, headers that are not inside the file.
    """
    path = source.path
    if len(start) < 20:
        raise LoadError(f"{path}: truncated: the file ends inside its ELF header")
    elf_class, byte_order, ident_version, os_abi = start[4], start[5], start[6], start[7]
    if elf_class not in _HEADER or ident_version != 1:
        raise LoadError(f"{path}: damaged: its ELF header is of an unknown class or version")
    if byte_order != LITTLE_ENDIAN:
        raise LoadError(f"{path}: built for a big-endian CPU, which this one is not")
    layout = _HEADER[elf_class]
    if len(start) < 16 + layout.size:
        raise LoadError(f"{path}: truncated: the file ends inside its ELF header")
    fields = layout.unpack_from(start, 16)
    type_, machine, version, entry, offset = fields[:5]
    entry_size, count = fields[8], fields[9]
    bits = 64 if elf_class == CLASS_64 else 32
    if machine not in (EM_X86_64, EM_386):
        raise LoadError(f"{path}: built for another CPU: {machine_name(machine)}; this one is x86-64")
    if version != 1:
        raise LoadError(f"{path}: damaged: unknown ELF version {version}")
    if type_ == ET_REL:
        raise LoadError(f"{path}: an object file, not a program: it has to be linked first")
    if type_ == ET_CORE:
        raise LoadError(f"{path}: a core dump, not a program")
    if type_ not in (ET_EXEC, ET_DYN):
        raise LoadError(f"{path}: damaged: ELF type {type_} is not that of a program")
    program_headers = _read_program_headers(source, start, elf_class, offset, entry_size, count)
    return Header(bits, os_abi, type_, machine, entry, offset, entry_size, program_headers)


def _read_program_headers(
    source: Source, start: bytes, elf_class: int, offset: int, entry_size: int, count: int
) -> tuple[ProgramHeader, ...]:
    path = source.path
    layout = _PROGRAM_HEADER[elf_class]
    if count == 0:
        raise LoadError(f"{path}: damaged: it has no program headers, so nothing says what to load")
    size = layout.size * count
    if entry_size != layout.size or size > MAX_PROGRAM_HEADERS:
        raise LoadError(f"{path}: damaged: a table of {count} program headers of {entry_size} bytes each")
    if offset % (8 if elf_class == CLASS_64 else 4):
        raise LoadError(f"{path}: damaged: its program headers are not aligned")
    if offset + size > source.size:
        raise LoadError(f"{path}: truncated: its program headers lie beyond the end of the file")
    table = start[offset : offset + size] if offset + size <= len(start) else source.read(offset, size)
    if len(table) != size:
        raise LoadError(f"{path}: truncated: its program headers lie beyond the end of the file")
    headers = []
    for fields in layout.iter_unpack(table):
        if elf_class == CLASS_64:
            type_, flags, at, address, _, file_size, memory_size, alignment = fields
        else:
            type_, at, address, _, file_size, memory_size, flags, alignment = fields
        headers.append(ProgramHeader(type_, flags, at, address, file_size, memory_size, alignment))
    return tuple(headers)


def read_interpreter(source: Source, header: Header) -> str:
    """The path in PT_INTERP, "" if there is none.

    Raises LoadError where FreeBSD's get_interp() refuses: more than one, outside the file, shorter
    than one character, longer than MAX_INTERPRETER_PATH or not terminated.
    """
    path = source.path
    found = header.of_type(PT_INTERP)
    if not found:
        return ""
    if len(found) > 1:
        raise LoadError(f"{path}: damaged: it names more than one interpreter")
    size = found[0].file_size
    if not 2 <= size <= MAX_INTERPRETER_PATH:
        raise LoadError(f"{path}: damaged: the path of its interpreter has {size} bytes")
    raw = source.read(found[0].offset, size)
    if len(raw) != size:
        raise LoadError(f"{path}: truncated: the path of its interpreter lies beyond the end of the file")
    if raw[-1] != 0 or raw[0] == 0:
        raise LoadError(f"{path}: damaged: the path of its interpreter is empty or does not end")
    return raw[: raw.index(0)].decode("utf-8", "surrogateescape")
