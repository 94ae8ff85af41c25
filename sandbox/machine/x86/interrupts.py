"""What the processor does at an interrupt, an exception and IRET (Intel SDM 3, 6.12), for every monitor.

Unicorn leaves delivery to whoever drives it.  The bare machine uses this as its microcode; a monitor
uses it to deliver into its guest.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.machine.x86.paging import Linear
from sandbox.machine.x86.state import INTERRUPT, NESTED, RESUME, TRAP, State

GENERAL_PROTECTION, DOUBLE_FAULT = 13, 8


@dataclass(frozen=True)
class Interruption:
    """An exception or interrupt on its way: `software` ones (INT n) obey the gate's privilege."""

    vector: int
    error: int | None = None
    software: bool = False


class Shutdown(RuntimeError):
    """The guest has no handler for a fault in its own fault handling: a real machine resets."""


def deliver(state: State, memory: Linear, event: Interruption) -> None:
    """Enter the handler of `event`: `state` changes, the frame goes to the handler's stack.

    Raises PageFault when the tables or the stack are not mapped, Shutdown when there is no gate.
    """
    base, limit = state.idtr
    if 8 * event.vector + 7 > limit:
        raise Shutdown(f"vector {event.vector} lies outside the guest's interrupt table")
    low, high = memory.read_long(base + 8 * event.vector), memory.read_long(base + 8 * event.vector + 4)
    if not high & 0x8000:
        raise Shutdown(f"the guest has no handler for vector {event.vector}")
    if event.software and (high >> 13 & 3) < state.privilege:
        deliver(state, memory, Interruption(GENERAL_PROTECTION, 8 * event.vector + 2))
        return
    pushed = [state.eflags & ~RESUME, state.segments["cs"], state.eip]
    if event.error is not None:
        pushed.append(event.error)
    selector = low >> 16
    _privilege(memory, state.gdtr, selector)  # the descriptor is read, which its page table entry shows
    if state.privilege > 0:
        task = _base(memory, state.gdtr, state.tr)
        stack, segment = memory.read_long(task + 4), memory.read_long(task + 8) & 0xFFFF
        pushed = [state.segments["ss"], state.esp, *pushed]
        new_stack = stack
    else:
        segment, new_stack = state.segments["ss"], state.esp
    for value in pushed:
        new_stack = (new_stack - 4) & 0xFFFFFFFF
        memory.write_long(new_stack, value)
    state.esp, state.segments["ss"], state.segments["cs"] = new_stack, segment, selector & ~3
    state.privilege = 0
    state.eip = low & 0xFFFF | high & 0xFFFF0000
    state.eflags &= ~(TRAP | NESTED | RESUME)
    if high >> 8 & 0xF == 0xE:
        state.eflags &= ~INTERRUPT


def return_from_interrupt(state: State, memory: Linear) -> None:
    """IRET from ring 0: `state` becomes what the frame on the stack says.  Raises PageFault."""
    eip, selector, flags = (memory.read_long(state.esp + 4 * at) for at in range(3))
    to = selector & 3
    _privilege(memory, state.gdtr, selector)
    if to > state.privilege:
        stack, segment = (memory.read_long(state.esp + 4 * at) for at in (3, 4))
        state.esp, state.segments["ss"] = stack, segment & 0xFFFF
        for name in ("ds", "es", "fs", "gs"):
            if _privilege(memory, state.gdtr, state.segments[name]) < to:
                state.segments[name] = 0
    else:
        state.esp = state.esp + 12
    state.eip, state.segments["cs"], state.eflags = eip, selector & 0xFFFF, flags & 0x257FD7 | 2
    state.privilege = to


def _base(memory: Linear, gdtr: tuple[int, int], selector: int) -> int:
    at = gdtr[0] + (selector & ~7)
    low, high = memory.read_long(at), memory.read_long(at + 4)
    return low >> 16 | (high & 0xFF) << 16 | high & 0xFF000000


def _privilege(memory: Linear, gdtr: tuple[int, int], selector: int) -> int:
    """The privilege of a data segment; the null selector is everybody's."""
    if selector & ~3 == 0:
        return 3
    return memory.read_long(gdtr[0] + (selector & ~7) + 4) >> 13 & 3
