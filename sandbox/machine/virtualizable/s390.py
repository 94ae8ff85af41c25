"""z/Architecture in the laboratory, by the generation that brought each instruction.

S/370's instructions are what VM/370 had to deal with; ESA/390 and z/Architecture added some more.
Source for which is privileged by the book: Principles of Operation, SA22-7832.
"""

from __future__ import annotations

from typing import Any

from sandbox.machine.extras import optional
from sandbox.machine.s390.guests import MEMORY, PROBLEM, WIDE
from sandbox.machine.virtualizable.model import Instruction, Observation

CODE, SCRATCH, PROBE = 0x2000, 0x3000, 0x4000
S370, ESA390, Z = "S/370", "ESA/390", "z/Architecture"
INSTRUCTIONS = (
    ("ssm 0x40(%r1)", "80001040", S370), ("stnsm 0(%r1), 0xfc", "acfc1000", S370),
    ("stosm 0(%r1), 3", "ad031000", S370), ("lpsw 0x48(%r1)", "82001048", S370),
    ("lctl %c3, %c3, 0x40(%r1)", "b7331040", S370), ("stctl %c3, %c3, 0(%r1)", "b6331000", S370),
    ("lra %r2, 0(%r1)", "b1201000", S370), ("stidp 0(%r1)", "b2021000", S370),
    ("spka 0x10", "b20a0010", S370), ("iske %r2, %r4", "b2290024", S370), ("sske %r2, %r4", "b22b0024", S370),
    ("rrbe %r2, %r4", "b22a0024", S370), ("ptlb", "b20d0000", S370), ("spx 0x50(%r1)", "b2101050", S370),
    ("stpx 0(%r1)", "b2111000", S370), ("stap 0(%r1)", "b2121000", S370),
    ("sckc 0x40(%r1)", "b2061040", S370), ("stckc 0(%r1)", "b2071000", S370),
    ("spt 0x40(%r1)", "b2081040", S370), ("diag %r0, %r0, 8", "83000008", S370),
    ("sigp %r2, %r4, 1", "ae240001", S370), ("ipte %r2, %r4", "b2210024", S370),
    ("spm %r2", "0420", S370), ("balr %r2, %r0", "0520", S370), ("cs %r2, %r4, 0(%r1)", "ba241000", S370),
    ("ts 0(%r1)", "93001000", S370), ("mvi 0(%r1), 7", "92071000", S370), ("lr %r2, %r4", "1824", S370),
    ("a %r2, 0x40(%r1)", "5a201040", S370), ("clc 0(4, %r1), 0x40(%r1)", "d50310001040", S370),
    ("ipm %r2", "b2220020", ESA390), ("epsw %r2, %r3", "b98d0023", ESA390),
    ("tb %r0, %r4", "b22c0004", ESA390),
    ("lpswe 0x58(%r1)", "b2b21058", Z), ("stfle 0(%r1)", "b2b01000", Z), ("lgr %r2, %r4", "b9040024", Z),
)  # fmt: skip
# Where Unicorn's processor is not a real one, and what is therefore not tried, as data.
DEVIATIONS = {
    "sck": "not tried: Unicorn 2.1 crashes on it in the supervisor state",
    "stck": "not tried: it shows the time of day, which differs between any two runs",
    "tprot": "not tried: privileged by the book, and Unicorn 2.1 does not trap it",
}


