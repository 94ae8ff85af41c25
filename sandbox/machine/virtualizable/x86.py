"""32-bit x86 in the laboratory: ring 0 is the supervisor, ring 3 the user mode.

The instructions are those of J. S. Robin and C. E. Irvine, "Analysis of the Intel Pentium's Ability to
Support a Secure Virtual Machine Monitor", USENIX Security 2000, the privileged ones, and some that are
neither.  Their list also has CALL, JMP and INT through gates, and POP and MOV that load segments: those
are not found here, because without call gates they trap or do the same in both modes.
"""

from __future__ import annotations

from sandbox.machine.virtualizable.model import Instruction, Observation
from sandbox.machine.x86 import layout
from sandbox.machine.x86.encoder import assemble
from sandbox.machine.x86.processor import Intercepted, OutOfTime, Processor, Stop, Trapped
from sandbox.machine.x86.state import INTERRUPT, PRIVILEGE, State

CODE, SCRATCH, STACK, NEXT = 0x2000, 0x9000, 0x7000, 0x2100
GDTS, IDTS = {1: 0x800, 2: 0xA000}, {1: 0x1000, 2: 0xB000}
USER_FLAGS = 0x202
LOCAL_TABLE = 0x30  # a selector for LLDT
TEXTS = (
    # Privileged.
    "cli", "sti", "hlt", "in al, 0x71", "out 0xe9, al", "lgdt [0x9020]", "lidt [0x9028]", "lldt di", "ltr dx",
    "lmsw ax", "clts", "mov eax, cr0", "mov eax, cr3", "mov cr0, eax", "mov cr3, eax", "invlpg [0x9000]",
    "invd", "wbinvd", "mov ss, esi",
    # Robin and Irvine's.
    "sgdt [0x9000]", "sidt [0x9000]", "sldt eax", "smsw eax", "str eax", "pushfd", "popfd",
    "lar eax, ebx", "lsl eax, ebx", "verr bx", "verw bx", "push cs", "push ss", "mov eax, cs", "mov eax, ss",
    "pop ds", "pop es", "pop ss", "mov ds, ecx", "retf", "iretd", "int 0x80", "int3", "ljmp 0x8:0x2100",
    # Neither.
    "nop", "add eax, ecx", "push eax", "mov eax, dword ptr [0x9020]", "mov dword ptr [0x9000], eax", "cpuid",
    "mov eax, ds", "push ds", "call 0x2100", "ret", "pushal", "cld",
)  # fmt: skip
# Where Unicorn's processor is not a real one, as data: (instruction, what differs).
DEVIATIONS = {
    "in al, 0x71": "Unicorn runs IN and OUT in every ring; the board checks IOPL before it does",
    "out 0xe9, al": "Unicorn runs IN and OUT in every ring; the board checks IOPL before it does",
}


class X86:
    """Runs one instruction on the board's processor."""

    name = "x86 (32-bit, protected mode)"

    def __init__(self) -> None:
        self.processor = Processor()
        self.instructions = tuple(Instruction(text, assemble(text, CODE).data) for text in TEXTS)

    def run(self, instruction: Instruction, supervisor: bool, resources: int) -> Observation:
        processor = self.processor
        state = self._prepare(instruction, supervisor, resources)
        before = _resources(state)
        begun = False

        def boundary(_address: int, _code: bytes) -> Stop | None:
            nonlocal begun
            if begun:
                return OutOfTime()
            begun = True
            return None

        processor.boundary = boundary
        after, stop = processor.run(state)
        if isinstance(stop, Trapped):
            return Observation(f"exception {stop.event.vector}", (), ())
        if isinstance(stop, Intercepted):
            return Observation(None, ("the processor" if stop.code[0] == 0xF4 else "a device",), ())
        now = _resources(after)
        changed = tuple(name for name in before if before[name] != now[name])
        flags = after.eflags & ~PRIVILEGE & ~INTERRUPT
        outcome = (
            tuple(after.registers), after.eip, flags, after.segments["ds"], after.segments["es"],
            processor.read(SCRATCH, 0x20), processor.read(STACK - 0x40, 0x80),
        )  # fmt: skip
        return Observation(None, changed, outcome)

    def _prepare(self, instruction: Instruction, supervisor: bool, resources: int) -> State:
        """Memory and registers.  All runs differ only in the mode and the set of resources."""
        processor = self.processor
        processor.write(0, bytes(layout.RAM_BYTES))
        for place in GDTS.values():
            processor.write(place, layout.tables() + layout.descriptor(0xE000, 0xFF, 0x82, 0))
        processor.write(CODE, instruction.code + b"\x90" * 4)
        processor.write(NEXT, b"\x90" * 4)
        # Two tables' worth of pointer for LGDT and LIDT; a stack that POPF, RETF and IRET find useful.
        processor.write(
            SCRATCH + 0x20, layout.pointer(0x2F, 0xC000) + bytes(2) + layout.pointer(0xFF, 0xD000)
        )
        name = instruction.text.partition(" ")[0]
        frame = {
            "popfd": (USER_FLAGS | PRIVILEGE,),
            "retf": (NEXT, layout.USER_CODE, STACK, layout.USER_DATA),
            "iretd": (NEXT, layout.USER_CODE, USER_FLAGS, STACK, layout.USER_DATA),
            "pop": (layout.KERNEL_DATA if instruction.text == "pop ss" else layout.USER_DATA,),
            "ret": (NEXT,),
        }.get(name, (0,))
        processor.write(STACK, b"".join(value.to_bytes(4, "little") for value in frame))
        processor.forget_code()
        processor.flush()
        state = State(eip=CODE, privilege=0 if supervisor else 3)
        state.esp = STACK
        state.registers[0:4] = [
            0x80000019 if "cr0" in instruction.text else 0x19,
            0x18,
            layout.TASK,
            layout.KERNEL_DATA,
        ]
        state.registers[6:8] = [layout.KERNEL_DATA, LOCAL_TABLE]
        state.segments = dict.fromkeys(state.segments, layout.USER_DATA)
        state.segments["cs"] = layout.KERNEL_CODE if supervisor else layout.USER_CODE
        state.segments["ss"] = layout.KERNEL_DATA if supervisor else layout.USER_DATA
        state.gdtr = (GDTS[resources], 0x37 if resources == 1 else 0x3F)
        state.idtr = (IDTS[resources], 0x7FF)
        state.cr0 = 0x11 if resources == 1 else 0x3B
        state.cr3 = 0x10000 * resources
        state.tr = layout.TASK if resources == 2 else 0
        state.ldtr = 0 if resources == 1 else 0x18
        state.eflags = 2 if resources == 1 else 2 | INTERRUPT
        return state


def _resources(state: State) -> dict[str, object]:
    return {
        "IF": state.eflags & INTERRUPT, "IOPL": state.eflags & PRIVILEGE, "CR0": state.cr0, "CR3": state.cr3,
        "GDTR": state.gdtr, "IDTR": state.idtr, "LDTR": state.ldtr, "TR": state.tr, "ring": state.privilege,
        "SS": state.segments["ss"],
    }  # fmt: skip
