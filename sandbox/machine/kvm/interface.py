"""The part of Linux's KVM interface that is used here: ioctl numbers and struct layouts.

Source: include/uapi/linux/kvm.h and arch/x86/include/uapi/asm/kvm.h of Linux 6, and
Documentation/virt/kvm/api.rst.
"""

from __future__ import annotations

import struct

API_VERSION = 12


def _number(direction: int, size: int, number: int) -> int:
    """_IOC(direction, KVMIO, number, size)"""
    return direction << 30 | size << 16 | 0xAE << 8 | number


_WRITE, _READ = 1, 2
GET_API_VERSION = _number(0, 0, 0x00)
CREATE_VM = _number(0, 0, 0x01)
CHECK_EXTENSION = _number(0, 0, 0x03)
GET_VCPU_MMAP_SIZE = _number(0, 0, 0x04)
CREATE_VCPU = _number(0, 0, 0x41)
GET_DIRTY_LOG = _number(_WRITE, 16, 0x42)
SET_USER_MEMORY_REGION = _number(_WRITE, 32, 0x46)
SET_TSS_ADDR = _number(0, 0, 0x47)
RUN = _number(0, 0, 0x80)
INTERRUPT = _number(_WRITE, 4, 0x86)

REGISTERS = struct.Struct("<18Q")  # struct kvm_regs
GET_REGISTERS = _number(_READ, REGISTERS.size, 0x81)
SET_REGISTERS = _number(_WRITE, REGISTERS.size, 0x82)
REGISTER_ORDER = ("eax", "ebx", "ecx", "edx", "esi", "edi", "esp", "ebp")  # then r8-r15, rip, rflags

LONG_REGISTERS = (
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
)  # fmt: skip

SPECIAL_BYTES = 312  # struct kvm_sregs
GET_SPECIAL = _number(_READ, SPECIAL_BYTES, 0x83)
SET_SPECIAL = _number(_WRITE, SPECIAL_BYTES, 0x84)
SEGMENT = struct.Struct("<QIH10B")  # struct kvm_segment
SEGMENT_ORDER = ("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt")
TABLE = struct.Struct("<QH6x")  # struct kvm_dtable
CONTROL = struct.Struct("<7Q")  # cr0 cr2 cr3 cr4 cr8 efer apic_base
CR0_LONG = 0x80050033  # PG AM WP NE ET MP PE
CR4_LONG = 0x20  # PAE
EFER_LONG = 0x500  # LME LMA

FLOATING_BYTES = 416  # struct kvm_fpu
GET_FLOATING = _number(_READ, FLOATING_BYTES, 0x8C)
SET_FLOATING = _number(_WRITE, FLOATING_BYTES, 0x8D)
EVENTS_BYTES = 64  # struct kvm_vcpu_events
GET_EVENTS = _number(_READ, EVENTS_BYTES, 0x9F)
SET_EVENTS = _number(_WRITE, EVENTS_BYTES, 0xA0)

MEMORY_REGION = struct.Struct("<IIQQQ")  # slot, flags, guest address, size, our address
LOG_DIRTY_PAGES = 1
DIRTY_LOG = struct.Struct("<IIQ")  # slot, padding, our bitmap

# struct kvm_run
REQUEST_INTERRUPT_WINDOW, IMMEDIATE_EXIT, EXIT_REASON, READY_FOR_INJECTION, UNION = 0, 1, 8, 12, 32
IO = struct.Struct("<BBHIQ")  # direction, size, port, count, where the data is in kvm_run
MMIO = struct.Struct("<Q8sIB")  # address, data, length, is write
EXITS = {
    0: "unknown", 2: "io", 3: "hypercall", 4: "debug", 5: "hlt", 6: "mmio", 7: "interrupt window",
    8: "shutdown", 9: "failed entry", 10: "interrupted", 17: "internal error",
}  # fmt: skip
INTERNAL_ERRORS = {
    1: "emulation",
    2: "internal error: simultaneous exceptions",
    3: "internal error: delivery",
}