class S390:
    """Runs one instruction on Unicorn."""

    name = "s390x"

    def __init__(self) -> None:
        self._unicorn: Any = optional("unicorn", "executing instructions")
        self._constants: Any = optional("unicorn.s390x_const", "executing instructions")
        self.instructions = tuple(
            Instruction(text, bytes.fromhex(code), since) for text, code, since in INSTRUCTIONS
        )

    def run(self, instruction: Instruction, supervisor: bool, resources: int) -> Observation:
        unicorn, constants = self._unicorn, self._constants
        engine = unicorn.Uc(unicorn.UC_ARCH_S390X, unicorn.UC_MODE_BIG_ENDIAN)
        engine.mem_map(0, MEMORY)
        traps: list[int] = []

        def on_exception(engine: Any, number: int, _data: object) -> None:
            traps.append(number)
            engine.emu_stop()

        engine.hook_add(unicorn.UC_HOOK_INTR, on_exception)
        registers = [getattr(constants, f"UC_S390X_REG_R{at}") for at in range(16)]
        control = [getattr(constants, f"UC_S390X_REG_CR{at}") for at in range(16)]
        mask = WIDE | (0x0300 << 48 if resources == 2 else 0) | (0 if supervisor else PROBLEM)
        probe = _Probe(engine, constants)
        probe.set(resources)
        for identity, at in zip(registers, range(16), strict=True):
            engine.reg_write(identity, 0)
            if at == 1:
                engine.reg_write(identity, SCRATCH)
            elif at == 2:
                engine.reg_write(identity, 0x20000030)
            elif at == 4:
                engine.reg_write(identity, 0x5000)
        engine.reg_write(control[3], 0x1000 * resources)
        engine.reg_write(constants.UC_S390X_REG_PSWM, mask)
        before = probe.read(control)
        engine.reg_write(constants.UC_S390X_REG_PSWM, mask)
        self._fill(engine, instruction)
        engine.emu_start(CODE, MEMORY, 0, 1)
        if traps:
            return Observation(f"interruption {traps[0]}", (), ())
        general = tuple(engine.reg_read(identity) for identity in registers)
        now_mask, address = (
            engine.reg_read(constants.UC_S390X_REG_PSWM),
            engine.reg_read(constants.UC_S390X_REG_PC),
        )
        memory = bytes(engine.mem_read(SCRATCH, 0x40))
        after = probe.read(control)
        changed = [name for name in before if before[name] != after[name]]
        if now_mask & ~(3 << 44) != mask & ~(3 << 44):  # the condition code is everybody's
            changed.append("PSW")
        return Observation(None, tuple(changed), (general, address, memory, now_mask >> 44 & 3))

    def _fill(self, engine: Any, instruction: Instruction) -> None:
        engine.mem_write(SCRATCH, bytes(0x100))
        engine.mem_write(SCRATCH + 0x40, bytes.fromhex("0100700000000000"))
        engine.mem_write(SCRATCH + 0x48, bytes.fromhex("0108000080002000"))  # an 8-byte PSW for LPSW
        engine.mem_write(SCRATCH + 0x50, bytes.fromhex("00008000"))
        engine.mem_write(SCRATCH + 0x58, (WIDE | 1 << 57).to_bytes(8, "big") + CODE.to_bytes(8, "big"))
        engine.mem_write(CODE, instruction.code + b"\x07\x07" * 4)
        engine.ctl_flush_tb()


class _Probe:
    """Reads the resources that Unicorn has no register for, by the machine's own instructions."""

    def __init__(self, engine: Any, constants: Any) -> None:
        self.engine, self.constants = engine, constants

    def _execute(self, code: str, count: int) -> bytes:
        engine = self.engine
        saved = {
            name: engine.reg_read(getattr(self.constants, f"UC_S390X_REG_{name}"))
            for name in ("R1", "R2", "R4", "PSWM", "PC")
        }
        engine.mem_write(PROBE, bytes.fromhex(code) + b"\x07\x07" * 4)
        engine.ctl_flush_tb()
        for name, value in (("R1", PROBE + 0x100), ("R2", 0), ("R4", 0x5000), ("PSWM", WIDE)):
            engine.reg_write(getattr(self.constants, f"UC_S390X_REG_{name}"), value)
        engine.emu_start(PROBE, MEMORY, 0, count)
        result = bytes(engine.mem_read(PROBE + 0x100, 16))
        for name, value in saved.items():
            engine.reg_write(getattr(self.constants, f"UC_S390X_REG_{name}"), value)
        return result

    def set(self, resources: int) -> None:
        """The prefix by resource set: none, or page 12."""
        self.engine.mem_write(PROBE + 0x100, (0xC000 * (resources - 1)).to_bytes(4, "big"))
        self._execute("b2101000", 1)  # SPX

    def read(self, control: list[int]) -> dict[str, object]:
        read = {f"CR{at}": self.engine.reg_read(identity) for at, identity in enumerate(control)}
        self.engine.mem_write(PROBE + 0x100, bytes(16))
        read["prefix"] = self._execute("b2111000", 1)[:4]  # STPX
        read["storage key"] = self._execute("b229002450201000", 2)[:4]  # ISKE, ST
        return read
