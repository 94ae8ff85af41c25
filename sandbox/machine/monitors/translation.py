"""Binary translation: the guest kernel never runs as it is, only what the translator made of it.

User code runs directly.  Nothing sensitive is left to chance, so every guest ends as on the bare
machine; and a callout within the cache is cheaper than a trap.
"""

from __future__ import annotations

from sandbox.machine.monitors.trap import TrapAndEmulate
from sandbox.machine.x86.emulate import decode, pop, stored_to
from sandbox.machine.x86.encoder import REGISTERS
from sandbox.machine.x86.interrupts import Interruption
from sandbox.machine.x86.paging import Access, PageFault
from sandbox.machine.x86.processor import MONITOR, Stop, Trapped
from sandbox.machine.x86.state import State
from sandbox.machine.x86.translator import CALLOUT_VECTOR, Callout, Kind, Translator

ADAPT_AFTER = 2  # traced faults from one store before it becomes a callout


class BinaryTranslation(TrapAndEmulate):
    """VMware Workstation's way: scan, rewrite, cache; adapt to stores that hit page tables."""

    name = "translation"
    what = "the guest kernel is rewritten before it runs; user code runs directly (VMware)"

    def __init__(self) -> None:
        super().__init__()
        self.translator = Translator(self.processor, self._fetch, self.events)
        self.traced_from: dict[int, int] = {}

    def _fetch(self, address: int) -> bytes:
        saved, self.virtual.state.eip = self.virtual.state.eip, address
        try:
            return self.next_instruction()
        finally:
            self.virtual.state.eip = saved

    def enter(self) -> State:
        in_kernel = self.virtual.state.privilege == 0
        translated = self._translated() if in_kernel else self.virtual.state.eip
        real = super().enter()
        real.eip = translated
        if self.translator.changed:
            self.processor.forget_code()
            self.translator.changed = False
        return real

    def _translated(self) -> int:
        """The cache address for the guest's EIP, whose page counts as fetched from."""
        try:
            self.guest_physical(self.virtual.state.eip, Access.FETCH, False)
        except PageFault as fault:
            self.virtual.state.cr2 = fault.address
            self.events["reflect exception 14"] += 1
            self.deliver(Interruption(14, fault.error))
        return self.translator.find(self.virtual.state.eip)

    def leave(self, real: State) -> None:
        self.left_at = real.eip
        super().leave(real)
        state = self.virtual.state
        if real.eip >= MONITOR:
            state.eip = self.translator.origin[real.eip]

    def boundary(self, address: int, code: bytes) -> Stop | None:
        if address >= MONITOR and address not in self.translator.starts:
            return None
        return super().boundary(address, code)

    def trapped(self, trap: Trapped) -> None:
        if trap.event.software and trap.event.vector == CALLOUT_VECTOR and self.left_at >= MONITOR:
            self.callout(self.translator.callouts[self.left_at])
        else:
            super().trapped(trap)

    def callout(self, callout: Callout) -> None:
        state = self.virtual.state
        state.eip = callout.guest
        if callout.kind == Kind.EMULATE:
            name = (
                self.store(callout)
                if callout.guest in self.translator.adapted
                else self.carry_out(callout.code)
            )
            self.events[f"callout {name}"] += 1
        elif callout.kind == Kind.CHAIN:
            self.translator.chain(callout)
            state.eip = callout.target
        elif callout.kind == Kind.RETURN:
            self.events["lookup"] += 1
            state.eip = pop(self.virtual)
        elif callout.kind == Kind.LOOKUP:
            self.events["lookup"] += 1
            state.eip = self.target(callout)
        else:
            self.events["reflect system call"] += 1
            state.eip += len(callout.code)
            self.deliver(Interruption(callout.code[1], software=True))

    def store(self, callout: Callout) -> str:
        """A store that was found to hit page tables: no fault any more, but the shadow must follow."""
        place = stored_to(callout.code, self.virtual.state)
        name = self.carry_out(callout.code)
        if name != "page fault" and place is not None:
            self.shadow.written(self.peek(place, Access.WRITE, False))
        return "store" if name == "mov" else name

    def target(self, callout: Callout) -> int:
        """Where an indirect call or jump leads."""
        instruction = decode(callout.code, callout.guest)
        return self.virtual.state.registers[REGISTERS.index(instruction.op_str)]

    def page_fault(self, address: int, error: int) -> None:
        state, before = self.virtual.state, self.events["traced write"]
        guest, kernel = state.eip, state.privilege == 0
        super().page_fault(address, error)
        if kernel and self.events["traced write"] > before:
            self.traced_from[guest] = self.traced_from.get(guest, 0) + 1
            if self.traced_from[guest] >= ADAPT_AFTER:
                self.translator.adapt(guest)
