"""The same z/Architecture bytes bare, and under trap-and-emulate in the problem state.

Unicorn executes; interruptions (swapping PSWs in low storage) are done here, once, for both: they
are the microcode of the bare machine and the reflection of the monitor.  Unicorn 2.1 leaves three
things out that matter here: it does not tell the code of a program interruption, so that is decided
from the instruction; DIAGNOSE in the supervisor state does nothing, so it is caught before it runs; and
instruction counts are taken from its code hook.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.machine.extras import optional
from sandbox.machine.s390 import guests
from sandbox.machine.s390.guests import MEMORY, PROBLEM, PROGRAM, SUPERVISOR_CALL, WIDE, Guest

DIAGNOSE = 0x83
OPERATION, PRIVILEGED_OPERATION, FIXED_POINT_DIVIDE = 1, 2, 9
LIMIT = 50_000
SVC_EXCEPTION = 2  # Unicorn's number for it; 3 is a program interruption
PRIVILEGED: dict[bytes, str] = {
    b"\x80": "ssm", b"\x82": "lpsw", b"\x83": "diag", b"\xac": "stnsm", b"\xad": "stosm", b"\xb6": "stctl",
    b"\xb7": "lctl", b"\xb2\xb2": "lpswe", b"\xb2\x02": "stidp", b"\xb2\x10": "spx", b"\xb2\x11": "stpx",
    b"\xb2\x12": "stap", b"\xb2\x0d": "ptlb",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One guest, bare or not: registers 0-15, PSW mask, memory, and how it ended."""

    monitor: str
    ended: str
    registers: tuple[int, ...]
    mask: int
    memory: bytes
    instructions: int
    events: Counter[str]


