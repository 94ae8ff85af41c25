"""What a monitor does with an instruction that it caught: carry it out on the guest's virtual processor.

Only instructions that name processor state are here, and stores (to page tables); all others
run by themselves.  Semantics: Intel SDM volume 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sandbox.machine.extras import optional
from sandbox.machine.x86.board import Board
from sandbox.machine.x86.encoder import REGISTERS, SEGMENTS
from sandbox.machine.x86.interrupts import return_from_interrupt
from sandbox.machine.x86.paging import Linear
from sandbox.machine.x86.state import INTERRUPT, PRIVILEGE, TASK_SWITCHED, ZERO, State

BUSY = 0x200
FLAGS_OF_POPF = 0x00257FD5
SIZES = {"al": 1, "ax": 2, "eax": 4}


class NotEmulated(RuntimeError):
    """A guest instruction that the monitor cannot carry out: names it and where it stands."""


@dataclass
class Virtual:
    """The guest's virtual processor and what is attached to it."""

    state: State
    memory: Linear
    board: Board
    changed: set[str] = field(default_factory=set)  # "cr3", "cr0", "gdtr" ... since the last look
    invalidated: list[int] = field(default_factory=list)  # addresses named by INVLPG
    halted: bool = False
    inhibited: bool = False  # the instruction after STI: no interrupt before it


@lru_cache(maxsize=4096)
def decode(code: bytes, address: int) -> Any:
    """One instruction, by capstone with details.  Raises NotEmulated for bytes that are none."""
    for instruction in _disassembler().disasm(code, address, 1):
        return instruction
    raise NotEmulated(f"the bytes {code.hex()} at {address:#x} are no instruction")


@lru_cache(maxsize=1)
def _disassembler() -> Any:
    capstone = optional("capstone", "decoding guest code")
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    engine.detail = True
    return engine


def emulate(virtual: Virtual, code: bytes) -> str:
    """Carry out the instruction at EIP; the mnemonic.  Raises NotEmulated, PageFault."""
    state = virtual.state
    instruction = decode(code, state.eip)
    name = str(instruction.mnemonic)
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise NotEmulated(f"{name} {instruction.op_str} at {state.eip:#x} is not emulated")
    before = state.eip
    operation(virtual, instruction)
    if state.eip == before and name != "iretd":
        state.eip = before + instruction.size
    return name


def accessed(code: bytes, state: State, page: int) -> tuple[int, bool] | None:
    """Where in `page` an instruction touches memory, and whether it writes there; None when it does not."""
    instruction = decode(code, state.eip)
    touched = [
        (_operand_address(state, instruction, operand), operand.size, bool(operand.access & 2))
        for operand in instruction.operands
        if operand.type == 3 and instruction.mnemonic != "lea"
    ]
    name = str(instruction.mnemonic)
    if name in ("push", "call", "pushfd"):
        touched.append((state.esp - 4 & 0xFFFFFFFF, 4, True))
    elif name in ("pop", "ret", "popfd", "iretd"):
        touched.append((state.esp, 20 if name == "iretd" else 4, False))
    for address, size, write in touched:
        for byte in (address, address + size - 1):
            if byte & ~0xFFF == page:
                return max(address, page), write
    return None


def stored_to(code: bytes, state: State) -> int | None:
    """The address that an instruction's memory operand names, when it writes there."""
    instruction = decode(code, state.eip)
    for operand in instruction.operands:
        if operand.type == 3 and operand.access & 2:
            return _operand_address(state, instruction, operand)
    return None


# Operands.


def _address(virtual: Virtual, instruction: Any, operand: Any) -> int:
    return _operand_address(virtual.state, instruction, operand)


def _operand_address(state: State, instruction: Any, operand: Any) -> int:
    memory = operand.mem
    value = memory.disp
    for register, scale in ((memory.base, 1), (memory.index, memory.scale)):
        if register:
            value += state.registers[REGISTERS.index(instruction.reg_name(register))] * scale
    return int(value) & 0xFFFFFFFF


