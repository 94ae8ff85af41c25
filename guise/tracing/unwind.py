"""Call frame information: how to get from a place in the code to its caller (.eh_frame, DWARF 5, 6.4).

What compilers write for x86-64 functions is understood.  Rules that are expressions, as in signal
trampolines, end the walk.
"""

from __future__ import annotations

import bisect
import struct
from dataclasses import dataclass, field

RBX, RBP, RSP, RIP = 3, 6, 7, 16
_SAVED = frozenset((RBX, RBP, 12, 13, 14, 15, RIP))
_POINTER_MASK, _RELATIVE = 0x0F, 0x70
_SIZES = {
    0x00: ("<Q", 8), 0x02: ("<H", 2), 0x03: ("<I", 4), 0x04: ("<Q", 8), 0x0A: ("<h", 2), 0x0B: ("<i", 4),
    0x0C: ("<q", 8),
}  # fmt: skip
_SEARCHABLE = 0x3B  # sdata4, relative to the section: how linkers write the table of .eh_frame_hdr


class CannotUnwind(Exception):
    """The rule at this place is beyond us."""


@dataclass
class Rule:
    """The caller's %rsp is `register + offset`; `saved`: where registers are, relative to that."""

    register: int = RSP
    offset: int = 8
    saved: dict[int, int] = field(default_factory=lambda: {RIP: -8})

    def copy(self) -> Rule:
        return Rule(self.register, self.offset, dict(self.saved))


@dataclass(frozen=True)
class _Common:
    """A common information entry."""

    code_factor: int
    data_factor: int
    encoding: int
    augmented: bool
    instructions: bytes


class FrameTable:
    """The frame information of one image.  `header`: .eh_frame_hdr, or nothing."""

    def __init__(self, frames: bytes, address: int, header: bytes = b"", header_address: int = 0) -> None:
        self._frames = frames
        self._address = address
        self._commons: dict[int, _Common] = {}
        self._table: list[tuple[int, int]] = []
        if header[:1] == b"\x01" and header[3:4] == bytes((_SEARCHABLE,)) and header[2:3] == b"\x03":
            (count,) = struct.unpack_from("<I", header, 8)
            pairs = struct.iter_unpack("<ii", header[12 : 12 + 8 * count])
            self._table = [(start + header_address, at + header_address - address) for start, at in pairs]
        else:
            self._table = sorted(self._scan())
        self._starts = [start for start, _ in self._table]

    def rule(self, place: int) -> Rule | None:
        """For an address in the image; None: nothing is known of it.  Raises CannotUnwind."""
        index = bisect.bisect_right(self._starts, place) - 1
        if index < 0:
            return None
        common, start, length, instructions = self._description(self._table[index][1])
        if not start <= place < start + length:
            return None
        initial = Rule()
        _Machine(common, initial, initial).run(common.instructions, place - start, stop=False)
        rule = initial.copy()
        _Machine(common, rule, initial).run(instructions, place - start, stop=True)
        return rule

    def _scan(self) -> list[tuple[int, int]]:
        found = []
        at = 0
        while at + 8 <= len(self._frames):
            length, kind = struct.unpack_from("<II", self._frames, at)
            if length in (0, 0xFFFFFFFF):
                break
            if kind != 0:
                found.append((self._description(at)[1], at))
            at += 4 + length
        return found

    def _common(self, at: int) -> _Common:
        if at in self._commons:
            return self._commons[at]
        (length,) = struct.unpack_from("<I", self._frames, at)
        end = at + 4 + length
        at_name = at + 9
        name_end = self._frames.index(0, at_name)
        name = self._frames[at_name:name_end]
        code, here = _unsigned(self._frames, name_end + 1)
        data, here = _signed(self._frames, here)
        _, here = _unsigned(self._frames, here)
        encoding = 0
        if name.startswith(b"z"):
            size, here = _unsigned(self._frames, here)
            body = here
            for letter in name[1:]:
                if letter == ord("R"):
                    encoding = self._frames[body]
                    body += 1
                elif letter == ord("P"):
                    body += 1 + _SIZES[self._frames[body] & _POINTER_MASK][1]
                elif letter == ord("L"):
                    body += 1
            here += size
        self._commons[at] = _Common(code, data, encoding, name.startswith(b"z"), self._frames[here:end])
        return self._commons[at]

    def _description(self, at: int) -> tuple[_Common, int, int, bytes]:
        length, back = struct.unpack_from("<II", self._frames, at)
        common = self._common(at + 4 - back)
        layout, size = _SIZES[common.encoding & _POINTER_MASK]
        here = at + 8
        (start,) = struct.unpack_from(layout, self._frames, here)
        if common.encoding & _RELATIVE == 0x10:
            start += self._address + here
        (extent,) = struct.unpack_from(layout, self._frames, here + size)
        here += 2 * size
        if common.augmented:
            skipped, here = _unsigned(self._frames, here)
            here += skipped
        return common, start & ((1 << 64) - 1), extent & ((1 << 32) - 1), self._frames[here : at + 4 + length]


