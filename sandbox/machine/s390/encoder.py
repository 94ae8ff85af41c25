"""An assembler for the few z/Architecture instructions that the guests use.

Formats and opcodes: z/Architecture Principles of Operation, SA22-7832, chapters 5 and 7, and 10 for control.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# mnemonic -> (format, opcode)
INSTRUCTIONS = {
    "svc": ("I", 0x0A), "lr": ("RR", 0x18), "ar": ("RR", 0x1A), "xr": ("RR", 0x17), "dr": ("RR", 0x1D),
    "la": ("RX", 0x41), "st": ("RX", 0x50), "l": ("RX", 0x58), "a": ("RX", 0x5A),
    "lhi": ("RI", 0xA78), "ahi": ("RI", 0xA7A), "chi": ("RI", 0xA7E), "brct": ("BR", 0xA76),
    "j": ("BC", 0xA74F), "je": ("BC", 0xA748), "jne": ("BC", 0xA747),
    "ssm": ("S1", 0x80), "lpsw": ("S1", 0x82), "stnsm": ("SI", 0xAC), "stosm": ("SI", 0xAD),
    "diag": ("RS", 0x83), "lctl": ("RS", 0xB7), "stctl": ("RS", 0xB6),
    "lpswe": ("S", 0xB2B2), "stidp": ("S", 0xB202), "spx": ("S", 0xB210), "stpx": ("S", 0xB211),
    "stap": ("S", 0xB212), "ptlb": ("0", 0xB20D), "epsw": ("RRE", 0xB98D),
}  # fmt: skip


class AssemblyError(ValueError):
    """A source line that this assembler does not know."""


@dataclass(frozen=True)
class Code:
    base: int
    data: bytes
    labels: dict[str, int]
    listing: dict[int, str]


def assemble(source: str, base: int) -> Code:
    """Assemble lines (`label:`, instruction, `; comment`).  Raises AssemblyError."""
    lines = [line.split(";")[0].strip() for line in source.splitlines()]
    labels: dict[str, int] = {}
    for last in (False, True):
        data, listing = bytearray(), {}
        for line in filter(None, lines):
            if line.endswith(":"):
                labels[line[:-1]] = base + len(data)
                continue
            at = base + len(data)
            text = _substitute(line, labels, at, last)
            listing[at] = text
            data += _encode(text, at)
    return Code(base, bytes(data), labels, listing)


def _substitute(line: str, labels: dict[str, int], here: int, strict: bool) -> str:
    """Labels as numbers; in the first pass those that are not known yet stand here."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in labels and strict:
            raise AssemblyError(f"{line}: {name} is no label")
        return hex(labels.get(name, here))

    return re.sub(r"@(\w+)", value, line)


def _encode(text: str, at: int) -> bytes:
    name, _, rest = text.partition(" ")
    if name not in INSTRUCTIONS:
        raise AssemblyError(f"{text}: unknown instruction")
    form, opcode = INSTRUCTIONS[name]
    operands = [part.strip() for part in re.split(r",(?![^(]*\))", rest)] if rest else []
    return _FORMS[form](opcode, operands, at)


def _register(text: str) -> int:
    found = re.fullmatch(r"%?[rc](\d+)", text)
    if not found:
        raise AssemblyError(f"{text} is no register")
    return int(found.group(1))


def _place(text: str) -> int:
    """Base and displacement: `0x123` or `0x123(%r1)`."""
    found = re.fullmatch(r"(\w+)(?:\(%r(\d+)\))?", text)
    if not found or not 0 <= int(found.group(1), 0) < 4096:
        raise AssemblyError(f"{text} is no address of this form")
    return int(found.group(2) or "0") << 12 | int(found.group(1), 0)


def _relative(target: str, at: int) -> int:
    return (int(target, 0) - at) // 2 & 0xFFFF


def _short(value: str) -> int:
    return int(value, 0) & 0xFFFF


def _immediate(high: int, field: int, low: int, value: int) -> bytes:
    return (high << 24 | field << 20 | low << 16 | value).to_bytes(4, "big")


_FORMS: dict[str, Callable[[int, list[str], int], bytes]] = {
    "I": lambda op, o, _: bytes([op, int(o[0], 0)]),
    "RR": lambda op, o, _: bytes([op, _register(o[0]) << 4 | _register(o[1])]),
    "RX": lambda op, o, _: (op << 24 | _register(o[0]) << 20 | _place(o[1])).to_bytes(4, "big"),
    "RI": lambda op, o, _: _immediate(op >> 4, _register(o[0]), op & 15, _short(o[1])),
    "BR": lambda op, o, at: _immediate(op >> 4, _register(o[0]), op & 15, _relative(o[1], at)),
    "BC": lambda op, o, at: _immediate(op >> 8, op & 15, op >> 4 & 15, _relative(o[0], at)),
    "S1": lambda op, o, _: (op << 24 | _place(o[0])).to_bytes(4, "big"),
    "SI": lambda op, o, _: (op << 24 | int(o[1], 0) << 16 | _place(o[0])).to_bytes(4, "big"),
    "RS": lambda op, o, _: (op << 24 | _register(o[0]) << 20 | _register(o[1]) << 16 | _place(o[2])).to_bytes(
        4, "big"
    ),
    "S": lambda op, o, _: (op << 16 | _place(o[0])).to_bytes(4, "big"),
    "0": lambda op, _o, _: (op << 16).to_bytes(4, "big"),
    "RRE": lambda op, o, _: (op << 16 | _register(o[0]) << 4 | _register(o[1])).to_bytes(4, "big"),
}