def _get(virtual: Virtual, instruction: Any, operand: Any) -> int:
    state = virtual.state
    if operand.type == 2:  # CS_OP_IMM
        return int(operand.imm) & 0xFFFFFFFF
    if operand.type == 3:  # CS_OP_MEM
        data = virtual.memory.read(_address(virtual, instruction, operand), operand.size)
        return int.from_bytes(data, "little")
    name = instruction.reg_name(operand.reg)
    if name in SEGMENTS:
        return state.segments[name]
    if name.startswith("cr"):
        return int(getattr(state, name))
    if name in REGISTERS:
        return state.registers[REGISTERS.index(name)]
    if f"e{name}" in REGISTERS:
        return state.registers[REGISTERS.index(f"e{name}")] & 0xFFFF
    raise NotEmulated(f"{instruction.mnemonic} with operand {name} at {state.eip:#x} is not emulated")


def _put(virtual: Virtual, instruction: Any, operand: Any, value: int) -> None:
    state = virtual.state
    if operand.type == 3:
        data = (value & ((1 << 8 * operand.size) - 1)).to_bytes(operand.size, "little")
        virtual.memory.write(_address(virtual, instruction, operand), data)
        return
    name = instruction.reg_name(operand.reg)
    if name in SEGMENTS:
        state.segments[name] = value & 0xFFFF
    elif name.startswith("cr"):
        setattr(state, name, value & 0xFFFFFFFF)
        virtual.changed.add(name)
    elif name in REGISTERS:
        state.registers[REGISTERS.index(name)] = value & 0xFFFFFFFF
    elif f"e{name}" in REGISTERS:
        at = REGISTERS.index(f"e{name}")
        state.registers[at] = state.registers[at] & ~0xFFFF | value & 0xFFFF
    else:
        raise NotEmulated(f"{instruction.mnemonic} to {name} at {state.eip:#x} is not emulated")


def push(virtual: Virtual, value: int) -> None:
    virtual.memory.write_long(virtual.state.esp - 4 & 0xFFFFFFFF, value)
    virtual.state.esp -= 4


def pop(virtual: Virtual) -> int:
    value = virtual.memory.read_long(virtual.state.esp)
    virtual.state.esp += 4
    return value


# Operations.


def _cli(virtual: Virtual, _: Any) -> None:
    virtual.state.eflags &= ~INTERRUPT


def _sti(virtual: Virtual, _: Any) -> None:
    virtual.inhibited = not virtual.state.interrupts_on
    virtual.state.eflags |= INTERRUPT


def _hlt(virtual: Virtual, _: Any) -> None:
    virtual.halted = True


def _in(virtual: Virtual, instruction: Any) -> None:
    register, port = instruction.operands
    size = SIZES[instruction.reg_name(register.reg)]
    mask = (1 << 8 * size) - 1
    value = virtual.board.read(_get(virtual, instruction, port) & 0xFFFF)
    virtual.state.registers[0] = virtual.state.registers[0] & ~mask | value & mask


def _out(virtual: Virtual, instruction: Any) -> None:
    port, register = instruction.operands
    mask = (1 << 8 * SIZES[instruction.reg_name(register.reg)]) - 1
    virtual.board.write(_get(virtual, instruction, port) & 0xFFFF, virtual.state.registers[0] & mask)


def _mov(virtual: Virtual, instruction: Any) -> None:
    to, source = instruction.operands
    _put(virtual, instruction, to, _get(virtual, instruction, source))


def _clts(virtual: Virtual, _: Any) -> None:
    virtual.state.cr0 &= ~TASK_SWITCHED
    virtual.changed.add("cr0")


def _lmsw(virtual: Virtual, instruction: Any) -> None:
    value = _get(virtual, instruction, instruction.operands[0]) & 0xF
    virtual.state.cr0 = virtual.state.cr0 & ~0xE | value | virtual.state.cr0 & 1
    virtual.changed.add("cr0")


def _smsw(virtual: Virtual, instruction: Any) -> None:
    _put(virtual, instruction, instruction.operands[0], virtual.state.cr0)


def _load_table(name: str) -> Callable[[Virtual, Any], None]:
    def operation(virtual: Virtual, instruction: Any) -> None:
        at = _address(virtual, instruction, instruction.operands[0])
        data = virtual.memory.read(at, 6)
        setattr(virtual.state, name, (int.from_bytes(data[2:], "little"), int.from_bytes(data[:2], "little")))
        virtual.changed.add(name)

    return operation


def _store_table(name: str) -> Callable[[Virtual, Any], None]:
    def operation(virtual: Virtual, instruction: Any) -> None:
        base, limit = getattr(virtual.state, name)
        at = _address(virtual, instruction, instruction.operands[0])
        virtual.memory.write(at, limit.to_bytes(2, "little") + base.to_bytes(4, "little"))

    return operation


