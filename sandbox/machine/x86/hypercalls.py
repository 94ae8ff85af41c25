"""The code that a paravirtualising monitor lends to its guest: Xen's hypercall page and shared page.

Each patched site calls one of these routines.  Some need no monitor at all (the virtual interrupt
flag and CR2 are words in a shared page), some queue work and call only when the queue is full (page
table updates, console characters), the rest are one hypercall each, by `int 0x82` as in 32-bit Xen.
Design: Barham et al., "Xen and the Art of Virtualization", SOSP 2003, section 3.
"""

from __future__ import annotations

from sandbox.machine.x86.encoder import Code, Site, assemble
from sandbox.machine.x86.layout import PORT_CONSOLE
from sandbox.machine.x86.processor import MONITOR

HYPERCALL_VECTOR = 0x82
PAGE, SHARED = MONITOR + 0x4000, MONITOR + 0x5000
FLAG, PENDING, CR2, SCRATCH, TAIL, CONSOLE_TAIL = (SHARED + 4 * at for at in range(6))
QUEUE, CONSOLE = SHARED + 0x100, SHARED + 0x800
QUEUE_END, CONSOLE_END = QUEUE + 8 * 32, CONSOLE + 4 * 64

SOURCE = """
clear:
    mov dword ptr [@flag], 0
    ret
set:
    mov dword ptr [@flag], 1
    pushfd
    cmp dword ptr [@pending], 0
    jne @set_event
    popfd
    ret
set_event:
    popfd
    int 0x82
event:
    ret
save:
    push dword ptr [esp]
    pushfd
    pushfd
    and dword ptr [esp], 0xfffffdff
    cmp dword ptr [@flag], 0
    je @saved
    or dword ptr [esp], 0x200
saved:
    pop dword ptr [esp + 8]
    popfd
    ret
restore:
    pop dword ptr [@scratch]
    push eax
    mov dword ptr [@flag], 0
    mov eax, dword ptr [esp + 4]
    and eax, 0x200
    je @restored
    mov dword ptr [@flag], 1
    cmp dword ptr [@pending], 0
    jne @restored_event
restored:
    pop eax
    popfd
    jmp dword ptr [@scratch]
restored_event:
    pop eax
    popfd
    int 0x82
restore_event:
    jmp dword ptr [@scratch]
fault_address:
    mov eax, dword ptr [@cr2]
    ret
update:
    pushfd
    push ebx
    mov ebx, dword ptr [@tail]
    mov dword ptr [ebx], edi
    mov dword ptr [ebx + 4], eax
    add ebx, 8
    mov dword ptr [@tail], ebx
    cmp ebx, @queue_end
    jb @queue_full
    int 0x82
queue_full:
    pop ebx
    popfd
    ret
character:
    pushfd
    push ebx
    mov ebx, dword ptr [@console_tail]
    mov dword ptr [ebx], eax
    add ebx, 4
    mov dword ptr [@console_tail], ebx
    cmp ebx, @console_end
    jb @ring_full
    int 0x82
ring_full:
    pop ebx
    popfd
    ret
generic:
    int 0x82
called:
    ret
"""
ROUTINES = {
    "cli": "clear",
    "sti": "set",
    "pushfd": "save",
    "popfd": "restore",
    "mov eax, cr2": "fault_address",
    "mov dword ptr [edi], eax": "update",
    f"out {PORT_CONSOLE:#x}, al": "character",
}


def routines() -> Code:
    """The hypercall page, assembled at its place."""
    names = {
        "flag": FLAG, "pending": PENDING, "cr2": CR2, "scratch": SCRATCH, "tail": TAIL,
        "console_tail": CONSOLE_TAIL, "queue_end": QUEUE_END, "console_end": CONSOLE_END,
    }  # fmt: skip
    return assemble(SOURCE, PAGE, names)


def patch(site: Site, page: Code) -> bytes:
    """The call that replaces a site's instruction."""
    target = page.labels[ROUTINES.get(site.text, "generic")]
    return b"\xe8" + (target - (site.address + 5) & 0xFFFFFFFF).to_bytes(4, "little")