class Machine:
    """The bare machine."""

    name = "bare"

    def __init__(self) -> None:
        unicorn = optional("unicorn", "executing guest kernels")
        constants: Any = optional("unicorn.s390x_const", "executing guest kernels")
        self._unicorn: Any = unicorn
        self._engine: Any = unicorn.Uc(unicorn.UC_ARCH_S390X, unicorn.UC_MODE_BIG_ENDIAN)
        self._engine.mem_map(0, MEMORY)
        self._general = [getattr(constants, f"UC_S390X_REG_R{at}") for at in range(16)]
        self._control = [getattr(constants, f"UC_S390X_REG_CR{at}") for at in range(16)]
        self._mask, self._address = constants.UC_S390X_REG_PSWM, constants.UC_S390X_REG_PC
        self._engine.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        self._engine.hook_add(unicorn.UC_HOOK_CODE, self._on_instruction)
        self._clean = self._engine.context_save()
        self.events: Counter[str] = Counter()
        self.mask, self.address = WIDE, guests.CODE  # the guest's PSW
        self.control = [0] * 16
        self.prefix = 0
        self.instructions = 0
        self.ended = ""
        self._exception: int | None = None

    def run(self, guest: Guest) -> Run:
        """Run the guest to its end.  A machine runs one guest."""
        self.write(0, guest.image())
        general = [0] * 16
        while not self.ended:
            general = self._execute(general)
        memory = self.read(0, MEMORY)
        return Run(self.name, self.ended, tuple(general), self.mask, memory, self.instructions, self.events)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._engine.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        self._engine.mem_write(address, data)

    @property
    def real_mask(self) -> int:
        """The PSW mask that the processor runs with."""
        return self.mask

    def take_back(self, mask: int) -> None:
        """The guest's PSW mask after the processor ran with its own."""
        self.mask = mask

    def _execute(self, general: list[int]) -> list[int]:
        """Run until something happens, and answer it; the general registers then."""
        self._exception = None
        engine = self._engine
        engine.context_restore(self._clean)  # a pending exception would make the next one fatal
        for identity, value in zip(self._general + self._control, general + self.control, strict=True):
            engine.reg_write(identity, value)
        engine.reg_write(self._mask, self.real_mask)
        engine.emu_start(self.address, MEMORY)
        general = [engine.reg_read(identity) for identity in self._general]
        self.address = engine.reg_read(self._address)
        self.take_back(engine.reg_read(self._mask))
        self.read_control([engine.reg_read(identity) for identity in self._control])
        self.answer(general)
        return general

    def read_control(self, values: list[int]) -> None:
        self.control = values

    def answer(self, general: list[int]) -> None:
        if self.ended:
            return
        if self._exception == SVC_EXCEPTION:
            self.events["supervisor call"] += 1
            self.interrupt(SUPERVISOR_CALL, self.read(self.address + 1, 1)[0], 2)
        elif self._exception is not None:
            self.program(general)
        else:
            self.diagnose()

    def program(self, general: list[int]) -> None:
        """A program interruption of the guest's own."""
        self.events["program interruption"] += 1
        self.reflect_program()

    def reflect_program(self) -> None:
        code = self.read(self.address, 4)
        length = (2, 4, 4, 6)[code[0] >> 6]
        reason = OPERATION
        if self.privileged(code):
            reason = PRIVILEGED_OPERATION
        elif code[0] == 0x1D:
            reason = FIXED_POINT_DIVIDE
        self.interrupt(PROGRAM, reason, length)

    def privileged(self, code: bytes) -> str | None:
        return PRIVILEGED.get(code[:1]) or PRIVILEGED.get(code[:2])

    def interrupt(self, kind: str, code: int, length: int) -> None:
        """Store the old PSW, which stands behind the instruction; load the new one."""
        old, new = guests.OLD_PSW[kind] + self.prefix, guests.NEW_PSW[kind] + self.prefix
        self.write(old, self.mask.to_bytes(8, "big") + (self.address + length).to_bytes(8, "big"))
        self.write(guests.CODES[kind] + self.prefix, bytes([0, length]) + code.to_bytes(2, "big"))
        self.load_psw(new)

    def load_psw(self, place: int) -> None:
        data = self.read(place, 16)
        self.mask, self.address = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")
        if not self.mask & WIDE or self.address >= MEMORY:
            self.ended = f"the PSW at {place:#x} is not one to run with"

    def diagnose(self) -> None:
        """DIAGNOSE: this machine's exit, or nothing."""
        code = self.read(self.address, 4)
        self.address += 4
        if int.from_bytes(code[2:4], "big") & 0xFFF == guests.EXIT:
            self.ended = "exit"

    # Hooks only note what happened.

    def _on_exception(self, engine: Any, number: int, _data: object) -> None:
        self._exception = number
        engine.emu_stop()

    def _on_instruction(self, engine: Any, address: int, _size: int, _data: object) -> None:
        self.instructions += 1
        if self.instructions > LIMIT:
            self.ended = f"it did not end within {LIMIT:,} instructions"
            engine.emu_stop()
        elif engine.mem_read(address, 1)[0] == DIAGNOSE and not engine.reg_read(self._mask) & PROBLEM:
            engine.emu_stop()


class TrapAndEmulate(Machine):
    """The guest's kernel in the problem state; what is privileged traps and is carried out here (VM/370)."""

    name = "trap-and-emulate"

    @property
    def real_mask(self) -> int:
        return self.mask | PROBLEM

    def take_back(self, mask: int) -> None:
        self.mask = mask & ~PROBLEM | self.mask & PROBLEM

    def read_control(self, values: list[int]) -> None:
        """Control registers are the monitor's; the guest's are kept here."""

    def program(self, general: list[int]) -> None:
        code = self.read(self.address, 4)
        name = self.privileged(code)
        if name is None or self.mask & PROBLEM:
            self.events["reflect program interruption"] += 1
            self.reflect_program()
            return
        self.events[f"trap {name}"] += 1
        before = self.address
        place = int.from_bytes(code[2:4], "big")
        base = place >> 12
        target = (general[base] if base else 0) + (place & 0xFFF) & (1 << 64) - 1
        _EMULATED[name](self, code, target)
        if self.address == before and not self.ended:
            self.address += 4


