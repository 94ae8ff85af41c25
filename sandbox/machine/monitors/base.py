"""What every monitor is: a loop that runs the guest until something happens, and answers it.

`Run` is the outcome: the final state, every event with its exact count, and how it ended.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass

from sandbox.machine.x86 import layout
from sandbox.machine.x86.board import Board
from sandbox.machine.x86.emulate import NotEmulated, Virtual, decode, emulate
from sandbox.machine.x86.guests import Guest
from sandbox.machine.x86.interrupts import DOUBLE_FAULT, Interruption, Shutdown, deliver
from sandbox.machine.x86.paging import Access, Linear, PageFault, walk
from sandbox.machine.x86.processor import Intercepted, Interrupted, OutOfTime, Processor, Stop, Trapped
from sandbox.machine.x86.state import State, reset_state

INSTRUCTION_LIMIT = 60_000  # several times what the longest guest needs: a guest beyond it never ends
STI = b"\xfb"
PAGE_FAULT = 14


@dataclass(frozen=True)
class Run:
    """One guest on one monitor.  `ended` is "exit" when the guest left by its exit port."""

    guest: Guest
    monitor: str
    ended: str
    state: State
    memory: bytes
    console: bytes
    instructions: int
    events: Counter[str]


class Monitor(ABC):
    """The parts that do not depend on how the guest is confined."""

    name = ""
    what = ""
    interrupt_event = "interrupt"

    def __init__(self) -> None:
        self.processor = Processor()
        self.board = Board()
        self.events: Counter[str] = Counter()
        state = reset_state(
            layout.CODE,
            layout.KERNEL_STACK,
            (layout.GDT, 8 * layout.GDT_ENTRIES - 1),
            (layout.KERNEL_CODE, layout.KERNEL_DATA),
        )
        self.virtual = Virtual(state, Linear(self.processor, self.guest_physical), self.board)
        self.processor.boundary = self.boundary
        self.ended = ""

    def run(self, guest: Guest) -> Run:
        """Run the guest to its end.  A monitor object runs one guest."""
        self.processor.write(0, guest.image())
        self.prepare(guest)
        while not self.ended:
            real, stop = self.processor.run(self.enter())
            self.leave(real)
            try:
                self.answer(stop)
            except (Shutdown, NotEmulated) as error:
                self.ended = str(error)
            if self.board.ended:
                self.ended = "exit"
        self.clean_up(guest)
        memory = self.processor.read(0, layout.RAM_BYTES)
        return Run(
            guest, self.name, self.ended, self.virtual.state, memory, bytes(self.board.console),
            self.board.instructions, self.events,
        )  # fmt: skip

    def prepare(self, guest: Guest) -> None:  # noqa: B027  most monitors have nothing to do
        """Before the first instruction."""

    def clean_up(self, guest: Guest) -> None:  # noqa: B027
        """After the last one."""

    @abstractmethod
    def enter(self) -> State:
        """The state for the real processor to run the guest's virtual processor."""

    @abstractmethod
    def leave(self, real: State) -> None:
        """Take the real processor's state back into the virtual processor."""

    @abstractmethod
    def trapped(self, trap: Trapped) -> None:
        """The guest raised an exception."""

    @abstractmethod
    def intercepted(self, code: bytes) -> None:
        """The guest is at an instruction that it may not execute itself."""

    def interrupts_on(self) -> bool:
        """Whether the guest can take an interrupt now, from within a hook."""
        return self.virtual.state.interrupts_on

    def answer(self, stop: Stop) -> None:
        match stop:
            case Trapped():
                self.trapped(stop)
            case Intercepted(code):
                self.intercepted(code)
            case Interrupted():
                self.tick()
            case OutOfTime():
                limit = f"{INSTRUCTION_LIMIT:,} instructions"
                self.ended = f"it did not end within {limit} ({self.virtual.state.eip:#x} was next)"

    def boundary(self, address: int, code: bytes) -> Stop | None:
        """Between two instructions: the clock, and interrupts."""
        board = self.board
        inhibited, self.virtual.inhibited = self.virtual.inhibited, False
        if board.tick_is_due and not inhibited and self.interrupts_on():
            return Interrupted()
        board.instructions += 1
        if board.instructions > INSTRUCTION_LIMIT:
            return OutOfTime()
        if code == STI and not self.interrupts_on():
            self.virtual.inhibited = True
        return None

    def tick(self) -> None:
        """Deliver the timer's interrupt."""
        self.board.acknowledge()
        self.events[self.interrupt_event] += 1
        self.deliver(Interruption(layout.TIMER_VECTOR))

    def deliver(self, event: Interruption) -> None:
        """Enter the guest's handler; a page fault on the way is the guest's own."""
        attempt = self.virtual.state.copy()
        try:
            deliver(attempt, self.virtual.memory, event)
        except PageFault as fault:
            if event.vector in (PAGE_FAULT, DOUBLE_FAULT):
                raise Shutdown("the guest faulted while a page fault was delivered to it") from None
            self.virtual.state.cr2 = fault.address
            self.deliver(Interruption(PAGE_FAULT, fault.error))
            return
        self.virtual.state = attempt

    def carry_out(self, code: bytes) -> str:
        """Emulate the instruction at EIP and what follows from it; its mnemonic."""
        self.virtual.inhibited = False
        try:
            name = emulate(self.virtual, code)
        except PageFault as fault:
            self.virtual.state.cr2 = fault.address
            self.deliver(Interruption(PAGE_FAULT, fault.error))
            return "page fault"
        if self.virtual.changed or self.virtual.invalidated:
            self.translation_changed()
            self.virtual.changed.clear()
            self.virtual.invalidated.clear()
        if self.virtual.halted:
            self.virtual.halted = False
            if not self.virtual.state.interrupts_on or not self.board.halt():
                self.ended = f"it halted for ever at {self.virtual.state.eip:#x}"
        return name

    def translation_changed(self) -> None:
        """A control register, a descriptor table or a translation changed under emulation."""
        self.processor.flush()

    def guest_physical(self, address: int, access: Access, user: bool, mark: bool = True) -> int:
        """Where a guest address lies in the guest's memory, by the guest's own tables.

        `mark` for an access on the guest's behalf; without it, a look by the monitor leaves no trace.
        """
        state = self.virtual.state
        return walk(self.processor, state.cr0, state.cr3, address, access, user, mark).frame | address & 0xFFF

    def next_instruction(self) -> bytes:
        """The bytes at the guest's EIP, just one instruction."""
        state = self.virtual.state
        physical = self.peek(state.eip, Access.FETCH, state.privilege == 3)
        code = self.processor.read(physical, min(15, layout.RAM_BYTES - physical))
        return code[: decode(code, state.eip).size]

    def peek(self, address: int, access: Access, user: bool) -> int:
        return self.guest_physical(address, access, user, mark=False)
