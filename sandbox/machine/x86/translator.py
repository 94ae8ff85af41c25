"""A translator from guest kernel code to code that may run in ring 1, block by block.

Most instructions are copied.  Branches are rewritten to stay in the cache, calls push the guest's own
return address, and what is sensitive becomes a callout (`int 0x83`).  The cache holds code at
addresses of the monitor; `origin` says which guest instruction each place belongs to.
Design: Adams and Agesen 2006, section 3; the seed document calls it scan and rewrite.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.machine.x86.emulate import decode
from sandbox.machine.x86.encoder import SEGMENTS
from sandbox.machine.x86.processor import MONITOR

CALLOUT_VECTOR = 0x83
CACHE, CACHE_END = MONITOR + 0x10000, MONITOR + 0x40000
BLOCK_LIMIT = 32  # guest instructions per block
CALLOUT = bytes([0xCD, CALLOUT_VECTOR])
ROOM_FOR_JUMP = 5
# Sensitive whatever their operands.  IRET, PUSHF and POPF do not trap, which is why this exists.
SENSITIVE = frozenset((
    "cli", "sti", "hlt", "in", "out", "pushfd", "popfd", "iretd", "lgdt", "lidt", "sgdt", "sidt", "lldt",
    "ltr", "sldt", "str", "lmsw", "smsw", "clts", "invlpg", "invd", "wbinvd", "lar", "lsl", "verr", "verw",
    "rdtsc", "rdmsr", "wrmsr", "cpuid", "ljmp", "lcall", "retf",
))  # fmt: skip
SEGMENTS_AND_CONTROL = frozenset((*SEGMENTS, "cr0", "cr2", "cr3", "cr4"))


class Kind:
    """What a callout asks of the monitor."""

    EMULATE, CHAIN, LOOKUP, RETURN, SOFTWARE = "emulate", "chain", "lookup", "return", "interrupt"


@dataclass(frozen=True)
class Callout:
    """Where and why translated code left.  `site` is the callout's place in the cache."""

    kind: str
    guest: int
    code: bytes
    site: int
    target: int = 0


class Writer(Protocol):
    def write(self, address: int, data: bytes) -> None: ...


class Translator:
    """The cache.  `fetch` reads one guest instruction's bytes at an address, without leaving a trace."""

    def __init__(self, memory: Writer, fetch: Callable[[int], bytes], events: Counter[str]) -> None:
        self.memory, self.fetch, self.events = memory, fetch, events
        self.adapted: set[int] = set()  # guest stores that proved to hit page tables
        self.reset()

    def reset(self) -> None:
        """Forget every block."""
        self.places: dict[int, int] = {}  # guest instruction -> cache address
        self.starts: dict[int, int] = {}  # cache address where a guest instruction begins -> that instruction
        self.origin: dict[int, int] = {}  # any cache address that can be an EIP -> the guest's
        self.callouts: dict[int, Callout] = {}  # cache address after the callout
        self.at = CACHE
        self.changed = True  # since the processor last looked

    def adapt(self, guest: int) -> None:
        """Make the store at `guest` a callout from now on: a callout is cheaper than a traced fault."""
        self.adapted.add(guest)
        self.events["retranslation"] += 1
        self.reset()

    def find(self, guest: int) -> int:
        """The cache address for a guest address, translating when it is new."""
        found = self.places.get(guest)
        return found if found is not None else self._block(guest)

    def chain(self, callout: Callout) -> int:
        """Translate a direct branch's target and patch the branch, so that it never leaves again."""
        target = self.find(callout.target)
        if callout.site in self.origin:  # unless making room dropped the branch itself
            self.changed = True
            self.memory.write(callout.site, b"\xe9" + _long(target - callout.site - ROOM_FOR_JUMP))
        self.events["chain"] += 1
        return target

    def _block(self, guest: int) -> int:
        if self.at + 64 * BLOCK_LIMIT > CACHE_END:
            self.events["cache flush"] += 1
            self.reset()
        start, self.changed = self.at, True
        self.events["translated block"] += 1
        for _ in range(BLOCK_LIMIT):
            code = self.fetch(guest)
            instruction = decode(code, guest)
            self.events["translated instruction"] += 1
            self.starts[self.at] = self.origin[self.at] = guest
            self.places.setdefault(guest, self.at)
            following = guest + instruction.size
            if self._ends_block(instruction, code, guest, following):
                return start
            guest = following
            if guest in self.places:
                break
        self._jump(guest, guest)
        return start

    def _ends_block(self, instruction: Any, code: bytes, guest: int, following: int) -> bool:
        """Emit one instruction; true when control does not fall through to the next."""
        name = str(instruction.mnemonic)
        direct = instruction.operands[0].imm & 0xFFFFFFFF if _is_direct(instruction) else None
        if name == "jmp" and direct is not None:
            self._jump(guest, direct)
        elif name[0] == "j" and direct is not None:
            condition = code[1] if code[0] == 0x0F else code[0] | 0x80
            self._emit(struct.pack("<BBi", 0x0F, 0x80 | condition & 15, ROOM_FOR_JUMP))
            self._jump(guest, following)
            self._jump(guest, direct)
        elif name == "call":
            self._emit(b"\x68" + _long(following))
            if direct is not None:
                self._jump(guest, direct)
            else:
                self._callout(Kind.LOOKUP, guest, code)
        elif name == "jmp":
            self._callout(Kind.LOOKUP, guest, code)
        elif name == "ret":
            self._callout(Kind.RETURN, guest, code)
        elif name == "int":
            self._callout(Kind.SOFTWARE, guest, code)
        elif name in SENSITIVE or guest in self.adapted or _names_processor_state(instruction):
            self._callout(Kind.EMULATE, guest, code)
            return name in ("iretd", "hlt")
        else:
            self._emit(code)
            return False
        return True

    def _emit(self, code: bytes) -> None:
        self.memory.write(self.at, code)
        self.at += len(code)

    def _callout(self, kind: str, guest: int, code: bytes, target: int = 0) -> None:
        site = self.at
        self._emit(CALLOUT)
        self.origin[site] = self.origin[self.at] = guest
        self.callouts[self.at] = Callout(kind, guest, code, site, target)

    def _jump(self, guest: int, target: int) -> None:
        """A direct branch: into the cache when the target is there, else a callout with room for the jump."""
        known = self.places.get(target)
        if known is not None:
            self._emit(b"\xe9" + _long(known - self.at - ROOM_FOR_JUMP))
            return
        self._callout(Kind.CHAIN, guest, b"", target)
        self._emit(b"\x90" * (ROOM_FOR_JUMP - len(CALLOUT)))


def _is_direct(instruction: Any) -> bool:
    return len(instruction.operands) == 1 and instruction.operands[0].type == 2


def _names_processor_state(instruction: Any) -> bool:
    """MOV, PUSH and POP with segment or control registers."""
    names = [instruction.reg_name(operand.reg) for operand in instruction.operands if operand.type == 1]
    return not SEGMENTS_AND_CONTROL.isdisjoint(names)


def _long(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "little")
