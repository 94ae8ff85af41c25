"""The architectural state of the machine: what one run is compared by with another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sandbox.machine.x86.encoder import REGISTERS, SEGMENTS

CARRY, ZERO, TRAP, INTERRUPT, NESTED, RESUME = 1 << 0, 1 << 6, 1 << 8, 1 << 9, 1 << 14, 1 << 16
PRIVILEGE = 3 << 12
PROTECTED, TASK_SWITCHED, WRITE_PROTECT, PAGING = 1 << 0, 1 << 3, 1 << 16, 1 << 31


@dataclass
class State:
    """Registers as the guest knows them.  `privilege` is the ring (CPL), which CS does not always say."""

    registers: list[int] = field(default_factory=lambda: [0] * 8)  # in the order of encoder.REGISTERS
    eip: int = 0
    eflags: int = 2
    segments: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SEGMENTS, 0))
    privilege: int = 0
    cr0: int = PROTECTED | 0x10  # ET is set on every processor since the 486
    cr2: int = 0
    cr3: int = 0
    cr4: int = 0
    gdtr: tuple[int, int] = (0, 0)  # base, limit
    idtr: tuple[int, int] = (0, 0)
    ldtr: int = 0
    tr: int = 0

    def copy(self) -> State:
        return replace(self, registers=list(self.registers), segments=dict(self.segments))

    @property
    def esp(self) -> int:
        return self.registers[4]

    @esp.setter
    def esp(self, value: int) -> None:
        self.registers[4] = value & 0xFFFFFFFF

    @property
    def interrupts_on(self) -> bool:
        return bool(self.eflags & INTERRUPT)

    def named(self) -> dict[str, int]:
        """Every register by name, as it is compared and shown.  RF is no part of a guest's state."""
        values = dict(zip(REGISTERS, self.registers, strict=True))
        values |= {"eip": self.eip, "eflags": self.eflags & ~RESUME, **self.segments}
        values |= {
            "privilege": self.privilege,
            "cr0": self.cr0,
            "cr2": self.cr2,
            "cr3": self.cr3,
            "cr4": self.cr4,
        }
        values |= {"gdtr.base": self.gdtr[0], "gdtr.limit": self.gdtr[1]}
        return values | {
            "idtr.base": self.idtr[0],
            "idtr.limit": self.idtr[1],
            "ldtr": self.ldtr,
            "tr": self.tr,
        }


def reset_state(code: int, stack: int, gdt: tuple[int, int], segments: tuple[int, int]) -> State:
    """The state in which a guest starts: protected mode, ring 0, flat segments (code, data)."""
    state = State(eip=code, gdtr=gdt)
    state.segments = dict.fromkeys(SEGMENTS, segments[1]) | {"cs": segments[0]}
    state.esp = stack
    return state


def differences(bare: State, other: State, bare_ram: bytes, other_ram: bytes) -> list[str]:
    """What differs between two final states, in words; empty when they are the same."""
    ours, theirs = bare.named(), other.named()
    found = [
        f"{name} is {theirs[name]:#x}, not {ours[name]:#x}" for name in ours if ours[name] != theirs[name]
    ]
    for at in range(0, max(len(bare_ram), len(other_ram)), 4):
        mine, yours = bare_ram[at : at + 4], other_ram[at : at + 4]
        if mine != yours:
            is_, not_ = int.from_bytes(yours, "little"), int.from_bytes(mine, "little")
            found.append(f"memory {at:#x} is {is_:#x}, not {not_:#x}")
    return found
