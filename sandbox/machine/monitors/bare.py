"""No monitor: the guest owns the processor.  What every other run is compared with."""

from __future__ import annotations

from sandbox.machine.monitors.base import Monitor
from sandbox.machine.x86.paging import Access, Translation, walk
from sandbox.machine.x86.processor import Trapped
from sandbox.machine.x86.state import State


class Bare(Monitor):
    """The real machine: devices answer, exceptions enter the guest's handlers, nothing is hidden."""

    name = "bare"
    what = "no monitor; the guest owns the machine"

    def __init__(self) -> None:
        super().__init__()
        self.processor.space = self

    def enter(self) -> State:
        return self.virtual.state

    def leave(self, real: State) -> None:
        self.virtual.state = real

    def interrupts_on(self) -> bool:
        return self.processor.interrupts_on()

    def trapped(self, trap: Trapped) -> None:
        self.raise_(trap)

    def raise_(self, trap: Trapped) -> None:
        """Enter the guest's own handler, as the hardware does."""
        event = trap.event
        self.events["system call" if event.software else f"exception {event.vector}"] += 1
        if trap.address is not None:
            self.virtual.state.cr2 = trap.address
        self.deliver(trap.event)

    def intercepted(self, code: bytes) -> None:
        self.events[self.carry_out(code)] += 1

    def translate(self, address: int, access: Access, user: bool) -> Translation:
        cr0, cr3 = self.processor.paging()
        return walk(self.processor, cr0, cr3, address, access, user)
