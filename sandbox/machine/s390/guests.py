"""Guest kernels for z/Architecture, the same bytes bare and under trap-and-emulate.

Each ends by DIAGNOSE with code 0x500, this machine's exit.  `new_psws` are the handlers that the
loader writes into low storage: (interruption, label).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sandbox.machine.s390.encoder import Code, assemble

MEMORY, CODE, DATA = 0x10000, 0x2000, 0x3000
EXIT = 0x500
WIDE = 0x0000000180000000  # EA and BA: 64-bit addressing
PROBLEM = 1 << 48
SUPERVISOR_CALL, PROGRAM = "supervisor call", "program"
NEW_PSW = {SUPERVISOR_CALL: 0x1C0, PROGRAM: 0x1D0}
OLD_PSW = {SUPERVISOR_CALL: 0x140, PROGRAM: 0x150}
CODES = {SUPERVISOR_CALL: 0x88, PROGRAM: 0x8C}  # two bytes 0, instruction length, two bytes code
USER_PSW = 0x3100


@dataclass(frozen=True)
class Guest:
    name: str
    what: str
    source: str
    new_psws: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> Code:
        return _assembled(self)

    def image(self) -> bytes:
        memory = bytearray(MEMORY)
        code = self.code
        memory[CODE : CODE + len(code.data)] = code.data
        for interruption, label in self.new_psws:
            at = NEW_PSW[interruption]
            memory[at : at + 16] = psw(WIDE, code.labels[label])
        if "user" in code.labels:
            memory[USER_PSW : USER_PSW + 16] = psw(WIDE | PROBLEM, code.labels["user"])
        return bytes(memory)


def psw(mask: int, address: int) -> bytes:
    return mask.to_bytes(8, "big") + address.to_bytes(8, "big")


@cache
def _assembled(guest: Guest) -> Code:
    return assemble(guest.source, CODE)


_BASE = "lhi %r12, 0x3000\n"
_LEAVE = "\ndiag %r0, %r0, 0x500\n"
GUESTS: dict[str, Guest] = {
    guest.name: guest
    for guest in (
        Guest(
            "svc", "a problem-state program makes supervisor calls",
            _BASE + """
    lhi %r1, 100
    lpswe 0x100(%r12)
user:
    svc 7
    brct %r1, @user
    svc 9
handler:
    l %r2, 0x88
    l %r3, 0(%r12)
    ahi %r3, 1
    st %r3, 0(%r12)
    st %r2, 4(%r12)
    chi %r1, 0
    je @end
    lpswe 0x140
end:""" + _LEAVE,
            ((SUPERVISOR_CALL, "handler"),),
        ),
        Guest(
            "critical", "switches interruptions off and on: STNSM, STOSM, SSM",
            _BASE + """
    lhi %r1, 50
again:
    stosm 0(%r12), 3
    stnsm 1(%r12), 0xfc
    stnsm 2(%r12), 0xfc
    ssm 0(%r12)
    l %r2, 4(%r12)
    a %r2, 0(%r12)
    st %r2, 4(%r12)
    brct %r1, @again
    stnsm 3(%r12), 0""" + _LEAVE,
        ),
        Guest(
            "identity", "asks who and where it is: STIDP, STAP, STPX, STCTL",
            _BASE + """
    stidp 0(%r12)
    stap 8(%r12)
    stpx 12(%r12)
    lhi %r1, 0x7ff
    st %r1, 0x20(%r12)
    lctl %c3, %c3, 0x20(%r12)
    stctl %c3, %c3, 16(%r12)
    ptlb""" + _LEAVE,
        ),
        Guest(
            "program", "a problem-state program tries what it may not; the kernel sees a program check",
            _BASE + """
    lhi %r1, 40
    lpswe 0x100(%r12)
user:
    ptlb
    brct %r1, @user
    svc 1
handler:
    l %r2, 0x8c
    a %r2, 0(%r12)
    st %r2, 0(%r12)
    lpswe 0x150
end:""" + _LEAVE,
            ((PROGRAM, "handler"), (SUPERVISOR_CALL, "end")),
        ),
        Guest(
            "divide", "divides by zero; the kernel goes on behind the division",
            _BASE + """
    lhi %r1, 40
    xr %r5, %r5
    xr %r2, %r2
    lhi %r3, 5
again:
    dr %r2, %r5
    brct %r1, @again
    j @end
handler:
    l %r6, 0(%r12)
    ahi %r6, 1
    st %r6, 0(%r12)
    lpswe 0x150
end:""" + _LEAVE,
            ((PROGRAM, "handler"),),
        ),
        Guest(
            "psw", "reads its PSW by EPSW, which is sensitive and does not trap",
            _BASE + """
    epsw %r2, %r3
    st %r2, 0(%r12)""" + _LEAVE,
        ),
    )
}  # fmt: skip
