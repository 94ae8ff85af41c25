"""User-space stacks: from the bytes that were captured at a call to the names of its callers.

The runtime has copied registers and the top of the stack, and said which files the process's code comes from.
"""

from __future__ import annotations

import bisect
import struct
from functools import lru_cache

from guise.tracing.images import Image
from guise.tracing.unwind import RBP, RBX, RIP, RSP, CannotUnwind, Rule

_REGISTERS = (RIP, RSP, RBP, RBX, 12, 13, 14, 15)
_HEAD = struct.Struct(f"<{len(_REGISTERS)}Q")
_DEEPEST = 64
_MASK = (1 << 64) - 1

Mapping = tuple[int, int, int, str]
"""low, high, offset in the file, path."""


@lru_cache(maxsize=256)
def _image(path: str) -> Image | None:
    try:
        return Image(path)
    except ValueError:
        return None


class Stacks:
    """The executable mappings of every process, and what they make of captured stacks."""

    def __init__(self) -> None:
        self._mappings: dict[int, list[Mapping]] = {}

    def begin(self, process: int) -> None:
        """A process starts, or executes another program."""
        self._mappings.pop(process, None)

    def add(self, process: int, low: int, high: int, offset: int, path: bytes) -> None:
        """What was there before has made room."""
        kept = [m for m in self._mappings.get(process, []) if m[1] <= low or m[0] >= high]
        bisect.insort(kept, (low, high, offset, path.decode("utf-8", "surrogateescape")))
        self._mappings[process] = kept

    def unwind(self, process: int, data: bytes) -> tuple[str, ...]:
        """Callers, innermost first, as `/path/file(function+0x10) [0x1234]`."""
        if len(data) < _HEAD.size:
            return ()
        registers = dict(zip(_REGISTERS, _HEAD.unpack_from(data), strict=True))
        stack, bottom = data[_HEAD.size :], registers[RSP]
        frames: list[str] = []
        while len(frames) < _DEEPEST:
            mapping = self._find(process, registers[RIP])
            if mapping is None:
                break
            low, _, offset, path = mapping
            image = _image(path)
            if image is None:
                frames.append(f"{path}() [{registers[RIP] - low + offset:#x}]")
                break
            # A return address may be the first of the next function: the call before it is meant.
            place = image.address(registers[RIP] - low + offset)
            frames.append(f"{path}({image.name(place - bool(frames))}) [{place:#x}]")
            if not _to_caller(image, place - bool(frames[1:]), registers, stack, bottom):
                break
        return tuple(frames)

    def _find(self, process: int, place: int) -> Mapping | None:
        mappings = self._mappings.get(process, [])
        index = bisect.bisect_right(mappings, (place, _MASK, 0, "")) - 1
        return mappings[index] if index >= 0 and mappings[index][0] <= place < mappings[index][1] else None


def _to_caller(image: Image, place: int, registers: dict[int, int], stack: bytes, bottom: int) -> bool:
    """Change the registers to those of the caller; False: there is none to be found."""

    def word(address: int) -> int | None:
        at = address - bottom
        return int.from_bytes(stack[at : at + 8], "little") if 0 <= at <= len(stack) - 8 else None

    try:
        rule = image.rule(place) or Rule(RBP, 16, {RBP: -16, RIP: -8})
    except (CannotUnwind, IndexError, KeyError, struct.error):
        return False
    base = registers.get(rule.register)
    if base is None:
        return False
    frame = base + rule.offset & _MASK
    if frame <= registers[RSP] and rule.register != RSP:
        return False
    found = {register: word(frame + offset & _MASK) for register, offset in rule.saved.items()}
    back = found.get(RIP)
    if not back:
        return False
    registers.update((register, value) for register, value in found.items() if value is not None)
    registers[RSP] = frame
    return True
