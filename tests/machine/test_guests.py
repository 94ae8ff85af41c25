"""The guest kernels' bytes are what their source says, by capstone's word; the rest is refused."""

from __future__ import annotations

import re

import pytest

from sandbox.machine.x86 import hypercalls, layout
from sandbox.machine.x86.encoder import SITE_BYTES, AssemblyError, Code, assemble
from sandbox.machine.x86.guests import GUESTS

capstone = pytest.importorskip("capstone", reason="needs capstone: pip install 'guise[machine]'")


def plain(text: str) -> str:
    """Capstone writes small numbers in decimal and large ones in hexadecimal: here all are decimal."""
    return re.sub(r"0x[0-9a-f]+|\b\d+\b", lambda found: str(int(found.group(), 0)), text)


def disassembled(code: Code) -> dict[int, str]:
    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    lines = {
        line.address: f"{line.mnemonic} {line.op_str}".strip() for line in engine.disasm(code.data, code.base)
    }
    size = sum(line.size for line in engine.disasm(code.data, code.base))
    assert size == len(code.data), "some bytes are no instruction"
    return lines


@pytest.mark.parametrize("name", GUESTS)
def test_bytes_are_the_source(name: str) -> None:
    code = GUESTS[name].code
    lines = disassembled(code)
    for address, text in code.listing.items():
        assert plain(lines[address]) == plain(text)
    assert set(lines) - set(code.listing) == {at for at, text in lines.items() if text == "nop"}


def test_lent_code_is_the_source() -> None:
    code = hypercalls.routines()
    lines = disassembled(code)
    assert {at: plain(text) for at, text in lines.items()} == {
        at: plain(text) for at, text in code.listing.items()
    }


@pytest.mark.parametrize("name", GUESTS)
def test_sites_have_room_for_a_call(name: str) -> None:
    code = GUESTS[name].code
    assert all(site.size >= SITE_BYTES for site in code.sites)
    assert code.base + len(code.data) <= layout.KERNEL_STACK - layout.PAGE


@pytest.mark.parametrize("line", ["fsin", "mov al, 3", "jmp @nowhere", "add ax, [bx+si]"])
def test_what_is_not_known_is_refused(line: str) -> None:
    with pytest.raises(AssemblyError, match=re.escape(line.partition(" @")[0])):
        assemble(line, 0)
