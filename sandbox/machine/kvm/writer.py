"""A guest that never rests: 64-bit code that writes a set of pages over and over, at a settable pace.

It is what live migration and checkpoints are tried on.  Every page of the set carries a count of its
own; at any moment the counts, in the order of the pages, are n+1 up to where the guest stands, and n
after it.  So a moved guest can be checked for having lost or repeated nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

from sandbox.machine.kvm.machine import Machine

PAGE, LARGE = 4096, 2 << 20
ROOT, DIRECTORIES, DIRECTORY, CODE, ROUNDS, STACK = 0x1000, 0x2000, 0x3000, 0x5000, 0x6000, 0x8000
FIRST = LARGE  # where the written set begins
PRESENT_WRITABLE_USER, LARGE_PAGE = 7, 0x80
PORT_SHOWS = 0xE9

# rsi: the set's first address, r8d: pages, r9d: how long to wait after each, r10: where rounds are counted
PROGRAM = (
    ("round", "4889f7", "mov rdi, rsi"),
    ("", "4489c1", "mov ecx, r8d"),
    ("page", "48ff07", "inc qword ptr [rdi]"),
    ("", "4881c700100000", "add rdi, 0x1000"),
    ("", "4489ca", "mov edx, r9d"),
    ("wait", "ffca", "dec edx"),
    ("", "75fc", "jne wait"),
    ("", "ffc9", "dec ecx"),
    ("", "75eb", "jne page"),
    ("", "49ff02", "inc qword ptr [r10]"),
    ("", "ebe0", "jmp round"),
)  # the jumps' distances are checked by a test that disassembles them
CODE_BYTES = bytes.fromhex("".join(data for _, data, _ in PROGRAM))


class BrokenGuest(RuntimeError):
    """The guest's counts do not fit together: something was lost or repeated."""


@dataclass(frozen=True)
class Writer:
    """A machine of `memory` bytes whose guest writes `pages` pages, and waits `wait` turns after each."""

    memory: int
    pages: int
    wait: int

    def __post_init__(self) -> None:
        if self.memory % LARGE or self.memory < 2 * LARGE or self.memory > 1 << 30:
            raise ValueError(
                f"the guest's memory is {self.memory} bytes: it must be 4 MiB to 1 GiB, by 2 MiB"
            )
        room = (self.memory - FIRST) // PAGE
        if not 1 <= self.pages <= room:
            raise ValueError(f"the guest writes {self.pages} pages: in this memory it can write 1 to {room}")
        if not 1 <= self.wait < 1 << 31:
            raise ValueError(
                f"the guest waits {self.wait} turns after each page: it can wait 1 to 2147483647"
            )

    def start(self, machine: Machine) -> None:
        """Put the guest into a machine, ready to run."""
        memory = machine.memory
        struct.pack_into("<Q", memory, ROOT, DIRECTORIES | PRESENT_WRITABLE_USER)
        struct.pack_into("<Q", memory, DIRECTORIES, DIRECTORY | PRESENT_WRITABLE_USER)
        for at in range(512):
            entry = at * LARGE | LARGE_PAGE | PRESENT_WRITABLE_USER
            struct.pack_into("<Q", memory, DIRECTORY + 8 * at, entry)
        memory[CODE : CODE + len(CODE_BYTES)] = CODE_BYTES
        for page in range(FIRST, self.memory, PAGE):  # so that no two pages are alike, and none is empty
            struct.pack_into("<Q", memory, page + 8, page)
        registers = {"rsi": FIRST, "r8": self.pages, "r9": self.wait, "r10": ROUNDS, "rsp": STACK}
        machine.load_long_mode(ROOT, CODE, registers)


def check(machine: Machine) -> int:
    """How many pages the stopped guest has written so far.  Raises BrokenGuest when its counts do not fit."""
    registers = machine.long_registers()
    pages, first = registers["r8"] & 0xFFFFFFFF, registers["rsi"]
    rounds = _long(machine, ROUNDS)
    counts = [_long(machine, first + PAGE * at) for at in range(pages)]
    ahead = sum(counts) - pages * min(counts)
    steps = [later for earlier, later in pairwise(counts) if later > earlier]
    if steps or max(counts) - min(counts) > 1:
        raise BrokenGuest(
            f"the guest's pages were written {min(counts)} to {max(counts)} times, out of order"
        )
    if not rounds <= max(counts) <= rounds + 1:
        raise BrokenGuest(f"the guest counts {rounds} rounds, and its pages {max(counts)}")
    return pages * min(counts) + ahead


def _long(machine: Machine, address: int) -> int:
    value: int = struct.unpack_from("<Q", machine.memory, address)[0]
    return value
