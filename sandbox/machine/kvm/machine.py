"""A virtual machine with one processor on /dev/kvm: memory, state, run, dirty log.

Everything is a plain ioctl.  One sentence says why when it cannot be had: no device, no permission, or a
kernel that refuses.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from sandbox.machine.kvm import interface as kvm
from sandbox.machine.x86.encoder import REGISTERS, SEGMENTS
from sandbox.machine.x86.state import State

DEVICE = "/dev/kvm"
PAGE = 4096
TASK_STATE_ADDRESS = 0x7FFB_D000  # three pages that Intel processors need, out of the guests' way


class NoKvm(RuntimeError):
    """KVM cannot be used here: one sentence that says why."""


@dataclass(frozen=True)
class Exit:
    """Why the processor came back.  For I/O and MMIO, what it wants; `where` is the data's place in
    kvm_run."""

    reason: str
    write: bool = False
    address: int = 0
    size: int = 0
    data: bytes = b""
    where: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A processor's state as KVM hands it out: what a migration or checkpoint carries besides memory."""

    registers: bytes
    special: bytes
    floating: bytes
    events: bytes

    def pack(self) -> bytes:
        return self.registers + self.special + self.floating + self.events

    @classmethod
    def unpack(cls, data: bytes) -> Snapshot:
        """Raises ValueError when the size is not that of the four structs."""
        sizes = (kvm.REGISTERS.size, kvm.SPECIAL_BYTES, kvm.FLOATING_BYTES, kvm.EVENTS_BYTES)
        if len(data) != sum(sizes):
            raise ValueError(f"a processor's state is {sum(sizes)} bytes, and this is {len(data)}")
        parts, at = [], 0
        for size in sizes:
            parts.append(data[at : at + size])
            at += size
        return cls(*parts)


def why_not() -> str | None:
    """Why KVM cannot be used, in a sentence; None when it can."""
    try:
        with Machine(PAGE):
            return None
    except NoKvm as error:
        return str(error)


