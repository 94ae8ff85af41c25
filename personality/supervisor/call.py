"""A guest call as a tracer's hooks see it, before and after, whatever kernel it belongs to.

A kernel's convention says where arguments are and how failure shows; each personality registers
its own.  Before the call the guest's registers are live; after it, the runtime's frame is.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from personality.supervisor.guest import Guest

CARRY = 1
# struct frame of personality/runtime/runtime.h: the fields a hook can read or change after a call.
FRAME_RAX, FRAME_RDX, FRAME_RFLAGS = 80, 96, 128
FRAME_SIZE = 160


class Convention:
    """How a kernel is called.

    registers  the argument registers in order
    carry      failure is the carry flag with the errno in %rax; else a negative errno in %rax
    indirect   call numbers whose first argument is the number of the call that is meant
    """

    __slots__ = ("carry", "indirect", "registers")

    def __init__(
        self, registers: tuple[str, ...], *, carry: bool, indirect: frozenset[int] = frozenset()
    ) -> None:
        self.registers = registers
        self.carry = carry
        self.indirect = indirect


class Call:
    """One call of one guest thread.

    In a `before` hook, number and arguments can be read and set.  In an `after` hook, `value` is the
    result and `error` the guest's errno (0: it succeeded); `succeed` and `fail` change them.
    Numbers are unsigned, as the registers hold them.
    """

    __slots__ = ("_convention", "_frame", "_registers", "_shift", "arguments", "changed", "guest", "number")

    def __init__(self, guest: Guest, convention: Convention, registers: Any) -> None:
        self.guest = guest
        self._convention = convention
        self._registers = registers
        self._frame: bytearray | None = None
        self.changed = False
        self.number = int(registers.rax) & 0xFFFFFFFF
        self._shift = int(self.number in convention.indirect)
        words = [int(getattr(registers, name)) for name in convention.registers]
        if self._shift:
            self.number = words[0] & 0xFFFFFFFF
        self.arguments = tuple(words[self._shift :])

    @property
    def name(self) -> str:
        """As the kernel's table has it."""
        from syscalls import load

        row = load(self.guest.kernel).by_number.get(self.number)
        return row.name if row else f"call_{self.number}"

    @property
    def site(self) -> int:
        """The address after the guest's system call instruction."""
        return int(self._registers.rip)

    def set_argument(self, position: int, value: int) -> None:
        """Before the call: replace an argument that is passed in a register."""
        name = self._convention.registers[position + self._shift]
        setattr(self._registers, name, value & 0xFFFFFFFFFFFFFFFF)
        words = list(self.arguments)
        words[position] = value & 0xFFFFFFFFFFFFFFFF
        self.arguments = tuple(words)
        self.changed = True

    def set_number(self, number: int) -> None:
        """Before the call: make it another one."""
        setattr(self._registers, self._convention.registers[0] if self._shift else "rax", number)
        self.number = number
        self.changed = True

    def finished(self, frame: bytes) -> None:
        """The tracer's: the runtime's frame after the call."""
        self._frame = bytearray(frame)
        self.changed = False

    @property
    def value(self) -> int:
        """After the call: its result; 0 when it failed."""
        return 0 if self.error else self._word(FRAME_RAX)

    @property
    def second(self) -> int:
        """After the call: %rdx, where some calls leave a second result."""
        return self._word(FRAME_RDX)

    @property
    def error(self) -> int:
        """After the call: the guest kernel's errno, 0 when it succeeded."""
        word = self._word(FRAME_RAX)
        if self._convention.carry:
            return word if self._word(FRAME_RFLAGS) & CARRY else 0
        return (1 << 64) - word if word > (1 << 64) - 4096 else 0

    def succeed(self, value: int) -> None:
        """After the call: make the guest see this result."""
        self._store(FRAME_RAX, value)
        if self._convention.carry:
            self._store(FRAME_RFLAGS, self._word(FRAME_RFLAGS) & ~CARRY)

    def fail(self, error: int | str) -> None:
        """After the call: make the guest see this errno, by its name or the guest's number for it.

        Raises KeyError for a name that the guest's kernel does not have.
        """
        if isinstance(error, str):
            from syscalls import load

            error = load(self.guest.kernel).errno[error].number
        self._store(FRAME_RAX, error if self._convention.carry else -error)
        if self._convention.carry:
            self._store(FRAME_RFLAGS, self._word(FRAME_RFLAGS) | CARRY)

    @property
    def frame(self) -> bytes:
        return bytes(self._frame or b"")

    def _word(self, offset: int) -> int:
        if self._frame is None:
            raise RuntimeError("the call has not ended: results are there in the after hook")
        return int(struct.unpack_from("<Q", self._frame, offset)[0])

    def _store(self, offset: int, value: int) -> None:
        self._word(offset)
        assert self._frame is not None
        struct.pack_into("<Q", self._frame, offset, value & 0xFFFFFFFFFFFFFFFF)
        self.changed = True
