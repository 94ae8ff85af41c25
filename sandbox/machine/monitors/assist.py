"""Hardware assist: the guest owns ring 0 of its own, and only what the monitor asked for leaves it.

S/370's interpretive execution (SIE) and the x86 extensions of 2005: descriptor tables, the interrupt
flag and system calls stay the guest's.  The first generation has no help for memory, so page faults,
CR3 loads and INVLPG leave for the monitor's shadow tables; the second walks nested tables and leaves
only for a page that it does not have yet.
"""

from __future__ import annotations

from sandbox.machine.monitors.bare import Bare
from sandbox.machine.x86.emulate import decode
from sandbox.machine.x86.interrupts import Interruption
from sandbox.machine.x86.paging import Access, PageFault, Translation
from sandbox.machine.x86.processor import Trapped
from sandbox.machine.x86.shadow import ShadowSpace


class Assisted(Bare):
    """First generation: exits for I/O, HLT, control registers, INVLPG, and page faults (shadow tables)."""

    name = "assist"
    what = "hardware assist of the first generation (VT-x, SIE), with shadow page tables"
    interrupt_event = "exit interrupt"

    def __init__(self) -> None:
        super().__init__()
        self.shadow = ShadowSpace(self.processor, self.processor.paging, self.processor.flush, self.events)
        self.processor.space = self.shadow
        self.processor.intercept = self.leaves

    def leaves(self, code: bytes, ring: int) -> bool:
        """Control register writes and INVLPG of the guest's kernel."""
        if ring != 0 or code[0] != 0x0F:
            return False
        return code[1] == 0x22 or (code[1] == 0x01 and code[2] >> 3 & 7 == 7)

    def intercepted(self, code: bytes) -> None:
        self.events[f"exit {exit_name(code, self.virtual.state.eip)}"] += 1
        self.carry_out(code)

    def translation_changed(self) -> None:
        for address in self.virtual.invalidated:
            self.shadow.invalidate(address)
        self.processor.flush()

    def trapped(self, trap: Trapped) -> None:
        event = trap.event
        if event.vector != 14 or trap.address is None:
            self.raise_(trap)  # no exit: the guest's own table serves it
            return
        error, state = event.error or 0, self.virtual.state
        access = Access.WRITE if error & 2 else Access.READ
        try:
            physical = self.guest_physical(trap.address, access, bool(error & 4))
        except PageFault as fault:
            state.cr2 = fault.address
            self.events["exit page fault"] += 1
            self.deliver(Interruption(14, fault.error))
            return
        self.events["exit traced write"] += 1
        self.carry_out(self.next_instruction())
        self.shadow.written(physical)


class Nested(Bare):
    """Second generation: nested page tables, filled as the guest first touches each of its pages."""

    name = "assist-nested"
    what = "hardware assist of the second generation, with nested page tables"
    interrupt_event = "exit interrupt"

    def __init__(self) -> None:
        super().__init__()
        self.present: set[int] = set()
        self.processor.intercept = self.leaves

    def leaves(self, code: bytes, ring: int) -> bool:
        """MOV to CR0 only: paging is switched on once; CR3 is the guest's own."""
        return ring == 0 and code[:2] == b"\x0f\x22" and code[2] >> 3 & 7 == 0

    def intercepted(self, code: bytes) -> None:
        self.events[f"exit {exit_name(code, self.virtual.state.eip)}"] += 1
        self.carry_out(code)

    def trapped(self, trap: Trapped) -> None:
        self.raise_(trap)

    def translate(self, address: int, access: Access, user: bool) -> Translation:
        found = super().translate(address, access, user)
        for frame in (*found.tables, found.frame):
            if frame not in self.present:
                self.present.add(frame)
                self.events["exit nested fault"] += 1
        return found


def exit_name(code: bytes, address: int) -> str:
    """The exit's reason, as `perf kvm stat` would name it."""
    instruction = decode(code, address)
    name = str(instruction.mnemonic)
    return "control register" if name == "mov" else {"in": "port", "out": "port"}.get(name, name)