def _system_mask(machine: TrapAndEmulate, value: int) -> None:
    machine.mask = machine.mask & ~(0xFF << 56) | value << 56


def _ssm(machine: TrapAndEmulate, _code: bytes, place: int) -> None:
    _system_mask(machine, machine.read(place, 1)[0])


def _stnsm(machine: TrapAndEmulate, code: bytes, place: int) -> None:
    machine.write(place, bytes([machine.mask >> 56]))
    _system_mask(machine, machine.mask >> 56 & code[1])


def _stosm(machine: TrapAndEmulate, code: bytes, place: int) -> None:
    machine.write(place, bytes([machine.mask >> 56]))
    _system_mask(machine, machine.mask >> 56 | code[1])


def _lpswe(machine: TrapAndEmulate, _code: bytes, place: int) -> None:
    machine.load_psw(place)


def _lctl(machine: TrapAndEmulate, code: bytes, place: int) -> None:
    for at, number in enumerate(_range(code)):
        value = int.from_bytes(machine.read(place + 4 * at, 4), "big")
        machine.control[number] = machine.control[number] & ~0xFFFFFFFF | value


def _stctl(machine: TrapAndEmulate, code: bytes, place: int) -> None:
    for at, number in enumerate(_range(code)):
        machine.write(place + 4 * at, (machine.control[number] & 0xFFFFFFFF).to_bytes(4, "big"))


def _range(code: bytes) -> list[int]:
    first, last = code[1] >> 4, code[1] & 15
    return [(first + step) % 16 for step in range((last - first) % 16 + 1)]


def _stidp(machine: TrapAndEmulate, _code: bytes, place: int) -> None:
    machine.write(place, bytes(8))  # as Unicorn's processor says


def _stpx(machine: TrapAndEmulate, _code: bytes, place: int) -> None:
    machine.write(place, machine.prefix.to_bytes(4, "big"))


def _spx(machine: TrapAndEmulate, _code: bytes, place: int) -> None:
    machine.prefix = int.from_bytes(machine.read(place, 4), "big") & 0x7FFFE000


def _stap(machine: TrapAndEmulate, _code: bytes, place: int) -> None:
    machine.write(place, bytes(2))


def _nothing(_machine: TrapAndEmulate, _code: bytes, _place: int) -> None:
    """PTLB: nothing is translated."""


def _diagnose(machine: TrapAndEmulate, _code: bytes, _place: int) -> None:
    machine.diagnose()


_EMULATED: dict[str, Callable[[TrapAndEmulate, bytes, int], None]] = {
    "ssm": _ssm, "stnsm": _stnsm, "stosm": _stosm, "lpswe": _lpswe, "lctl": _lctl, "stctl": _stctl,
    "stidp": _stidp, "stpx": _stpx, "spx": _spx, "stap": _stap, "ptlb": _nothing, "diag": _diagnose,
}  # fmt: skip


def differences(bare: Run, other: Run) -> list[str]:
    """What differs between two runs, in words."""
    found = [] if other.ended == bare.ended else [other.ended]
    for at, (ours, theirs) in enumerate(zip(bare.registers, other.registers, strict=True)):
        if ours != theirs:
            found.append(f"r{at} is {theirs:#x}, not {ours:#x}")
    if bare.mask != other.mask:
        found.append(f"the PSW mask is {other.mask:#x}, not {bare.mask:#x}")
    for at in range(0, MEMORY, 8):
        if bare.memory[at : at + 8] != other.memory[at : at + 8]:
            is_, not_ = other.memory[at : at + 8].hex(), bare.memory[at : at + 8].hex()
            found.append(f"memory {at:#x} is {is_}, not {not_}")
    return found
