"""What trap-and-emulate, binary translation and paravirtualization share: the guest kernel runs in ring 1.

The processor runs with the monitor's descriptor tables, CR0 and interrupt flag; the guest's
are kept in its virtual processor.  Rings: the guest's 0 is really 1 (so page protection still
tells its kernel from its user code), 3 stays 3.
"""

from __future__ import annotations

from sandbox.machine.monitors.base import Monitor
from sandbox.machine.x86 import layout
from sandbox.machine.x86.emulate import decode
from sandbox.machine.x86.encoder import SEGMENTS
from sandbox.machine.x86.paging import Linear, PageFault
from sandbox.machine.x86.processor import MONITOR, Trapped
from sandbox.machine.x86.state import INTERRUPT, PAGING, PRIVILEGE, PROTECTED, WRITE_PROTECT, State

MONITOR_GDT, MONITOR_IDT, MONITOR_TABLES = MONITOR + 0x1000, MONITOR + 0x2000, MONITOR + 0x3000
MONITOR_TASK = 0x80  # the selector of the monitor's own TSS
MONITOR_ENTRIES = 18
MONITOR_CR0 = PROTECTED | 0x2 | 0x10 | 0x20 | WRITE_PROTECT | PAGING  # with MP and NE, as kernels set it
GUEST_RING = 1
# What a ring-0 guest may do and ring 1 may not; anything else that faults is the guest's own fault.
PRIVILEGED = frozenset((
    "cli", "sti", "hlt", "in", "out", "lgdt", "lidt", "lldt", "ltr", "clts", "lmsw", "invlpg", "invd",
    "wbinvd", "iretd", "mov", "pop",
))  # fmt: skip


class Deprivileged(Monitor):
    """The guest kernel in ring 1, under the monitor's own tables."""

    def __init__(self) -> None:
        super().__init__()
        self._descriptor_table: bytes | None = None
        self._looks = Linear(self.processor, self.peek)

    def control(self) -> tuple[int, int]:
        return self.virtual.state.cr0, self.virtual.state.cr3

    def enter(self) -> State:
        real = self.virtual.state.copy()
        if real.privilege == 0:
            real.privilege = GUEST_RING
            for name in ("cs", "ss"):
                real.segments[name] |= GUEST_RING
        real.eflags = real.eflags & ~PRIVILEGE | INTERRUPT
        real.cr0, real.cr3, real.cr4 = MONITOR_CR0, MONITOR_TABLES, 0
        self._shadow_descriptors()
        real.gdtr, real.idtr = (MONITOR_GDT, 8 * MONITOR_ENTRIES - 1), (MONITOR_IDT, 0x7FF)
        real.tr, real.ldtr = MONITOR_TASK, 0
        return real

    def leave(self, real: State) -> None:
        state = self.virtual.state
        kept = INTERRUPT | PRIVILEGE
        state.registers, state.eip = real.registers, real.eip
        state.eflags = real.eflags & ~kept | state.eflags & kept
        ring = real.segments["cs"] & 3
        state.privilege = 0 if ring == GUEST_RING else ring
        for name in SEGMENTS:
            state.segments[name] = real.segments[name]
        if ring == GUEST_RING:
            for name in ("cs", "ss"):
                state.segments[name] &= ~3

    def _shadow_descriptors(self) -> None:
        """The monitor's descriptor table: the guest's, with its kernel segments in ring 1, and a TSS."""
        base, limit = self.virtual.state.gdtr
        try:
            table = bytearray(self._looks.read(base, min(limit + 1, MONITOR_TASK)))
        except PageFault:
            table = bytearray(8)
        for at in range(8, len(table) - 7, 8):
            access = table[at + 5]
            if access & 0x10 and not access & 0x60:
                table[at + 5] = access | GUEST_RING << 5
        table += bytes(MONITOR_TASK - len(table))
        table += layout.descriptor(MONITOR + 0x2800, 0x67, 0x8B, 0) + bytes(8)
        made = bytes(table)
        if made != self._descriptor_table:
            self.processor.write(MONITOR_GDT, made)
            self._descriptor_table = made

    def general_protection(self, trap: Trapped) -> None:
        """A privileged instruction of the guest's kernel, or a fault of its own making."""
        code = self.next_instruction()
        name = str(decode(code, self.virtual.state.eip).mnemonic)
        if name in PRIVILEGED:
            self.carry_out(code)
            self.events[f"trap {name}"] += 1
        else:
            self.events["reflect exception 13"] += 1
            self.deliver(trap.event)

    def intercepted(self, code: bytes) -> None:
        """Never: in ring 1 with IOPL 0, I/O and HLT fault."""
        raise AssertionError(f"ring 1 was allowed {code.hex()}")