class Machine:
    """One virtual machine.  `memory` is the guest's memory, from address 0."""

    def __init__(self, size: int, *, track: bool = False) -> None:
        self._open: list[int] = []
        try:
            self.memory = mmap.mmap(-1, size)
        except (OSError, OverflowError):
            raise NoKvm(f"there is no memory for a guest of {size:,} bytes") from None
        self._shared: mmap.mmap | None = None
        try:
            self._create(size, track)
        except OSError as error:
            self.close()
            raise NoKvm(f"{DEVICE} refuses to make a virtual machine: {error.strerror}") from None
        except BaseException:
            self.close()
            raise

    def _create(self, size: int, track: bool) -> None:
        try:
            system = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoKvm(
                f"there is no {DEVICE}: the processor's virtualization is absent, off, or not passed on"
            ) from None
        except PermissionError:
            raise NoKvm(f"{DEVICE} may not be opened by this user: be root, or join the group kvm") from None
        self._open.append(system)
        version = fcntl.ioctl(system, kvm.GET_API_VERSION)
        if version != kvm.API_VERSION:
            raise NoKvm(
                f"{DEVICE} speaks version {version} of its interface, and this needs {kvm.API_VERSION}"
            )
        self._vm = fcntl.ioctl(system, kvm.CREATE_VM, 0)
        self._open.append(self._vm)
        fcntl.ioctl(self._vm, kvm.SET_TSS_ADDR, TASK_STATE_ADDRESS)
        self.track(track)
        self._vcpu = fcntl.ioctl(self._vm, kvm.CREATE_VCPU, 0)
        self._open.append(self._vcpu)
        self._shared = mmap.mmap(self._vcpu, fcntl.ioctl(system, kvm.GET_VCPU_MMAP_SIZE))

    def track(self, on: bool) -> None:
        """Log which pages the guest writes, from now on."""
        buffer = ctypes.c_char.from_buffer(self.memory)
        address = ctypes.addressof(buffer)
        del buffer
        flags = kvm.LOG_DIRTY_PAGES if on else 0
        region = kvm.MEMORY_REGION.pack(0, flags, 0, len(self.memory), address)
        fcntl.ioctl(self._vm, kvm.SET_USER_MEMORY_REGION, region)

    def dirty_pages(self) -> list[int]:
        """The numbers of the pages written since the last call."""
        bits = bytearray(-(-len(self.memory) // PAGE // 64) * 8)
        holder = (ctypes.c_char * len(bits)).from_buffer(bits)
        fcntl.ioctl(self._vm, kvm.GET_DIRTY_LOG, kvm.DIRTY_LOG.pack(0, 0, ctypes.addressof(holder)))
        del holder
        value = int.from_bytes(bits, "little")
        pages = []
        while value:
            low = value & -value
            pages.append(low.bit_length() - 1)
            value ^= low
        return pages

    @property
    def descriptor(self) -> int:
        """/dev/kvm itself."""
        return self._open[0]

    @property
    def shared(self) -> mmap.mmap:
        if self._shared is None:
            raise ValueError("this machine is closed")
        return self._shared

    def run(self) -> Exit:
        """Run the guest until it leaves.  A signal to this thread ends it too: reason "interrupted"."""
        try:
            fcntl.ioctl(self._vcpu, kvm.RUN, 0)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.EAGAIN):
                return Exit("interrupted")
            raise
        shared = self.shared
        number = int.from_bytes(shared[kvm.EXIT_REASON : kvm.EXIT_REASON + 4], "little")
        reason = kvm.EXITS.get(number, f"exit {number}")
        if reason == "io":
            out, size, port, count, where = kvm.IO.unpack_from(shared, kvm.UNION)
            return Exit(reason, bool(out), port, size, shared[where : where + size * count], where)
        if reason == "mmio":
            address, data, length, is_write = kvm.MMIO.unpack_from(shared, kvm.UNION)
            return Exit(reason, bool(is_write), address, length, data[:length], kvm.UNION + 8)
        if reason == "internal error":
            reason = kvm.INTERNAL_ERRORS.get(
                int.from_bytes(shared[kvm.UNION : kvm.UNION + 4], "little"), reason
            )
        return Exit(reason)

    def answer(self, exit_: Exit, data: bytes) -> None:
        """What the guest reads from the port or address that `exit_` is about."""
        self.shared[exit_.where : exit_.where + len(data)] = data

    def stop_soon(self, on: bool = True) -> None:
        """Make the next (or, with a signal, the present) run come back at once; other threads may call it."""
        self.shared[kvm.IMMEDIATE_EXIT] = int(on)

    # Interrupts, delivered by whoever drives the machine.

    def can_interrupt(self) -> bool:
        return bool(self.shared[kvm.READY_FOR_INJECTION])

    def want_interrupt(self, on: bool) -> None:
        """Come back ("interrupt window") as soon as the guest can take one."""
        self.shared[kvm.REQUEST_INTERRUPT_WINDOW] = int(on)

    def interrupt(self, vector: int) -> None:
        fcntl.ioctl(self._vcpu, kvm.INTERRUPT, vector.to_bytes(4, "little"))

    # Physical memory, as sandbox.machine.x86.paging.Memory has it.

    def read(self, address: int, size: int) -> bytes:
        return self.memory[address : address + size]

    def write(self, address: int, data: bytes) -> None:
        self.memory[address : address + len(data)] = data

    # State.

    def snapshot(self) -> Snapshot:
        get = self._get
        return Snapshot(
            get(kvm.GET_REGISTERS, kvm.REGISTERS.size), get(kvm.GET_SPECIAL, kvm.SPECIAL_BYTES),
            get(kvm.GET_FLOATING, kvm.FLOATING_BYTES), get(kvm.GET_EVENTS, kvm.EVENTS_BYTES),
        )  # fmt: skip

    def restore(self, snapshot: Snapshot) -> None:
        fcntl.ioctl(self._vcpu, kvm.SET_SPECIAL, snapshot.special)
        fcntl.ioctl(self._vcpu, kvm.SET_REGISTERS, snapshot.registers)
        fcntl.ioctl(self._vcpu, kvm.SET_FLOATING, snapshot.floating)
        fcntl.ioctl(self._vcpu, kvm.SET_EVENTS, snapshot.events)

    def load(self, state: State) -> None:
        """Start from `state`: 32-bit protected mode with flat segments."""
        special = bytearray(self._get(kvm.GET_SPECIAL, kvm.SPECIAL_BYTES))
        for at, name in enumerate(kvm.SEGMENT_ORDER[:6]):
            selector, kind = state.segments[name], 11 if name == "cs" else 3
            ring = state.privilege if name in ("cs", "ss") else selector & 3
            segment = (0, 0xFFFFFFFF, selector, kind, 1, ring, 1, 1, 0, 1, 0, int(selector == 0), 0)
            kvm.SEGMENT.pack_into(special, at * kvm.SEGMENT.size, *segment)
        tables = 8 * kvm.SEGMENT.size
        kvm.TABLE.pack_into(special, tables, *state.gdtr)
        kvm.TABLE.pack_into(special, tables + kvm.TABLE.size, *state.idtr)
        at = tables + 2 * kvm.TABLE.size
        *_, cr8, efer, apic = kvm.CONTROL.unpack_from(special, at)
        kvm.CONTROL.pack_into(special, at, state.cr0, state.cr2, state.cr3, state.cr4, cr8, efer, apic)
        fcntl.ioctl(self._vcpu, kvm.SET_SPECIAL, bytes(special))
        general = dict(zip(REGISTERS, state.registers, strict=True))
        values = [*(general[name] for name in kvm.REGISTER_ORDER), *[0] * 8, state.eip, state.eflags]
        fcntl.ioctl(self._vcpu, kvm.SET_REGISTERS, kvm.REGISTERS.pack(*values))

    def store(self) -> State:
        registers = kvm.REGISTERS.unpack(self._get(kvm.GET_REGISTERS, kvm.REGISTERS.size))
        special = self._get(kvm.GET_SPECIAL, kvm.SPECIAL_BYTES)
        general = dict(zip(kvm.REGISTER_ORDER, registers, strict=False))
        state = State([general[name] for name in REGISTERS], registers[16], registers[17])
        selectors = {
            name: kvm.SEGMENT.unpack_from(special, at * kvm.SEGMENT.size)
            for at, name in enumerate(kvm.SEGMENT_ORDER)
        }
        state.segments = {name: selectors[name][2] for name in SEGMENTS}
        state.tr, state.ldtr = selectors["tr"][2], selectors["ldt"][2]
        state.privilege = selectors["cs"][2] & 3
        tables = 8 * kvm.SEGMENT.size
        state.gdtr = kvm.TABLE.unpack_from(special, tables)
        state.idtr = kvm.TABLE.unpack_from(special, tables + kvm.TABLE.size)
        control = kvm.CONTROL.unpack_from(special, tables + 2 * kvm.TABLE.size)
        state.cr0, state.cr2, state.cr3, state.cr4 = control[:4]
        return state

    def load_long_mode(self, tables: int, entry: int, registers: Mapping[str, int], flags: int = 2) -> None:
        """Start 64-bit code at `entry` in ring 3, on page tables whose root is at `tables`.

        Ring 3 because every KVM runs that on the processor itself; one without hardware assist below it
        (PVM) emulates ring 0 instruction by instruction.
        """
        special = bytearray(self._get(kvm.GET_SPECIAL, kvm.SPECIAL_BYTES))
        for at, name in enumerate(kvm.SEGMENT_ORDER[:6]):
            code = name == "cs"
            segment = (
                0,
                0xFFFFFFFF,
                0x33 if code else 0x2B,
                11 if code else 3,
                1,
                3,
                not code,
                1,
                code,
                1,
                0,
                0,
                0,
            )
            kvm.SEGMENT.pack_into(special, at * kvm.SEGMENT.size, *segment)
        at = 8 * kvm.SEGMENT.size + 2 * kvm.TABLE.size
        *_, apic = kvm.CONTROL.unpack_from(special, at)
        kvm.CONTROL.pack_into(special, at, kvm.CR0_LONG, 0, tables, kvm.CR4_LONG, 0, kvm.EFER_LONG, apic)
        fcntl.ioctl(self._vcpu, kvm.SET_SPECIAL, bytes(special))
        values = [registers.get(name, 0) for name in kvm.LONG_REGISTERS] + [entry, flags]
        fcntl.ioctl(self._vcpu, kvm.SET_REGISTERS, kvm.REGISTERS.pack(*values))

    def long_registers(self) -> dict[str, int]:
        """The general registers, RIP and RFLAGS by their 64-bit names."""
        values = kvm.REGISTERS.unpack(self._get(kvm.GET_REGISTERS, kvm.REGISTERS.size))
        return dict(zip((*kvm.LONG_REGISTERS, "rip", "rflags"), values, strict=True))

    def _get(self, number: int, size: int) -> bytes:
        buffer = bytearray(size)
        fcntl.ioctl(self._vcpu, number, buffer)
        return bytes(buffer)

    # The end.

    def close(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        for descriptor in reversed(self._open):
            os.close(descriptor)
        self._open.clear()
        self.memory.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
