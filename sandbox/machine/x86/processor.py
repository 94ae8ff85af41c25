"""An x86 processor, on Unicorn: runs guest code until something happens that the machine must answer.

Unicorn executes the instructions; what it leaves out is done here, in the open: translation goes
through a `Space` (Unicorn's virtual TLB asks for each page once), exceptions come back as values, and
I/O instructions obey IOPL.  Three of Unicorn 2.1's habits shape this file: a second exception becomes a
double fault unless the context is clean (so every entry restores a saved one), writing CS does not
change the ring (so there is one saved context per ring, made once by IRET), and the program counter must
not be written inside a hook (so hooks only note what happened and stop).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.machine.extras import optional
from sandbox.machine.x86 import layout
from sandbox.machine.x86.emulate import accessed
from sandbox.machine.x86.encoder import REGISTERS, SEGMENTS
from sandbox.machine.x86.interrupts import Interruption
from sandbox.machine.x86.layout import PAGE
from sandbox.machine.x86.paging import Access, PageFault, Translation
from sandbox.machine.x86.state import INTERRUPT, State

MONITOR = 0xFFC00000  # the top four megabytes belong to the monitor, as under Xen
MONITOR_BYTES = 64 * PAGE
RINGS = (0, 1, 3)
LOADING_TABLES = MONITOR + 0x3A00
INPUT_OUTPUT = frozenset((0xE4, 0xE5, 0xE6, 0xE7, 0xEC, 0xED, 0xEE, 0xEF))
HALT = 0xF4
READ_MODIFY_WRITE = frozenset((0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x80, 0x81, 0x83, 0xF7, 0xFE, 0xFF))
WRITE = 2  # in a page fault's error code
GENERAL_PROTECTION, PAGE_FAULT, INVALID_OPCODE = 13, 14, 6
PLAIN_VECTORS = frozenset((0, 1, 3, 4, 5, 6, 7))  # exceptions that push no error code


@dataclass(frozen=True)
class Trapped:
    """An exception, with EIP where its frame would say; `address` is for CR2."""

    event: Interruption
    address: int | None = None


@dataclass(frozen=True)
class Intercepted:
    """The next instruction is one that the machine was told not to execute: I/O, HLT, or as asked."""

    code: bytes


@dataclass(frozen=True)
class Interrupted:
    """An interrupt is due and the guest can take it; no instruction has begun."""


@dataclass(frozen=True)
class OutOfTime:
    """The instruction limit was reached."""


Stop = Trapped | Intercepted | Interrupted | OutOfTime


class Space(Protocol):
    """How linear addresses become physical ones."""

    def translate(self, address: int, access: Access, user: bool) -> Translation:
        """The page's translation, as a TLB may keep it.  Raises PageFault."""
        ...


