"""The same bytes on the processor itself, through /dev/kvm: the hardware's word against the models'.

The guests' time is counted in instructions, which KVM does not count, so here a tick comes when the guest
sleeps, or from an interval timer of the host's when it computes.  No guest's final state depends on when.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter

from sandbox.machine.kvm.machine import Exit, Machine
from sandbox.machine.monitors.base import Run
from sandbox.machine.x86 import layout
from sandbox.machine.x86.board import Board
from sandbox.machine.x86.emulate import NotEmulated, Virtual, emulate
from sandbox.machine.x86.guests import Guest
from sandbox.machine.x86.paging import Access, Linear, PageFault, walk
from sandbox.machine.x86.state import State, reset_state

TICK_SECONDS = 0.002
TICK_LIMIT = 2_000  # a guest that computed through that many ticks never ends


class Kvm:
    """Runs guests on /dev/kvm.  Raises NoKvm where it cannot be had."""

    name = "kvm"
    what = "the processor's own assist, through /dev/kvm"

    def run(self, guest: Guest) -> Run:
        with Machine(layout.RAM_BYTES) as machine:
            machine.memory[:] = guest.image()
            table = (layout.GDT, 8 * layout.GDT_ENTRIES - 1)
            segments = (layout.KERNEL_CODE, layout.KERNEL_DATA)
            machine.load(reset_state(layout.CODE, layout.KERNEL_STACK, table, segments))
            board, events = Board(), Counter[str]()
            ended = _Drive(machine, board, events).until_it_ends()
            memory, state = bytes(machine.memory), machine.store()
            return Run(guest, self.name, ended, state, memory, bytes(board.console), 0, events)


class _Drive:
    def __init__(self, machine: Machine, board: Board, events: Counter[str]) -> None:
        self.machine, self.board, self.events = machine, board, events
        self.due = False  # a tick waits for the guest to take it
        self.ticks = 0

    def until_it_ends(self) -> str:
        with _Alarm(self.machine):
            while True:
                exit_ = self.machine.run()
                ended = self.answer(exit_)
                if ended:
                    return ended
                self.inject()

    def answer(self, exit_: Exit) -> str:
        """Serve one exit; how the guest ended, if it did."""
        if exit_.reason == "io":
            self.events["exit port"] += 1
            self.port(exit_)
            if not self.board.ended:
                return ""
            self.machine.stop_soon()  # one more entry completes the OUT, so that EIP stands behind it
            self.machine.run()
            return "exit"
        if exit_.reason == "hlt":
            self.events["exit hlt"] += 1
            if self.board.deadline is None and not self.due:
                return f"it halted for ever at {self.machine.store().eip:#x}"
            self.due = True
            return ""
        if exit_.reason == "interrupt window":
            self.events["exit interrupt window"] += 1
            return ""
        if exit_.reason == "interrupted":
            self.machine.stop_soon(False)
            self.due = self.due or self.board.deadline is not None
            self.ticks += 1
            return "" if self.ticks < TICK_LIMIT else f"it did not end within {TICK_LIMIT} ticks"
        if exit_.reason == "emulation":
            return self.emulate()
        return f"KVM says {exit_.reason} at {self.machine.store().eip:#x}"

    def emulate(self) -> str:
        """An instruction that KVM's own emulator lacks (protected-mode IRET, LAR): carry it out here.

        Only a KVM that emulates kernels asks for that, such as PVM, which has no hardware assist below it.
        """
        state = self.machine.store()
        linear = Linear(
            self.machine, lambda address, access, user: self.physical(state, address, access, user)
        )
        virtual = Virtual(state, linear, self.board)
        physical = self.physical(state, state.eip, Access.FETCH, state.privilege == 3)
        try:
            name = emulate(virtual, self.machine.read(physical, 15))
        except (NotEmulated, PageFault) as error:
            return f"KVM cannot run it here: {error}"
        self.events[f"exit emulation of {name}"] += 1
        self.machine.load(virtual.state)
        return ""

    def physical(self, state: State, address: int, access: Access, user: bool) -> int:
        return walk(self.machine, state.cr0, state.cr3, address, access, user).frame | address & 0xFFF

    def port(self, exit_: Exit) -> None:
        if exit_.write:
            self.board.write(exit_.address, int.from_bytes(exit_.data, "little"))
        else:
            self.machine.answer(exit_, self.board.read(exit_.address).to_bytes(exit_.size, "little"))

    def inject(self) -> None:
        if not self.due:
            return
        if self.machine.can_interrupt():
            self.machine.want_interrupt(False)
            self.machine.interrupt(layout.TIMER_VECTOR)
            self.board.acknowledge()
            self.events["interrupt"] += 1
            self.due = False
        else:
            self.machine.want_interrupt(True)


class _Alarm:
    """A periodic signal to this thread, so that a guest that only computes comes back now and then."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.usable = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self.usable:
            self.before = signal.signal(signal.SIGALRM, lambda *_: self.machine.stop_soon())
            signal.setitimer(signal.ITIMER_REAL, TICK_SECONDS, TICK_SECONDS)

    def __exit__(self, *_: object) -> None:
        if self.usable:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.before)
