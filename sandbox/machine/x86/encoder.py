"""An assembler for the few instructions that the guest kernels use: Intel syntax in, bytes out.

Each source line is written as capstone prints it, so that a test can disassemble the bytes and compare
the text; `a & b` are two instructions that belong together.  A line that begins with `*` is a paravirtual
site: its instruction is padded with NOPs to five bytes, room for the call that a paravirtualising monitor
patches in (as Linux does with its pv-ops sites); every other monitor runs the original bytes.

Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

SITE_BYTES = 5
REGISTERS = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")
CONDITIONS = {"b": 2, "ae": 3, "e": 4, "ne": 5, "be": 6, "a": 7, "s": 8, "ns": 9, "l": 12, "ge": 13}
ALU = ("add", "or", "adc", "sbb", "and", "sub", "xor", "cmp")
PLAIN = {
    "cli": "fa", "sti": "fb", "hlt": "f4", "pushfd": "9c", "popfd": "9d", "iretd": "cf", "nop": "90",
    "ret": "c3", "pushal": "60", "popal": "61", "wbinvd": "0f09", "invd": "0f08", "clts": "0f06",
    "rdtsc": "0f31", "rdmsr": "0f32", "wrmsr": "0f30", "cpuid": "0fa2", "cld": "fc", "int3": "cc",
    "rep stosd dword ptr es:[edi], eax": "f3ab", "push cs": "0e", "push ds": "1e", "push es": "06",
    "push ss": "16", "push fs": "0fa0", "push gs": "0fa8", "pop ds": "1f", "pop es": "07", "pop ss": "17",
    "retf": "cb", "sysenter": "0f34",
}  # fmt: skip
TABLE_OPERATIONS = {"sgdt": 0, "sidt": 1, "lgdt": 2, "lidt": 3, "invlpg": 7}
SELECTOR_OPERATIONS = {"sldt": 0, "str": 1, "lldt": 2, "ltr": 3, "verr": 4, "verw": 5}


class AssemblyError(ValueError):
    """A source line that this assembler does not know."""


@dataclass(frozen=True)
class Site:
    """A paravirtual site: the address, text and size of a sensitive instruction with room for a call."""

    address: int
    text: str
    size: int


@dataclass
class Code:
    """Assembled code: its base address, bytes, labels, and the source text at each address."""

    base: int
    data: bytes
    labels: dict[str, int]
    listing: dict[int, str]
    sites: list[Site] = field(default_factory=list)


def assemble(source: str, base: int, names: dict[str, int] | None = None) -> Code:
    """Assemble lines (`label:`, instruction, `; comment`); `names` are constants usable as numbers.

    Raises AssemblyError for anything outside the small instruction set.
    """
    lines = [line.split(";")[0].strip() for line in source.splitlines()]
    known = dict(names or {})
    labels: dict[str, int] = {}
    for last in (False, True):  # addresses first (every form has one length), then bytes
        data, listing, sites = bytearray(), {}, []
        for line in filter(None, lines):
            if line.endswith(":"):
                labels[line[:-1]] = base + len(data)
                continue
            start = base + len(data)
            for part in line.lstrip("* ").split(" & "):
                at, text = base + len(data), _substitute(part, {**known, **labels}, last)
                listing[at] = text
                data += _encode(text, at)
            if line.startswith("*"):
                data += b"\x90" * max(0, start + SITE_BYTES - base - len(data))
                text = _substitute(line.lstrip("* "), {**known, **labels}, last)
                sites.append(Site(start, text, base + len(data) - start))
    return Code(base, bytes(data), labels, listing, sites)


def _substitute(text: str, names: dict[str, int], strict: bool) -> str:
    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in names and strict:
            raise AssemblyError(f"{text}: {name} is neither a label nor a constant")
        return hex(names.get(name, 0x7FFFFFFF))

    return re.sub(r"@(\w+)", value, text)


def _encode(text: str, at: int) -> bytes:
    if text in PLAIN:
        return bytes.fromhex(PLAIN[text])
    name, _, rest = text.partition(" ")
    operands = [part.strip() for part in rest.split(",")] if rest else []
    encoder = _ENCODERS.get(name)
    if encoder is None and name[0] == "j" and name[1:] in CONDITIONS:
        return struct.pack("<BBi", 0x0F, 0x80 | CONDITIONS[name[1:]], _distance(operands[0], at + 6))
    if encoder is None:
        raise AssemblyError(f"{text}: unknown instruction")
    code = encoder(name, operands, at)
    if code is None:
        raise AssemblyError(f"{text}: these operands are not supported")
    return code


def _number(text: str) -> int | None:
    return int(text, 0) if re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", text) else None


def _distance(target: str, after: int) -> int:
    distance = (int(target, 0) - after) & 0xFFFFFFFF
    return distance - (1 << 32) if distance >> 31 else distance


def _long(value: int) -> bytes:
    return struct.pack("<I", value & 0xFFFFFFFF)


def _register(text: str) -> int | None:
    text = (
        f"e{text}" if f"e{text}" in REGISTERS else text
    )  # 16-bit names, where the instruction is 16-bit anyway
    return REGISTERS.index(text) if text in REGISTERS else None


def _modrm(field_: int, operand: str) -> bytes | None:
    """ModRM (and displacement) for a register, `[register]`, `[register + n]` or `[address]`."""
    register = _register(operand)
    if register is not None:
        return bytes([0xC0 | field_ << 3 | register])
    inner = re.fullmatch(r"(?:dword ptr )?\[([^]]+)\]", operand)
    if not inner:
        return None
    absolute = _number(inner.group(1))
    if absolute is not None:
        return bytes([field_ << 3 | 5]) + _long(absolute)
    parts = re.fullmatch(r"(\w+)(?: \+ (\S+))?", inner.group(1))
    base = _register(parts.group(1)) if parts else None
    if parts is None or base is None:
        return None
    sib = b"\x24" if base == 4 else b""
    if parts.group(2) is None and base != 5:
        return bytes([field_ << 3 | base]) + sib
    return bytes([0x40 | field_ << 3 | base]) + sib + struct.pack("<b", int(parts.group(2) or "0", 0))


def _with_modrm(opcode: str, field_: int, operand: str, tail: bytes = b"") -> bytes | None:
    modrm = _modrm(field_, operand)
    return None if modrm is None else bytes.fromhex(opcode) + modrm + tail


def _move(_name: str, operands: list[str], _at: int) -> bytes | None:
    to, source = operands
    number = _number(source)
    if number is not None:
        register = _register(to)
        return (
            bytes([0xB8 | register]) + _long(number)
            if register is not None
            else _with_modrm("c7", 0, to, _long(number))
        )
    for pattern, opcode, operand in ((to, "0f22", source), (source, "0f20", to)):
        if re.fullmatch(r"cr\d", pattern):
            return _with_modrm(opcode, int(pattern[2]), operand)
    if to in SEGMENTS:
        return _with_modrm("8e", SEGMENTS.index(to), source)
    if source in SEGMENTS:
        return _with_modrm("8c", SEGMENTS.index(source), to)
    register = _register(source)
    if register is not None:
        return _with_modrm("89", register, to)
    register = _register(to)
    return None if register is None else _with_modrm("8b", register, source)


def _arithmetic(name: str, operands: list[str], _at: int) -> bytes | None:
    row = ALU.index(name)
    to, source = operands
    number = _number(source)
    if number is not None:
        return _with_modrm("81", row, to, _long(number))
    register = _register(source)
    if register is not None:
        return _with_modrm(f"{row << 3 | 1:02x}", register, to)
    register = _register(to)
    return None if register is None else _with_modrm(f"{row << 3 | 3:02x}", register, source)


def _push_pop(name: str, operands: list[str], _at: int) -> bytes | None:
    operand = operands[0]
    number, register = _number(operand), _register(operand)
    if register is not None:
        return bytes([(0x50 if name == "push" else 0x58) | register])
    if number is not None and name == "push":
        return b"\x68" + _long(number)
    return _with_modrm("ff", 6, operand) if name == "push" else _with_modrm("8f", 0, operand)


def _step(name: str, operands: list[str], _at: int) -> bytes | None:
    register = _register(operands[0])
    if register is not None:
        return bytes([(0x40 if name == "inc" else 0x48) | register])
    return _with_modrm("ff", 0 if name == "inc" else 1, operands[0])


def _branch(name: str, operands: list[str], at: int) -> bytes | None:
    if _number(operands[0]) is not None:
        return struct.pack("<Bi", 0xE8 if name == "call" else 0xE9, _distance(operands[0], at + 5))
    return _with_modrm("ff", 2 if name == "call" else 4, operands[0])


def _far_jump(_name: str, operands: list[str], _at: int) -> bytes | None:
    selector, _, offset = operands[0].partition(":")
    return b"\xea" + _long(int(offset, 0)) + struct.pack("<H", int(selector, 0))


def _port(name: str, operands: list[str], _at: int) -> bytes | None:
    port, register = operands if name == "out" else operands[::-1]
    wide = {"al": 0, "eax": 1}[register]
    number = _number(port)
    if number is None:
        return bytes([(0xEE if name == "out" else 0xEC) | wide])
    return bytes([(0xE6 if name == "out" else 0xE4) | wide, number])


def _modrm_of(opcode: str, row: int) -> Callable[[str, list[str], int], bytes | None]:
    return lambda _name, operands, _at: _with_modrm(opcode, row, operands[0])


def _shift(name: str, operands: list[str], _at: int) -> bytes | None:
    return _with_modrm("c1", 4 if name == "shl" else 5, operands[0], bytes([int(operands[1], 0)]))


def _load_rights(name: str, operands: list[str], _at: int) -> bytes | None:
    register = _register(operands[0])
    opcode = "0f02" if name == "lar" else "0f03"
    return None if register is None else _with_modrm(opcode, register, operands[1])


_ENCODERS: dict[str, Callable[[str, list[str], int], bytes | None]] = {
    "mov": _move,
    "push": _push_pop,
    "pop": _push_pop,
    "inc": _step,
    "dec": _step,
    "jmp": _branch,
    "call": _branch,
    "ljmp": _far_jump,
    "in": _port,
    "out": _port,
    "int": lambda _name, operands, _at: bytes([0xCD, int(operands[0], 0)]),
    "div": _modrm_of("f7", 6),
    "smsw": _modrm_of("0f01", 4),
    "lmsw": _modrm_of("0f01", 6),
    "shl": _shift,
    "shr": _shift,
    "lar": _load_rights,
    "lsl": _load_rights,
    **dict.fromkeys(ALU, _arithmetic),
    **{name: _modrm_of("0f01", row) for name, row in TABLE_OPERATIONS.items()},
    **{name: _modrm_of("0f00", row) for name, row in SELECTOR_OPERATIONS.items()},
}