class Processor:
    """RAM, the monitor's own memory above it, and the engine."""

    def __init__(self) -> None:
        unicorn = optional("unicorn", "executing guest kernels")
        optional("capstone", "executing guest kernels")  # hooks decode, and cannot say that it is missing
        self._constants: Any = optional("unicorn.x86_const", "executing guest kernels")
        self._unicorn: Any = unicorn
        self._engine: Any = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
        self._engine.mem_map(0, layout.RAM_BYTES)
        self._engine.mem_map(MONITOR, MONITOR_BYTES)
        self._ids = {name: self._register_id(name) for name in (*REGISTERS, *SEGMENTS, "eip", "eflags")}
        self._control = {name: self._register_id(name) for name in ("cr0", "cr2", "cr3", "cr4")}
        self._tables = {name: self._register_id(name) for name in ("gdtr", "idtr", "ldtr", "tr")}
        names = (*REGISTERS, "eflags", *self._control, "eip")  # EIP last: nothing may follow it
        self._plain = [self._ids.get(name) or self._control[name] for name in names]
        self.space: Space | None = None
        self.intercept: Callable[[bytes, int], bool] | None = None  # (instruction, ring)
        self.boundary: Callable[[int, bytes], Stop | None] | None = None  # (address, instruction)
        self._stop: Stop | None = None
        self._fault: PageFault | None = None
        self._instructions: dict[int, bytes] = {}  # by physical address
        self._loading = False
        self._fetched: dict[int, int] = {}  # linear page -> frame
        self._contexts = self._make_contexts()
        self._hook()

    # Physical memory.

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._engine.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        self._engine.mem_write(address, bytes(data))

    def forget_code(self) -> None:
        """Code was rewritten."""
        self._instructions.clear()
        self._engine.ctl_flush_tb()

    def flush(self) -> None:
        """Drop every TLB entry."""
        constants = self._unicorn.unicorn_const
        self._engine.ctl(constants.UC_CTL_TLB_FLUSH, constants.UC_CTL_IO_WRITE)

    # State.

    def load(self, state: State) -> None:
        """Make `state` the processor's.

        The hidden parts of its segments come from tables of this class, laid out as the board's, so
        that this is no access of the guest's to its own descriptor table.
        """
        write = self._engine.reg_write
        self._engine.context_restore(self._contexts[state.privilege])
        write(self._tables["gdtr"], (0, LOADING_TABLES + 0x40 * state.privilege, 0x3F, 0))
        self._loading = True
        self._engine.reg_write_batch([(self._ids[name], state.segments[name]) for name in SEGMENTS])
        self._loading = False
        write(self._tables["gdtr"], (0, state.gdtr[0], state.gdtr[1], 0))
        write(self._tables["idtr"], (0, state.idtr[0], state.idtr[1], 0))
        write(self._tables["ldtr"], (state.ldtr, 0, 0, 0))
        write(self._tables["tr"], (state.tr, 0, 0, 0))
        values = [
            *state.registers,
            state.eflags,
            *(getattr(state, name) for name in self._control),
            state.eip,
        ]
        self._engine.reg_write_batch(list(zip(self._plain, values, strict=True)))

    def store(self) -> State:
        """The processor's state now."""
        read = self._engine.reg_read
        values = self._engine.reg_read_batch([*self._plain, *(self._ids[name] for name in SEGMENTS)])
        state = State(list(values[:8]), eip=values[13], eflags=values[8])
        state.cr0, state.cr2, state.cr3, state.cr4 = values[9:13]
        state.segments = dict(zip(SEGMENTS, values[14:], strict=True))
        state.privilege = state.segments["cs"] & 3
        for name in ("gdtr", "idtr"):
            _, base, limit, _ = read(self._tables[name])
            setattr(state, name, (base, limit))
        state.ldtr, state.tr = read(self._tables["ldtr"])[0], read(self._tables["tr"])[0]
        return state

    def interrupts_on(self) -> bool:
        """IF now, also from within a hook."""
        return bool(self._engine.reg_read(self._ids["eflags"]) & INTERRUPT)

    def paging(self) -> tuple[int, int]:
        """CR0 and CR3 now, also from within a hook."""
        read = self._engine.reg_read
        return read(self._control["cr0"]), read(self._control["cr3"])

    # Execution.

    def run(self, state: State) -> tuple[State, Stop]:
        """Run from `state` until something happens; the state then, and what it was."""
        self._stop = self._fault = None
        self.load(state)
        try:
            self._engine.emu_start(state.eip, 0xFFFFFFFF)
        except self._unicorn.UcError as error:
            self._stop = self._stop or self._explain(error)
        after = self.store()
        if self._stop is None:
            self._stop = OutOfTime()
        if isinstance(self._stop, Trapped) and self._stop.address is not None:
            self._stop = self._exactly(self._stop, after)
        return after, self._stop

    def stop(self, why: Stop) -> None:
        """From within a hook: the instruction that was about to begin does not."""
        self._stop = why
        self._engine.emu_stop()

    def _explain(self, error: Any) -> Stop:
        if self._fault is not None:
            return Trapped(Interruption(PAGE_FAULT, self._fault.error), self._fault.address)
        if error.errno == self._unicorn.UC_ERR_INSN_INVALID:
            return Trapped(Interruption(INVALID_OPCODE))
        raise error

    def _exactly(self, trap: Trapped, state: State) -> Trapped:
        """Unicorn names the page of a fault, and of a read-modify-write the read; hardware the byte, and the
        write."""
        page, error = trap.address or 0, trap.event.error or 0
        code = self._instructions.get(self._physical(state.eip))
        found = None if code is None else accessed(code, state, page)
        address, write = found or (page, bool(error & WRITE))
        self._fault = None
        return Trapped(Interruption(PAGE_FAULT, error | (WRITE if write else 0)), address)

    def _hook(self) -> None:
        constants = self._unicorn.unicorn_const
        self._engine.ctl_set_tlb_mode(constants.UC_TLB_VIRTUAL)
        self._accesses = {
            constants.UC_MEM_READ: Access.READ,
            constants.UC_MEM_WRITE: Access.WRITE,
            constants.UC_MEM_FETCH: Access.FETCH,
        }
        self._engine.hook_add(constants.UC_HOOK_INTR, self._on_exception)
        self._engine.hook_add(constants.UC_HOOK_CODE, self._on_instruction)
        self._engine.hook_add(constants.UC_HOOK_TLB_FILL, self._on_fill)

    def _on_exception(self, engine: Any, number: int, _data: object) -> None:
        code = self._instructions.get(self._physical(engine.reg_read(self._ids["eip"]) - 2), b"")
        if code[:1] == b"\xcd" and code[1] == number:
            self._stop = Trapped(Interruption(number, software=True))
        else:
            self._stop = Trapped(Interruption(number, None if number in PLAIN_VECTORS else 0))
        engine.emu_stop()

    def _on_instruction(self, engine: Any, address: int, size: int, _data: object) -> None:
        if self._stop is not None:
            return
        physical = self._physical(address)
        code = self._instructions.get(physical)
        if code is None:
            code = self._instructions[physical] = self.read(physical, max(1, min(size, 15)))
        why = self.boundary(address, code) if self.boundary is not None else None
        if why is not None:
            self.stop(why)
            return
        first = code[0]
        if first not in INPUT_OUTPUT and first != HALT and self.intercept is None:
            return
        ring = engine.reg_read(self._ids["cs"]) & 3
        if first in INPUT_OUTPUT:
            allowed = ring <= engine.reg_read(self._ids["eflags"]) >> 12 & 3
            self.stop(Intercepted(code) if allowed else Trapped(Interruption(GENERAL_PROTECTION, 0)))
        elif (first == HALT and ring == 0) or (self.intercept is not None and self.intercept(code, ring)):
            self.stop(Intercepted(code))

    def _on_fill(self, engine: Any, address: int, access: int, entry: Any, _data: object) -> bool:
        kind = self._accesses.get(access, Access.READ)
        page = address & ~(PAGE - 1)
        if self.space is None or self._loading:
            frame, writable = page, True
        else:
            user = engine.reg_read(self._ids["cs"]) & 3 == 3
            if kind is Access.READ and self._modifies(engine, page):
                kind = Access.WRITE
            try:
                found = self.space.translate(address, kind, user)
            except PageFault as fault:
                self._fault = self._fault or fault  # stopping translates the end address too
                return False
            frame, writable = found.frame, found.writable
        if kind is Access.FETCH:
            self._fetched[page] = frame
        entry.paddr = frame
        entry.perms = 7 if writable or kind is Access.WRITE else 5
        return True

    def _modifies(self, engine: Any, page: int) -> bool:
        """Whether this read is half of a read-modify-write, which hardware translates once, as a write."""
        eip = engine.reg_read(self._ids["eip"])
        code = self._instructions.get(self._physical(eip))
        if code is None or code[0] not in READ_MODIFY_WRITE:
            return False
        registers = [engine.reg_read(self._ids[name]) for name in REGISTERS]
        found = accessed(code, State(registers, eip), page)
        return found is not None and found[1]

    def _physical(self, address: int) -> int:
        return self._fetched.get(address & ~(PAGE - 1), address & ~(PAGE - 1)) | address & (PAGE - 1)

    def _register_id(self, name: str) -> int:
        return int(getattr(self._constants, f"UC_X86_REG_{name.upper()}"))

    def _make_contexts(self) -> dict[int, Any]:
        """One clean context per ring.  Ring 0 is the reset state; the others are entered by IRET."""
        table, stub, stack = MONITOR + 0x3000, MONITOR + 0x3800, MONITOR + 0x3900
        for ring in RINGS:
            tables = bytearray(layout.tables())
            for at in (8, 16):
                tables[at + 5] |= ring << 5
            self.write(LOADING_TABLES + 0x40 * ring, bytes(tables))
        flat = b"".join(
            layout.descriptor(0, 0xFFFFF, access | ring << 5, 0xC)
            for ring in RINGS
            for access in (0x9B, 0x93)
        )
        self.write(table, bytes(8) + flat)
        self.write(stub, b"\xcf\x90")
        write = self._engine.reg_write
        write(self._control["cr0"], 0x11)
        write(self._tables["gdtr"], (0, table, 8 + len(flat) - 1, 0))
        for name in SEGMENTS:
            write(self._ids[name], 0x08 if name == "cs" else 0x10)
        contexts = {0: self._engine.context_save()}
        for at, ring in enumerate(RINGS[1:], 1):
            self._engine.context_restore(contexts[0])
            code, data = 8 + 16 * at | ring, 16 + 16 * at | ring
            self.write(stack, struct.pack("<5I", stub + 1, code, 2, stack, data))
            write(self._ids["esp"], stack)
            self._engine.emu_start(stub, stub + 1)
            for name in ("ds", "es", "fs", "gs"):
                write(self._ids[name], data)
            contexts[ring] = self._engine.context_save()
        return contexts