def _ltr(virtual: Virtual, instruction: Any) -> None:
    selector = _get(virtual, instruction, instruction.operands[0]) & 0xFFFF
    at = virtual.state.gdtr[0] + (selector & ~7) + 4
    virtual.memory.write_long(at, virtual.memory.read_long(at) | BUSY)
    virtual.state.tr = selector


def _lldt(virtual: Virtual, instruction: Any) -> None:
    virtual.state.ldtr = _get(virtual, instruction, instruction.operands[0]) & 0xFFFF


def _str(virtual: Virtual, instruction: Any) -> None:
    _put(virtual, instruction, instruction.operands[0], virtual.state.tr)


def _sldt(virtual: Virtual, instruction: Any) -> None:
    _put(virtual, instruction, instruction.operands[0], virtual.state.ldtr)


def _invlpg(virtual: Virtual, instruction: Any) -> None:
    virtual.invalidated.append(_address(virtual, instruction, instruction.operands[0]))


def _nothing(virtual: Virtual, _: Any) -> None:
    """WBINVD and INVD: the caches of this machine hold nothing."""


def _pushfd(virtual: Virtual, _: Any) -> None:
    push(virtual, virtual.state.eflags & 0xFCFFFF)


def _popfd(virtual: Virtual, _: Any) -> None:
    state = virtual.state
    writable = FLAGS_OF_POPF
    if state.privilege > 0:
        writable &= ~PRIVILEGE
    if state.privilege > (state.eflags >> 12 & 3):
        writable &= ~INTERRUPT
    state.eflags = state.eflags & ~writable | pop(virtual) & writable


def _iretd(virtual: Virtual, _: Any) -> None:
    return_from_interrupt(virtual.state, virtual.memory)


def _push(virtual: Virtual, instruction: Any) -> None:
    push(virtual, _get(virtual, instruction, instruction.operands[0]))


def _pop(virtual: Virtual, instruction: Any) -> None:
    _put(virtual, instruction, instruction.operands[0], pop(virtual))


def _rights(virtual: Virtual, selector: int) -> int | None:
    """The upper half of a descriptor, if the selector names one."""
    base, limit = virtual.state.gdtr
    if selector & ~3 == 0 or selector | 7 > limit or selector & 4:
        return None
    return virtual.memory.read_long(base + (selector & ~7) + 4)


def _set_zero(virtual: Virtual, on: bool) -> None:
    virtual.state.eflags = virtual.state.eflags & ~ZERO | (ZERO if on else 0)


def _lar(virtual: Virtual, instruction: Any) -> None:
    rights = _rights(virtual, _get(virtual, instruction, instruction.operands[1]) & 0xFFFF)
    if rights is not None:
        _put(virtual, instruction, instruction.operands[0], rights & 0x00F0FF00)
    _set_zero(virtual, rights is not None)


def _lsl(virtual: Virtual, instruction: Any) -> None:
    selector = _get(virtual, instruction, instruction.operands[1]) & 0xFFFF
    rights = _rights(virtual, selector)
    if rights is not None:
        low = virtual.memory.read_long(virtual.state.gdtr[0] + (selector & ~7))
        limit = low & 0xFFFF | rights & 0xF0000
        _put(
            virtual, instruction, instruction.operands[0], limit << 12 | 0xFFF if rights & 1 << 23 else limit
        )
    _set_zero(virtual, rights is not None)


_OPERATIONS: dict[str, Callable[[Virtual, Any], None]] = {
    "cli": _cli, "sti": _sti, "hlt": _hlt, "in": _in, "out": _out, "mov": _mov, "clts": _clts,
    "lmsw": _lmsw, "smsw": _smsw, "lgdt": _load_table("gdtr"), "lidt": _load_table("idtr"),
    "sgdt": _store_table("gdtr"), "sidt": _store_table("idtr"), "ltr": _ltr, "lldt": _lldt,
    "str": _str, "sldt": _sldt, "invlpg": _invlpg, "wbinvd": _nothing, "invd": _nothing,
    "pushfd": _pushfd, "popfd": _popfd, "iretd": _iretd, "push": _push, "pop": _pop,
    "lar": _lar, "lsl": _lsl,
}  # fmt: skip
