"""The guest kernels: source, bytes and tables together, each a few dozen instructions.

Every one does one thing often enough to be counted, wipes the dead parts of its stacks, and leaves
through the exit port, so that its whole final state (registers and all of memory) is determined
by the architecture alone.  The same bytes run on every monitor.  `*` marks the paravirtual sites.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import cache

from sandbox.machine.x86 import layout
from sandbox.machine.x86.encoder import Code, assemble
from sandbox.machine.x86.layout import DATA, DIRECTORY, OTHER_DIRECTORY, OTHER_TABLE, PAGE, TABLE

PRESENT, WRITABLE, USER = 1, 2, 4
ALL_PAGES = range(layout.RAM_BYTES // PAGE)
TABLE_PAGES = (DIRECTORY // PAGE, TABLE // PAGE, OTHER_DIRECTORY // PAGE, OTHER_TABLE // PAGE)

START = """
    *lgdt [@gdt_pointer]
    *lidt [@idt_pointer]
    mov eax, @task
    *ltr ax
"""
FINISH = """
finish:
    mov esp, @kernel_stack
    cld
    mov eax, 0
    mov edi, 0x6f00
    mov ecx, 0x40
    rep stosd dword ptr es:[edi], eax
    mov edi, 0x7f00
    mov ecx, 0x40
    rep stosd dword ptr es:[edi], eax
    out @exit, al
"""
PAGING = """
    mov eax, @directory
    *mov cr3, eax
    mov eax, 0x80000011
    *mov cr0, eax
"""
TO_USER = """
    push @user_data
    push @user_stack
    push 0x202
    push @user_code
    push @user
    mov eax, @user_data
    mov ds, eax
    mov es, eax
    *iretd
"""
IN_KERNEL = """
    mov ebx, @kernel_data
    mov ds, ebx
    mov es, ebx