class _Machine:
    """Carries out frame instructions up to a place."""

    def __init__(self, common: _Common, rule: Rule, initial: Rule) -> None:
        self._common = common
        self._rule = rule
        self._initial = initial
        self._stack: list[Rule] = []

    def run(self, code: bytes, wanted: int, *, stop: bool) -> None:
        at = place = 0
        while at < len(code):
            byte = code[at]
            at += 1
            high, low = byte & 0xC0, byte & 0x3F
            if high == 0x40 or byte in (0x02, 0x03, 0x04):
                step, at = self._advance(code, at, byte)
                place += step
                if stop and place > wanted:
                    return
            elif high == 0x80:
                value, at = _unsigned(code, at)
                self._save(low, value * self._common.data_factor)
            elif high == 0xC0:
                self._restore(low)
            else:
                at = self._extended(byte, code, at)

    def _advance(self, code: bytes, at: int, byte: int) -> tuple[int, int]:
        if byte & 0xC0 == 0x40:
            return (byte & 0x3F) * self._common.code_factor, at
        size = {0x02: 1, 0x03: 2, 0x04: 4}[byte]
        return int.from_bytes(code[at : at + size], "little") * self._common.code_factor, at + size

    def _save(self, register: int, offset: int) -> None:
        if register in _SAVED:
            self._rule.saved[register] = offset

    def _restore(self, register: int) -> None:
        if register in self._initial.saved:
            self._rule.saved[register] = self._initial.saved[register]
        else:
            self._rule.saved.pop(register, None)

    def _extended(self, byte: int, code: bytes, at: int) -> int:
        rule = self._rule
        if byte == 0x00:
            return at
        if byte == 0x0A:
            self._stack.append(rule.copy())
            return at
        if byte == 0x0B:
            if not self._stack:
                raise CannotUnwind
            before = self._stack.pop()
            rule.register, rule.offset, rule.saved = before.register, before.offset, before.saved
            return at
        first, at = _unsigned(code, at)
        if byte == 0x0C:  # def_cfa
            rule.register = first
            rule.offset, at = _unsigned(code, at)
        elif byte == 0x0D:
            rule.register = first
        elif byte == 0x0E:
            rule.offset = first
        elif byte in (0x05, 0x11):  # offset_extended, and with a sign
            value, at = _unsigned(code, at) if byte == 0x05 else _signed(code, at)
            self._save(first, value * self._common.data_factor)
        elif byte in (0x06, 0x08):
            self._restore(first)
        elif byte == 0x07:  # undefined: there is no caller
            if first == RIP:
                raise CannotUnwind
            rule.saved.pop(first, None)
        elif byte != 0x2E:  # GNU_args_size
            raise CannotUnwind
        return at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _signed(data: bytes, at: int) -> tuple[int, int]:
    start = at
    value, at = _unsigned(data, at)
    bits = 7 * (at - start)
    return (value - (1 << bits) if value >> (bits - 1) else value), at
