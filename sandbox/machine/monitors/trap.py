"""Trap and emulate: the guest kernel runs deprivileged, and what is privileged traps.

VM/370's way, and Popek and Goldberg's construction.  On x86 it cannot work for every guest: some
instructions are sensitive and do not trap, and the guest goes on with a wrong answer.  This monitor does
nothing about that, so that it shows.
"""

from __future__ import annotations

from sandbox.machine.monitors.deprivileged import Deprivileged
from sandbox.machine.x86.interrupts import Interruption
from sandbox.machine.x86.paging import Access, PageFault
from sandbox.machine.x86.processor import GENERAL_PROTECTION, Trapped
from sandbox.machine.x86.shadow import ShadowSpace


class TrapAndEmulate(Deprivileged):
    """Every privileged instruction and exception enters the monitor; memory is shadowed."""

    name = "trap-and-emulate"
    what = "the guest kernel runs in ring 1, and what is privileged traps"

    def __init__(self) -> None:
        super().__init__()
        self.shadow = ShadowSpace(self.processor, self.control, self.processor.flush, self.events)
        self.processor.space = self.shadow

    def trapped(self, trap: Trapped) -> None:
        event = trap.event
        if event.vector == 14 and trap.address is not None:
            self.page_fault(trap.address, event.error or 0)
        elif event.vector == GENERAL_PROTECTION and self.virtual.state.privilege == 0:
            self.general_protection(trap)
        else:
            self.events["reflect system call" if event.software else f"reflect exception {event.vector}"] += 1
            self.deliver(event)

    def page_fault(self, address: int, error: int) -> None:
        """A fault that the shadow could not serve: a store into a page table, or the guest's own."""
        state = self.virtual.state
        write = bool(error & 2)
        try:
            physical = self.guest_physical(address, Access.WRITE if write else Access.READ, bool(error & 4))
        except PageFault as fault:
            state.cr2 = fault.address
            self.events["reflect exception 14"] += 1
            self.deliver(Interruption(14, fault.error))
            return
        self.events["traced write"] += 1
        self.carry_out(self.next_instruction())
        self.shadow.written(physical)

    def translation_changed(self) -> None:
        for address in self.virtual.invalidated:
            self.shadow.invalidate(address)
        self.processor.flush()
