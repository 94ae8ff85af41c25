"""Paravirtualization: the guest is ported, and asks for what it may not do.

The port is the table of sites that comes with each guest's bytes; this monitor patches a call
into every one, runs the kernel in ring 1 on its own page tables (read-only to it, each update
validated), lets system calls go straight to the guest's handler, and batches what can wait.
"""

from __future__ import annotations

from sandbox.machine.monitors.deprivileged import Deprivileged
from sandbox.machine.x86 import hypercalls, layout
from sandbox.machine.x86.emulate import decode, pop
from sandbox.machine.x86.encoder import SITE_BYTES
from sandbox.machine.x86.guests import Guest
from sandbox.machine.x86.interrupts import Interruption
from sandbox.machine.x86.paging import Access, PageFault, Translation, walk
from sandbox.machine.x86.processor import GENERAL_PROTECTION, MONITOR, Stop, Trapped
from sandbox.machine.x86.state import INTERRUPT, WRITE_PROTECT, State


class Paravirtual(Deprivileged):
    """Xen's way, with hypercalls, a shared page and queues."""

    name = "paravirtual"
    what = "the guest is ported: hypercalls, batched where they can wait (Xen)"

    def __init__(self) -> None:
        super().__init__()
        self.processor.space = self
        self.page = hypercalls.routines()
        self.processor.write(hypercalls.PAGE, self.page.data)
        self._put(hypercalls.TAIL, hypercalls.QUEUE)
        self._put(hypercalls.CONSOLE_TAIL, hypercalls.CONSOLE)
        self.original: dict[int, bytes] = {}

    def prepare(self, guest: Guest) -> None:
        for site in guest.code.sites:
            self.original[site.address] = self.processor.read(site.address, site.size)
            self.processor.write(site.address, hypercalls.patch(site, self.page))

    def clean_up(self, guest: Guest) -> None:
        self.flush_queues()
        for address, code in self.original.items():
            self.processor.write(address, code)

    # The interrupt flag lives in the shared page while the guest runs.

    def enter(self) -> State:
        state = self.virtual.state
        self._put(hypercalls.FLAG, int(state.interrupts_on))
        self._put(hypercalls.PENDING, int(self.board.tick_is_due))
        return super().enter()

    def leave(self, real: State) -> None:
        super().leave(real)
        flags = self.virtual.state.eflags & ~INTERRUPT
        self.virtual.state.eflags = flags | (INTERRUPT if self.interrupts_on() else 0)

    def interrupts_on(self) -> bool:
        return bool(self._get(hypercalls.FLAG))

    def boundary(self, address: int, code: bytes) -> Stop | None:
        if address >= MONITOR:  # lent code: no guest instruction, and not interrupted
            return None
        why = super().boundary(address, code)
        if why is None and self.board.tick_is_due:
            self._put(hypercalls.PENDING, 1)
        return why

    # What brings the monitor in.

    def trapped(self, trap: Trapped) -> None:
        event, state = trap.event, self.virtual.state
        if event.software and event.vector == hypercalls.HYPERCALL_VECTOR and state.privilege == 0:
            self.hypercall()
        elif event.software:
            self.events["direct system call"] += 1  # the gate leads to ring 1: the monitor does not see it
            self.deliver(event)
        elif event.vector == 14 and trap.address is not None:
            self.page_fault(trap.address, event.error or 0)
        elif event.vector == GENERAL_PROTECTION and state.privilege == 0:
            self.general_protection(trap)
        else:
            self.events[f"bounce exception {event.vector}"] += 1
            self.deliver(event)

    def hypercall(self) -> None:
        state = self.virtual.state
        self.flush_queues()
        if state.eip != self.page.labels["called"]:
            named = {at: label for label, at in self.page.labels.items()}
            self.events[f"hypercall {named[state.eip].replace('_', ' ')}"] += 1
            return
        state.eip = pop(self.virtual) - SITE_BYTES & 0xFFFFFFFF
        code = self.original[state.eip]
        end = state.eip + len(code)
        here = state.eip
        names = []
        while state.eip == here < end and not self.ended and not self.board.ended:
            size = decode(code, here).size
            if code[:1] == b"\x90":
                break
            names.append(self.carry_out(code[:size]))
            code, here = code[size:], here + size
        self.events[f"hypercall {'+'.join(names)}"] += 1
        if state is self.virtual.state and state.eip == here:
            state.eip = end

    def flush_queues(self) -> None:
        """Carry out what was queued: page table updates, each validated, and console characters."""
        tail = self._get(hypercalls.TAIL)
        for at in range(hypercalls.QUEUE, tail, 8):
            self.update(self._get(at), self._get(at + 4))
        self._put(hypercalls.TAIL, hypercalls.QUEUE)
        if tail > hypercalls.QUEUE:
            self.processor.flush()
        tail = self._get(hypercalls.CONSOLE_TAIL)
        for at in range(hypercalls.CONSOLE, tail, 4):
            self.board.write(layout.PORT_CONSOLE, self._get(at))
            self.events["ring entry"] += 1
        self._put(hypercalls.CONSOLE_TAIL, hypercalls.CONSOLE)

    def update(self, address: int, entry: int) -> None:
        """One page table entry: a guest may map only memory that is its own."""
        self.events["validated update"] += 1
        if entry & 1 and entry & ~0xFFF >= layout.RAM_BYTES:
            self.ended = f"the guest asked to map {entry & ~0xFFF:#x}, which is not its memory"
            return
        physical = self.guest_physical(address, Access.WRITE, False)
        self.processor.write(physical, entry.to_bytes(4, "little"))

    def page_fault(self, address: int, error: int) -> None:
        try:
            self.guest_physical(address, Access.WRITE if error & 2 else Access.READ, bool(error & 4))
        except PageFault as fault:
            self.virtual.state.cr2 = fault.address
            self._put(hypercalls.CR2, fault.address)
            self.events["bounce exception 14"] += 1
            self.deliver(Interruption(14, fault.error))
            return
        self.events["trapped update"] += 1  # a store into a page table that no site announced
        self.carry_out(self.next_instruction())
        self.processor.flush()

    def translate(self, address: int, access: Access, user: bool) -> Translation:
        """The guest's own tables; its kernel cannot write what they map read-only."""
        if address >= MONITOR:
            if user:
                raise PageFault(address, 4)
            return Translation(address & ~0xFFF, True)
        cr0, cr3 = self.control()
        return walk(self.processor, cr0 | WRITE_PROTECT, cr3, address, access, user)

    def _get(self, address: int) -> int:
        return int.from_bytes(self.processor.read(address, 4), "little")

    def _put(self, address: int, value: int) -> None:
        self.processor.write(address, value.to_bytes(4, "little"))
