"""The layout of the trace area and of the records in it; mirrors runtime/trace.h, as a test checks."""

from __future__ import annotations

import struct

MAGIC = 0x4543415254455547
VERSION = 1
PAGE = 4096
KERNELS = 8
CALLS = 4096
LARGEST_RECORD = 16384
HEADER_SIZE = PAGE + KERNELS * CALLS

HEADER = struct.Struct("<QIIIIQIIQQQI")
OFF_OFFSET = 12
LOSSY_OFFSET = 16
ONLY_OFFSET = 20
LEAST_DURATION_OFFSET = 24
TEXT_LIMIT_OFFSET = 36
REFUSED_OFFSET = 56
NEXT_SLOT_OFFSET = 64
WANTED_OFFSET = PAGE

SLOT = struct.Struct("<IiiIQI36xQQ48xQ")
SLOT_STATE_OFFSET = 0
SLOT_WAITING_OFFSET = 12
SLOT_TAIL_OFFSET = 128
SLOT_FREE, SLOT_USED, SLOT_ENDED = 0, 1, 2

RECORD = struct.Struct("<IBBBBIIQQqQ")
CAPTURE = struct.Struct("<BBHI")
PAD, CALL, SIGNAL, THREAD, END = 0, 1, 2, 3, 4
OPEN, DONE, NO_RETURN = 0, 1, 2
CAPTURE_OUT, CAPTURE_TRUNCATED, CAPTURE_FAULT = 1, 2, 4

ONLY_FAILED, ONLY_SUCCESSFUL = 1, 2

READER_BYTE, GUESTS_BYTE = 0, 1
"""Of the area: the reader holds a lock on the one, and all guests together hold one on the other."""