"""


@dataclass(frozen=True)
class Guest:
    """A guest kernel.  It goes round `count` times, and does what it is named for `each` times a round."""

    name: str
    what: str
    count: int
    each: int
    source: str
    vectors: tuple[tuple[int, str], ...] = ()  # (vector, label of its handler)
    unmapped: tuple[int, ...] = ()  # virtual pages that the page tables leave out

    @property
    def operations(self) -> int:
        """How often it does what it is named for."""
        return self.count * self.each

    def repeated(self, count: int) -> Guest:
        """The same kernel with another number of rounds."""
        return replace(self, count=count)

    @property
    def code(self) -> Code:
        return _assembled(self)

    def image(self) -> bytes:
        """All of the board's memory as a loader leaves it: code, descriptor tables, page tables."""
        memory = bytearray(layout.RAM_BYTES)
        code = self.code

        def put(address: int, data: bytes) -> None:
            memory[address : address + len(data)] = data

        put(layout.GDT, layout.tables())
        put(layout.TSS, layout.task_segment())
        put(layout.CODE, code.data)
        for vector, label in self.vectors:
            privilege = 3 if vector == layout.SYSTEM_CALL_VECTOR else 0
            put(layout.IDT + 8 * vector, layout.gate(code.labels[label], privilege))
        put(layout.NAMES["gdt_pointer"], layout.pointer(8 * layout.GDT_ENTRIES - 1, layout.GDT))
        put(layout.NAMES["idt_pointer"], layout.pointer(8 * 256 - 1, layout.IDT))
        for directory, table, odd in ((DIRECTORY, TABLE, 0x38000), (OTHER_DIRECTORY, OTHER_TABLE, 0x39000)):
            put(directory, struct.pack("<I", table | PRESENT | WRITABLE | USER))
            put(table, b"".join(struct.pack("<I", self._entry(page, odd)) for page in ALL_PAGES))
        return bytes(memory)

    def _entry(self, page: int, odd: int) -> int:
        """The page table entry of one page: itself, except that page 0x20 differs between the two spaces.

        Page tables are mapped read-only, as a ported Xen guest has them; CR0.WP is clear, so that
        a kernel on the bare machine writes them all the same.
        """
        if page in self.unmapped:
            return 0
        frame = odd if page == 0x20 else page * PAGE
        user = USER if page in (layout.CODE // PAGE, DATA // PAGE, (layout.USER_STACK - 1) // PAGE) else 0
        return frame | PRESENT | (0 if page in TABLE_PAGES else WRITABLE) | user


@cache
def _assembled(guest: Guest) -> Code:
    return assemble(guest.source, layout.CODE, {**layout.NAMES, "count": guest.count})


def _guests() -> list[Guest]:
    return [
        Guest(
            "syscall", "user code makes system calls by int 0x80", 200, 1,
            START + TO_USER + """
user:
    mov ecx, @count
again:
    mov eax, 1
    int 0x80
    dec ecx
    jne @again
    mov eax, 2
    int 0x80
system_call:
    cmp eax, 2
    je @leave
    inc dword ptr [@data]
    *iretd
leave:
""" + IN_KERNEL + FINISH,
            ((layout.SYSTEM_CALL_VECTOR, "system_call"),),
        ),
        Guest(
            "port", "reads a device's port", 200, 1,
            START + """
    mov ecx, @count
    mov eax, 0
again:
    *in al, @counter
    add dword ptr [@data], eax
    dec ecx
    jne @again
""" + FINISH,
        ),
        Guest(
            "console", "writes characters to a device's port", 200, 1,
            START + """
    mov ecx, @count
    mov eax, 0x2e
again:
    *out @console, al
    dec ecx
    jne @again
""" + FINISH,
        ),
        Guest(
            "pte", "writes page table entries, eight between flushes", 20, 8,
            START + PAGING + """
    mov ebx, 0
round:
    mov edi, @table
    add edi, 0xc0
    mov ecx, 8
    mov esi, 0x30003
entry:
    mov eax, ebx
    and eax, 1
    shl eax, 3
    add eax, esi
    *mov dword ptr [edi], eax
    add edi, 4
    add esi, 0x1000
    dec ecx
    jne @entry
    mov eax, @directory
    *mov cr3, eax
    inc dword ptr [0x33000]
    add edx, dword ptr [0x30000]
    inc ebx
    cmp ebx, @count
    jne @round
""" + FINISH,
        ),
        Guest(
            "switch", "switches between two address spaces and touches both", 50, 2,
            START + PAGING + """
    mov ecx, @count
again:
    mov eax, @other_directory
    *mov cr3, eax
    push ecx
    inc dword ptr [0x20000]
    inc dword ptr [@data]
    pop ecx
    mov eax, @directory
    *mov cr3, eax
    push ecx
    inc dword ptr [0x20000]
    pop ecx
    dec ecx
    jne @again
""" + FINISH,
        ),
        Guest(
            "pagefault", "touches absent pages; its handler maps them", 10, 16,
            START + PAGING + """
    mov edx, @count
round:
    mov ecx, 16
    mov esi, 0x28000
touch:
    inc dword ptr [esi]
    add esi, 0x1000
    dec ecx
    jne @touch
    mov ecx, 16
    mov edi, @table
    add edi, 0xa0
unmap:
    mov eax, 0
    *mov dword ptr [edi], eax
    add edi, 4
    dec ecx
    jne @unmap
    mov eax, @directory
    *mov cr3, eax
    dec edx
    jne @round
    jmp @finish
page_fault:
    push eax
    push edi
    *mov eax, cr2
    mov edi, eax
    and edi, 0xfffff000
    mov eax, edi
    add eax, 3
    shr edi, 10
    add edi, @table
    *mov dword ptr [edi], eax
    inc dword ptr [@data]
    pop edi
    pop eax
    add esp, 4
    *iretd
""" + FINISH,
            ((14, "page_fault"),),
            tuple(range(0x28, 0x38)),
        ),
        Guest(
            "divide", "divides by zero; its handler steps over the division", 100, 1,
            START + """
    mov ebx, 0
    mov ecx, @count
again:
    div ebx
    dec ecx
    jne @again
    jmp @finish
divide_error:
    add dword ptr [esp], 2
    inc dword ptr [@data]
    *iretd
""" + FINISH,
            ((0, "divide_error"),),
        ),
        Guest(
            "critical", "critical sections: PUSHF, CLI, work, POPF", 100, 1,
            START + """
    *sti
    mov ecx, @count
again:
    *pushfd
    *cli
    inc dword ptr [@data]
    *pushfd
    pop eax
    and eax, 0x200
    add dword ptr [0x9004], eax
    *popfd
    *pushfd
    pop eax
    and eax, 0x200
    add dword ptr [0x9008], eax
    dec ecx
    jne @again
    *cli
""" + FINISH,
        ),
        Guest(
            "idle", "sleeps in HLT until a timer tick, again and again", 40, 1,
            START + """
again:
    mov eax, 2
    *out @timer, al
    *sti & hlt
    *cli
    cmp dword ptr [@data], @count
    jne @again
    jmp @finish
tick:
    inc dword ptr [@data]
    *iretd
""" + FINISH,
            ((layout.TIMER_VECTOR, "tick"),),
        ),
        Guest(
            "timer", "user code computes while timer ticks interrupt it", 40, 1,
            START + """
    mov eax, 4
    *out @timer, al
""" + TO_USER + """
user:
    cmp dword ptr [@data], @count
    jne @user
    mov eax, 2
    int 0x80
tick:
    push eax
    cmp dword ptr [@data], @count
    je @enough
    inc dword ptr [@data]
enough:
    mov eax, 4
    *out @timer, al
    pop eax
    *iretd
leave:
""" + IN_KERNEL + """
    mov eax, 0
    *out @timer, al
""" + FINISH,
            ((layout.TIMER_VECTOR, "tick"), (layout.SYSTEM_CALL_VECTOR, "leave")),
        ),
        Guest(
            "callret", "calls and returns in the kernel, half of them indirect", 200, 2,
            START + """
    mov ecx, @count
    mov edx, @leaf
again:
    call @leaf
    call edx
    dec ecx
    jne @again
    jmp @finish
leaf:
    inc dword ptr [@data]
    ret
""" + FINISH,
        ),
        Guest(
            "silent", "asks, by instructions that do not trap, where and what it is", 1, 12,
            START + """
    mov ebx, @data
    *sgdt [ebx]
    *sidt [ebx + 8]
    mov eax, 0
    *smsw eax
    mov dword ptr [ebx + 16], eax
    *str eax
    mov dword ptr [ebx + 20], eax
    *sldt eax
    mov dword ptr [ebx + 24], eax
    *push cs
    pop dword ptr [ebx + 28]
    *mov eax, cs
    mov dword ptr [ebx + 32], eax
    *mov eax, ss
    mov dword ptr [ebx + 36], eax
    mov ecx, @kernel_code
    *lar eax, ecx
    mov dword ptr [ebx + 40], eax
    mov ecx, @task
    *lsl eax, ecx
    mov dword ptr [ebx + 44], eax
    *pushfd
    pop dword ptr [ebx + 48]
    *mov eax, cr0
    mov dword ptr [ebx + 52], eax
""" + FINISH,
        ),
        Guest(
            "compute", "user code computes and touches memory", 2000, 1,
            START + TO_USER + """
user:
    mov ecx, @count
    mov eax, 1
again:
    add eax, eax
    adc eax, ecx
    add dword ptr [@data], eax
    dec ecx
    jne @again
    int 0x80
leave:
""" + IN_KERNEL + FINISH,
            ((layout.SYSTEM_CALL_VECTOR, "leave"),),
        ),
    ]  # fmt: skip


GUESTS: dict[str, Guest] = {guest.name: guest for guest in _guests()}
