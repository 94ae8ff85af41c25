"""The layout of the trace area and of the records in it; mirrors runtime/trace.h and trace_records.h, as a
test checks."""

from __future__ import annotations

import struct

MAGIC = 0x4543415254455547
VERSION = 2
PAGE = 4096
KERNELS = 8
CALLS = 4096
LARGEST_RECORD = 32768

HEADER = struct.Struct("<QIIIIIIIIQQQQIIQ")
OFF_OFFSET = 12
OPTIONS_OFFSET = 20
TEXT_LIMIT_OFFSET = 32
REFUSED_OFFSET = 64
NEXT_SLOT_OFFSET = 72
UNMAPPED_OFFSET = 76
TICK_RATE_OFFSET = 80
READER_RESTS_OFFSET = 88
WANTED_OFFSET = PAGE
TAMPER_OFFSET = WANTED_OFFSET + 2 * KERNELS * CALLS
POLICY = struct.Struct("<IIII")
POLICY_OFFSET = TAMPER_OFFSET + 2 * KERNELS * CALLS
HEADER_SIZE = POLICY_OFFSET + POLICY.size

FULL_WAIT, FULL_DROP, FULL_OVERWRITE = 0, 1, 2
WITH_NAMES, WITH_STACKS, WITH_HOST_CALLS, WITH_ENVIRONMENT, WITH_VALUES = 1, 2, 4, 8, 16

SLOT = struct.Struct("<IiiIQQIIQ16xQQ48xQ")
SLOT_STATE_OFFSET = 0
SLOT_WAITING_OFFSET = 12
SLOT_OPEN_OFFSET = 72
SLOT_TAIL_OFFSET = 128
SLOT_INTRODUCTION_OFFSET = 512
SLOT_FREE, SLOT_USED, SLOT_ENDED = 0, 1, 2

RECORD = struct.Struct("<IBBBBIHHQQqQ")
CAPTURE = struct.Struct("<BBHI")
HOST_CALL = struct.Struct("<7Qq")
DESCRIPTOR_HEAD = struct.Struct("<8I")
PAD, CALL, SIGNAL, THREAD, END, USAGE, DESCRIPTOR, LOST, MAPPING = range(9)
OPEN, DONE, NO_RETURN = 0, 1, 2
CAPTURE_OUT, CAPTURE_TRUNCATED, CAPTURE_FAULT, CAPTURE_NESTED = 1, 2, 4, 8
CAPTURE_STACK, CAPTURE_HOST, CAPTURE_DESCRIPTOR = 250, 251, 252
UNDECIDED = 0x8000
TAMPERED = {1: "result", 2: "delay", 4: "signal", 8: "argument", 16: "memory"}
USAGE_NAMES = (
    "user", "system", "minor_faults", "major_faults", "voluntary_switches", "involuntary_switches",
    "resident", "storage_read", "storage_written",
)  # fmt: skip

OP = struct.Struct("<BBBBIQ")
RULE = struct.Struct("<IIIiqQQQQQQIIIBBBB")
AUTOMATON = struct.Struct("<II256s")

READER_BYTE, GUESTS_BYTE = 0, 1
"""Of the area: the reader holds a lock on the one, and all guests together hold one on the other."""
