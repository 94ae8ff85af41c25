"""Executable files as the unwinder needs them: which function an address belongs to, and who called it."""

from __future__ import annotations

import bisect
from collections.abc import Mapping

from guise.tracing.go_table import GoTable
from guise.tracing.unwind import CannotUnwind, FrameTable, Rule

_LOAD = "LOAD"


class Image:
    """One file.  What it lacks (symbols, frame information) it does without."""

    def __init__(self, path: str) -> None:
        """Raises ValueError when the file is no ELF image, or not there any more."""
        import lief

        lief.logging.disable()
        binary = lief.ELF.parse(path)
        if binary is None:
            raise ValueError(f"{path} is no ELF image")
        self._segments = [
            (s.file_offset, s.physical_size, s.virtual_address)
            for s in binary.segments
            if str(s.type).endswith(_LOAD)
        ]
        sections = {str(section.name): section for section in binary.sections}
        self._frames = _frame_table(sections)
        self._go = _go_table(sections)
        found: dict[int, tuple[int, str]] = {}
        for symbol in [] if self._go else binary.symbols:
            if str(symbol.type).endswith("FUNC") and symbol.value:
                name = str(symbol.name)
                known = found.get(symbol.value)
                if known is None or _nicer(name, known[1]):
                    found[symbol.value] = (symbol.size, name)
        self._symbols = sorted((start, size, name) for start, (size, name) in found.items())
        self._starts = [start for start, _, _ in self._symbols]

    def address(self, offset: int) -> int:
        """The image's own address of a place in the file."""
        for start, size, address in self._segments:
            if start <= offset < start + size:
                return int(address + offset - start)
        return offset

    def name(self, place: int) -> str:
        """`function+0x10`, or ""."""
        if self._go is not None:
            found = self._go.find(place)
            return f"{found[0]}+{found[1]:#x}" if found else ""
        index = bisect.bisect_right(self._starts, place) - 1
        if index < 0:
            return ""
        start, size, name = self._symbols[index]
        return f"{name}+{place - start:#x}" if place < start + max(size, 1) else ""

    def rule(self, place: int) -> Rule | None:
        """How to find the caller; None: by the frame pointer.  Raises CannotUnwind."""
        if self._frames is not None:
            rule = self._frames.rule(place)
            if rule is not None:
                return rule
        found = self._go.find(place) if self._go is not None else None
        return Rule(offset=found[2] + 8) if found else None


def _nicer(name: str, than: str) -> bool:
    """Of several names of one function: the one that programs write."""
    return (name.startswith("_"), len(name), name) < (than.startswith("_"), len(than), than)


def _frame_table(sections: Mapping[str, object]) -> FrameTable | None:
    frames, header = sections.get(".eh_frame"), sections.get(".eh_frame_hdr")
    if frames is None:
        return None
    try:
        return FrameTable(*_place(frames), *(_place(header) if header is not None else ()))
    except (IndexError, KeyError, ValueError, CannotUnwind):
        return None  # a table in a form that nobody writes: frame pointers do


def _go_table(sections: Mapping[str, object]) -> GoTable | None:
    table = next((s for name, s in sections.items() if name.endswith(".gopclntab")), None)
    text = sections.get(".text")
    if table is None or text is None:
        return None
    try:
        return GoTable(_place(table)[0], _place(text)[1])
    except ValueError:
        return None


def _place(section: object) -> tuple[bytes, int]:
    return bytes(section.content), int(section.virtual_address)  # type: ignore[attr-defined]
