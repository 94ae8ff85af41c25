"""What a file is, from its first bytes and its notes alone.

Everything that execve is given passes through here, so it reads a page or two and never imports the
parser.  Formats that no personality can run are still recognised: "a Mach-O program for macOS" helps,
"exec format error" does not.
"""

from __future__ import annotations

from .brand import Brand, brand_of
from .errors import LoadError
from .header import ELF_MAGIC, FIRST_READ, Header, machine_name, read_header, read_interpreter
from .result import HOST_KERNEL
from .script import parse_script
from .source import Source

ELF, SCRIPT, MACH_O, PLAN9, PE = "ELF", "script", "Mach-O", "Plan 9 a.out", "PE"

MACH_O_MAGICS = {
    b"\xcf\xfa\xed\xfe": ("little", 64), b"\xce\xfa\xed\xfe": ("little", 32),
    b"\xfe\xed\xfa\xcf": ("big", 64), b"\xfe\xed\xfa\xce": ("big", 32),
}  # fmt: skip
MACH_O_MACHINES = {7: "i386", 0x01000007: "x86-64", 12: "ARM", 0x0100000C: "AArch64", 18: "PowerPC"}
FAT_MAGIC = b"\xca\xfe\xba\xbe"  # also that of a Java class, whose next words start at 45
MAX_FAT_MACHINES = 20
# Plan 9 a.out(6): ((4*b + 0)*b + 7), with 0x8000 for the 64-bit ones, big endian.
PLAN9_MAGICS = {
    0x000001EB: "i386", 0x00008A97: "x86-64", 0x00000647: "ARM", 0x00008C47: "AArch64",
    0x00000197: "68020", 0x000002AB: "SPARC", 0x00000407: "MIPS", 0x0000048B: "PowerPC",
}  # fmt: skip
PE_MACHINES = {0x14C: "i386", 0x8664: "x86-64", 0xAA64: "AArch64", 0x1C0: "ARM"}

# (first bytes, what to call it)
NOT_PROGRAMS = (
    (b"!<arch>\n", "a static library or archive"),
    (b"!<thin>\n", "a static library or archive"),
    (b"\0asm", "a WebAssembly module"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x1f\x8b", "gzip data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"BZh", "bzip2 data"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x89PNG", "an image"),
    (b"%PDF", "a PDF document"),
)
TEXT_CONTROL = frozenset(b"\t\n\v\f\r\b\x1b")


class Identity:
    """What a file is. kind: ELF, SCRIPT, MACH_O, PLAN9 or PE; the rest where the kind has it.

    kernel "" for a script: that is its interpreter's affair.
    """

    __slots__ = (
        "argument",
        "bits",
        "evidence",
        "header",
        "interpreter",
        "kernel",
        "kind",
        "machine",
        "release",
    )

    def __init__(
        self, kind: str, brand: Brand | None = None, machine: str = "", bits: int = 0, interpreter: str = "",
        argument: str | None = None, header: Header | None = None,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.kernel = brand.kernel if brand else ""
        self.release = brand.release if brand else 0
        self.evidence = brand.evidence if brand else ""
        self.machine = machine
        self.bits = bits
        self.interpreter = interpreter
        self.argument = argument
        self.header = header

    @property
    def is_host_program(self) -> bool:
        """An ELF program of the host's own kernel."""
        return self.kind == ELF and self.kernel == HOST_KERNEL


def identify(source: Source, rules: str = HOST_KERNEL) -> Identity:
    """What `source` is. rules: the kernel whose `#!` rules apply.

    Raises LoadError for what no kernel here could run: empty, text, damaged, not a program at all,
    or ELF for another CPU.  Programs in foreign formats are described, not refused.
    """
    path = source.path
    start = source.read(0, FIRST_READ)
    if not start:
        raise LoadError(f"{path}: the file is empty")
    if start[:4] == ELF_MAGIC:
        return _identify_elf(source, start)
    if start[:2] == b"#!":
        interpreter, argument = parse_script(path, start, rules)
        return Identity(SCRIPT, interpreter=interpreter, argument=argument)
    foreign = _identify_foreign(source, start)
    if foreign is not None:
        return foreign
    for magic, name in NOT_PROGRAMS:
        if start.startswith(magic):
            raise LoadError(f"{path}: {name}, not a program")
    if _is_text(start):
        raise LoadError(f"{path}: a text file without a #! line; a shell would have to be named to run it")
    raise LoadError(f"{path}: not a program in any known format")


def _identify_elf(source: Source, start: bytes) -> Identity:
    header = read_header(source, start)
    interpreter = read_interpreter(source, header)
    brand = brand_of(source, header, interpreter)
    return Identity(ELF, brand, machine_name(header.machine), header.bits, interpreter, header=header)


def _identify_foreign(source: Source, start: bytes) -> Identity | None:
    magic = start[:4]
    if magic in MACH_O_MAGICS and len(start) >= 8:
        order, bits = MACH_O_MAGICS[magic]
        cpu = int.from_bytes(start[4:8], "little" if order == "little" else "big")
        name = MACH_O_MACHINES.get(cpu, f"CPU type {cpu}")
        return Identity(MACH_O, Brand("darwin", 0, "Mach-O header"), name, bits)
    count = int.from_bytes(start[4:8], "big")
    if magic == FAT_MAGIC and len(start) >= 8 and 0 < count < MAX_FAT_MACHINES:
        return Identity(MACH_O, Brand("darwin", 0, "universal Mach-O header"), f"{count} CPUs")
    if magic == FAT_MAGIC:
        raise LoadError(f"{source.path}: a Java class, not a program")
    number = int.from_bytes(magic, "big")
    # The header is 32 bytes; a file that is shorter has the magic by chance.
    if number in PLAN9_MAGICS and len(start) >= 32:
        bits = 64 if number & 0x8000 else 32
        return Identity(PLAN9, Brand("plan9", 0, "Plan 9 a.out header"), PLAN9_MAGICS[number], bits)
    if start[:2] == b"MZ" and len(start) >= 64:
        at = int.from_bytes(start[60:64], "little")
        signature = source.read(at, 6)
        if signature[:4] == b"PE\0\0" and len(signature) == 6:
            machine = int.from_bytes(signature[4:6], "little")
            name = PE_MACHINES.get(machine, f"machine type {machine:#x}")
            bits = 32 if machine in (0x14C, 0x1C0) else 64
            return Identity(PE, Brand("windows", 0, "PE header"), name, bits)
        raise LoadError(f"{source.path}: a DOS program")
    return None


def _is_text(start: bytes) -> bool:
    """Whether a person could read it: UTF-8, or at least no control bytes that text does not have."""
    return not any((byte < 32 and byte not in TEXT_CONTROL) or byte == 127 for byte in start)
