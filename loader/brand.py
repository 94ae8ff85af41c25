"""Which kernel an ELF program was built for.

The Linux kernel would load a FreeBSD program as its own: same CPU, same format.  Its calls would
then mean something else, so nothing may be run before this module has spoken.  The order is that of
FreeBSD's own get_brandinfo(): a vendor's note outranks the EI_OSABI byte, which outranks the path of
the interpreter.  A static Go program for DragonFly or Linux carries none of the three (checked on
programs of go 1.27, as are the others: FreeBSD, NetBSD and OpenBSD programs have both note and byte);
there the build information that Go embeds decides.  What nothing claims belongs to the host.
"""

from __future__ import annotations

import struct

from .header import PF_W, PT_LOAD, PT_NOTE, Header
from .result import HOST_KERNEL
from .source import Source

OS_ABIS = {
    1: "hpux", 2: "netbsd", 3: "linux", 6: "solaris", 7: "aix", 8: "irix", 9: "freebsd", 10: "tru64",
    11: "modesto", 12: "openbsd", 13: "openvms", 14: "nonstop", 15: "aros", 16: "fenixos", 17: "cloudabi",
}  # fmt: skip

# PT_INTERP of each kernel's own linker.  Linux has many and is the default, so it needs no row.
INTERPRETERS = {
    "/libexec/ld-elf.so.1": "freebsd",
    "/usr/libexec/ld-elf.so.1": "freebsd",
    "/libexec/ld-elf32.so.1": "freebsd",
    "/usr/libexec/ld.elf_so": "netbsd",
    "/libexec/ld.elf_so": "netbsd",
    "/usr/libexec/ld.so": "openbsd",
    "/usr/libexec/ld-elf.so.2": "dragonfly",
    "/libexec/ld-elf.so.2": "dragonfly",
    "/lib/amd64/ld.so.1": "solaris",
    "/lib/64/ld.so.1": "solaris",
    "/usr/lib/amd64/ld.so.1": "solaris",
    "/usr/lib/64/ld.so.1": "solaris",
    "/usr/lib/ld.so.1": "solaris",
    "/lib/ld-x86-64.so.1": "hurd",
    "/lib/ld.so": "hurd",
    "/boot/system/runtime_loader": "haiku",
    "/usr/lib/Loader.so": "serenity",
}

# Kernels whose notes are {owner, type 1, 4 bytes}: the bytes are the release in its own notation
# (FreeBSD: __FreeBSD_version, 1400097 is 14.0; NetBSD: __NetBSD_Version__; OpenBSD always says 0).
NOTE_OWNERS = {b"FreeBSD": "freebsd", b"NetBSD": "netbsd", b"OpenBSD": "openbsd", b"DragonFly": "dragonfly"}
ABI_TAG = 1
# First word of a GNU ABI note (glibc's abi-tag): Debian built a GNU system on FreeBSD's kernel as well.
GNU_SYSTEMS = {0: "linux", 1: "hurd", 2: "solaris", 3: "freebsd", 4: "netbsd"}

# Sun's linker adds program headers of its own: PT_SUNWBSS, PT_SUNWSTACK, PT_SUNWDTRACE, PT_SUNWCAP.
SUN_PROGRAM_HEADERS = range(0x6FFFFFFA, 0x6FFFFFFE)
OPENBSD_PROGRAM_HEADERS = range(0x65A3DBE5, 0x65A3DBE9)  # PT_OPENBSD_MUTABLE ... PT_OPENBSD_NOBTCFI

MAX_NOTES_SIZE = 65536  # FreeBSD looks at 4096 bytes; a build identifier or two may come first
MAX_NOTES = 100
MAX_GO_BUILD_INFO = 65536
GO_MAGIC = b"\xff Go buildinf:"
GO_SETTING = b"build\tGOOS="

_NOTE = struct.Struct("<III")


class Brand:
    """kernel: its name as syscalls/ spells it; release: in its own notation, 0 if not said;
    evidence: what told, for people."""

    __slots__ = ("evidence", "kernel", "release")

    def __init__(self, kernel: str, release: int, evidence: str) -> None:
        self.kernel = kernel
        self.release = release
        self.evidence = evidence


