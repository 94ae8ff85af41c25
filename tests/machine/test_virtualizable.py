"""Popek and Goldberg's question by experiment (x86 no, S/370 yes), and s390x under trap-and-emulate."""

from __future__ import annotations

import re
from functools import cache

import pytest

from sandbox.machine.s390 import machine as s390_machine
from sandbox.machine.s390.encoder import AssemblyError, assemble
from sandbox.machine.s390.guests import GUESTS
from sandbox.machine.s390.machine import Machine, TrapAndEmulate, differences
from sandbox.machine.virtualizable import s390, x86
from sandbox.machine.virtualizable.model import Finding, Verdict, judge

pytest.importorskip("unicorn", reason="needs Unicorn: pip install 'guise[machine]'")
capstone = pytest.importorskip("capstone", reason="needs capstone: pip install 'guise[machine]'")


@cache
def verdict(isa: str) -> Verdict:
    return judge(x86.X86() if isa == "x86" else s390.S390())


def found(isa: str) -> dict[str, Finding]:
    return {one.instruction.text: one for one in verdict(isa).findings}


def names(findings: tuple[Finding, ...]) -> set[str]:
    return {one.instruction.text for one in findings}


def test_x86_is_not_virtualizable_and_these_are_why() -> None:
    """Robin and Irvine's list (2000), less what needs a call gate, and IRET, which is POPF and RET in one."""
    assert not verdict("x86").virtualizable
    assert names(verdict("x86").violations) == {
        "sgdt [0x9000]", "sidt [0x9000]", "sldt eax", "smsw eax", "str eax", "pushfd", "popfd",
        "lar eax, ebx", "lsl eax, ebx", "verr bx", "verw bx", "push cs", "push ss", "mov eax, cs",
        "mov eax, ss", "retf", "iretd",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["cli", "sti", "hlt", "in al, 0x71", "out 0xe9, al", "lgdt [0x9020]", "lidt [0x9028]", "lldt di",
     "ltr dx", "lmsw ax", "clts", "mov eax, cr0", "mov cr0, eax", "mov cr3, eax", "invlpg [0x9000]", "invd",
     "wbinvd"],
)  # fmt: skip
def test_x86_privileged_instructions_trap(text: str) -> None:
    assert found("x86")[text].privileged


@pytest.mark.parametrize(
    "text", ["nop", "add eax, ecx", "push eax", "mov eax, ds", "call 0x2100", "ret", "cld"]
)
def test_x86_innocuous_instructions_are_found_innocuous(text: str) -> None:
    finding = found("x86")[text]
    assert not finding.sensitive
    assert not finding.traps


def test_popf_does_less_without_a_word() -> None:
    finding = found("x86")["popfd"]
    assert finding.control == ("IF", "IOPL")
    assert "silently" in finding.behaviour


def test_s370_is_virtualizable() -> None:
    old = judge(s390.S390(), [s390.S370])
    assert old.virtualizable
    sensitive = {one.instruction.text.partition(" ")[0] for one in old.findings if one.sensitive}
    assert {"ssm", "stnsm", "stosm", "lpsw", "lctl", "stctl", "spka", "spx", "stpx"} <= sensitive
    assert all(one.privileged for one in old.findings if one.sensitive)


def test_one_later_instruction_shows_the_mode() -> None:
    """EXTRACT PSW came with ESA/390 and is not privileged."""
    assert names(verdict("s390x").violations) == {"epsw %r2, %r3"}


def test_the_bytes_that_were_tried_are_the_text() -> None:
    engine = capstone.Cs(capstone.CS_ARCH_SYSZ, capstone.CS_MODE_BIG_ENDIAN)
    for text, code, _ in s390.INSTRUCTIONS:
        assert [f"{one.mnemonic} {one.op_str}".strip() for one in engine.disasm(bytes.fromhex(code), 0)] == [
            text
        ]


def plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\b\d+\b", lambda number: str(int(number.group(), 0)), text)


@pytest.mark.parametrize("name", GUESTS)
def test_s390_bytes_are_the_source(name: str) -> None:
    engine = capstone.Cs(capstone.CS_ARCH_SYSZ, capstone.CS_MODE_BIG_ENDIAN)
    code = GUESTS[name].code
    lines = {
        one.address: f"{one.mnemonic} {one.op_str}".strip() for one in engine.disasm(code.data, code.base)
    }
    assert {at: plain(text) for at, text in lines.items()} == {
        at: plain(text) for at, text in code.listing.items()
    }


@pytest.mark.parametrize("name", [name for name in GUESTS if name != "psw"])
def test_s390_guests_end_the_same_under_trap_and_emulate(name: str) -> None:
    bare, trapped = Machine().run(GUESTS[name]), TrapAndEmulate().run(GUESTS[name])
    assert bare.ended == trapped.ended == "exit"
    assert not differences(bare, trapped)
    assert bare.instructions >= trapped.instructions > 0


def test_s390_guests_do_what_they_say() -> None:
    memory = {name: Machine().run(GUESTS[name]).memory for name in GUESTS}
    assert int.from_bytes(memory["svc"][0x3000:0x3004], "big") == 101
    assert int.from_bytes(memory["divide"][0x3000:0x3004], "big") == 40
    # 40 program interruptions, each with instruction length 4 and code 2 (privileged operation).
    assert int.from_bytes(memory["program"][0x3000:0x3004], "big") == 40 * 0x00040002


def test_s390_epsw_breaks_even_there() -> None:
    bare, trapped = Machine().run(GUESTS["psw"]), TrapAndEmulate().run(GUESTS["psw"])
    assert differences(bare, trapped)[0] == "r2 is 0x10001, not 0x1"


COUNTS = {
    ("svc", "supervisor call"): 101,
    ("svc", "trap lpswe"): 101,
    ("critical", "trap stnsm"): 101,
    ("critical", "trap stosm"): 50,
    ("critical", "trap ssm"): 50,
    ("program", "reflect program interruption"): 40,
    ("divide", "reflect program interruption"): 40,
}


@pytest.mark.parametrize("key", COUNTS, ids=" ".join)
def test_s390_events_are_counted_exactly(key: tuple[str, str]) -> None:
    guest, event = key
    assert TrapAndEmulate().run(GUESTS[guest]).events[event] == COUNTS[key]


def test_an_endless_s390_guest_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s390_machine, "LIMIT", 20)
    assert Machine().run(GUESTS["svc"]).ended == "it did not end within 20 instructions"


@pytest.mark.parametrize("line", ["mvcl %r2, %r4", "l %r2, 9999(%r1)", "lr %r2, %f4", "j @nowhere"])
def test_s390_source_that_is_not_known_is_refused(line: str) -> None:
    with pytest.raises(AssemblyError):
        assemble(line, 0)
