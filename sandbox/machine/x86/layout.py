"""The board as its guests find it: memory layout, selectors, descriptor tables, and ports.

The reset state is the one a boot loader leaves: 32-bit protected mode, flat segments, paging off,
interrupts off.  All numbers are this board's own, except the formats (Intel SDM volume 3, chapters
3 to 7) and the exit port, which is where QEMU's isa-debug-exit has it.
"""

from __future__ import annotations

import struct

PAGE = 4096
RAM_BYTES = 64 * PAGE

GDT, TSS, IDT = 0x0800, 0x0900, 0x1000
CODE = 0x2000
KERNEL_STACK, USER_STACK = 0x7000, 0x8000  # each the top of one page
DATA = 0x9000
DIRECTORY, TABLE = 0x10000, 0x11000
OTHER_DIRECTORY, OTHER_TABLE = 0x12000, 0x13000

KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA, TASK = 0x08, 0x10, 0x1B, 0x23, 0x28
GDT_ENTRIES = 6

PORT_TIMER = 0x40  # out: the board's timer fires once, after 16 x AL instructions
PORT_COUNTER = 0x71  # in: 0, 1, 2, ... one more at each read
PORT_CONSOLE = 0xE9  # out: one character
PORT_EXIT = 0xF4  # out: the machine stops
TIMER_VECTOR = 0x20
SYSTEM_CALL_VECTOR = 0x80

NAMES = {
    "gdt": GDT, "tss": TSS, "idt": IDT, "data": DATA, "kernel_stack": KERNEL_STACK, "user_stack": USER_STACK,
    "directory": DIRECTORY, "table": TABLE, "other_directory": OTHER_DIRECTORY, "other_table": OTHER_TABLE,
    "kernel_code": KERNEL_CODE, "kernel_data": KERNEL_DATA, "user_code": USER_CODE, "user_data": USER_DATA,
    "task": TASK, "timer": PORT_TIMER, "counter": PORT_COUNTER, "console": PORT_CONSOLE, "exit": PORT_EXIT,
    "gdt_pointer": DATA + 0xF00, "idt_pointer": DATA + 0xF08,
}  # fmt: skip


def descriptor(base: int, limit: int, access: int, flags: int) -> bytes:
    """A segment descriptor: `access` is its type, S, DPL and P byte; `flags` G, D/B, L, AVL."""
    return struct.pack(
        "<HHBBBB",
        limit & 0xFFFF,
        base & 0xFFFF,
        base >> 16 & 0xFF,
        access,
        flags << 4 | limit >> 16 & 15,
        base >> 24 & 0xFF,
    )


def gate(offset: int, privilege: int = 0, selector: int = KERNEL_CODE) -> bytes:
    """A 32-bit interrupt gate, which clears IF on entry."""
    return struct.pack("<HHBBH", offset & 0xFFFF, selector, 0, 0x8E | privilege << 5, offset >> 16)


def tables() -> bytes:
    """The GDT: null, kernel code and data, user code and data (accessed already), and the task."""
    flat = [descriptor(0, 0xFFFFF, access, 0xC) for access in (0x9B, 0x93, 0xFB, 0xF3)]
    return bytes(8) + b"".join(flat) + descriptor(TSS, 0x67, 0x89, 0)


def task_segment() -> bytes:
    """The TSS: of it only the stack for entries from user code is used."""
    return struct.pack("<III", 0, KERNEL_STACK, KERNEL_DATA) + bytes(0x68 - 12)


def pointer(limit: int, base: int) -> bytes:
    return struct.pack("<HI", limit, base)