def brand_of(source: Source, header: Header, interpreter: str) -> Brand:
    """The kernel that the program was built for; HOST_KERNEL where nothing says otherwise."""
    is_go, brand = _brand_from_notes(source, header)
    if brand is not None:
        return brand
    if header.os_abi:
        kernel = OS_ABIS.get(header.os_abi, f"unknown system {header.os_abi}")
        return Brand(kernel, 0, f"EI_OSABI {header.os_abi} in its header")
    if interpreter in INTERPRETERS:
        return Brand(INTERPRETERS[interpreter], 0, f"its interpreter {interpreter}")
    for program_header in header.program_headers:
        if program_header.type in SUN_PROGRAM_HEADERS:
            return Brand("solaris", 0, "program headers that Sun's linker writes")
        if program_header.type in OPENBSD_PROGRAM_HEADERS:
            return Brand("openbsd", 0, "program headers that OpenBSD's linker writes")
    if is_go and not interpreter:
        kernel = _go_target(source, header)
        if kernel:
            return Brand(kernel, 0, f"GOOS={kernel} in its Go build information")
    evidence = f"its interpreter {interpreter}" if interpreter else "nothing in it names another"
    return Brand(HOST_KERNEL, 0, evidence)


def _brand_from_notes(source: Source, header: Header) -> tuple[bool, Brand | None]:
    """(whether Go's linker left its note, the brand that a note names)."""
    is_go = False
    for program_header in header.of_type(PT_NOTE):
        size = min(program_header.file_size, MAX_NOTES_SIZE)
        for owner, type_, description in notes_in(source.read(program_header.offset, size)):
            is_go = is_go or owner == b"Go"
            if type_ != ABI_TAG:
                continue
            if owner in NOTE_OWNERS and len(description) == 4:
                kernel = NOTE_OWNERS[owner]
                release = int.from_bytes(description, "little")
                return is_go, Brand(kernel, release, f"{owner.decode()} note with release {release}")
            if owner == b"GNU" and len(description) >= 16:
                system, major, minor, patch = struct.unpack_from("<IIII", description)
                if system in GNU_SYSTEMS:
                    kernel = GNU_SYSTEMS[system]
                    release = min(major * 100000 + minor * 1000 + patch, 0xFFFFFFFF) if system == 3 else 0
                    return is_go, Brand(kernel, release, f"GNU note for {kernel} {major}.{minor}.{patch}")
            if owner == b"Android":
                return is_go, Brand("linux", 0, "Android note")
    return is_go, None


def notes_in(data: bytes) -> list[tuple[bytes, int, bytes]]:
    """(owner without its NUL, type, description) of each note; stops at the first damaged one."""
    notes: list[tuple[bytes, int, bytes]] = []
    at = 0
    while len(notes) < MAX_NOTES and at + _NOTE.size <= len(data):
        owner_size, description_size, type_ = _NOTE.unpack_from(data, at)
        owner_at = at + _NOTE.size
        description_at = owner_at + (owner_size + 3 & ~3)
        if description_at + description_size > len(data):
            break
        owner = data[owner_at : owner_at + owner_size].rstrip(b"\0")
        notes.append((owner, type_, data[description_at : description_at + description_size]))
        at = description_at + (description_size + 3 & ~3)
    return notes


def _go_target(source: Source, header: Header) -> str:
    """GOOS from the build information at the start of the data segment, "" if it is not there."""
    for program_header in header.of_type(PT_LOAD):
        if not program_header.flags & PF_W:
            continue
        data = source.read(program_header.offset, min(program_header.file_size, MAX_GO_BUILD_INFO))
        information = data.find(GO_MAGIC)
        at = data.find(GO_SETTING, information) if information >= 0 else -1
        if at >= 0:
            value = data[at + len(GO_SETTING) :][:32].split(b"\n")[0].decode("ascii", "replace")
            # Android is Linux; illumos keeps Solaris's calls.
            return {"android": "linux", "illumos": "solaris"}.get(value, value) if value.isalnum() else ""
    return ""
