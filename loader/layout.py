"""The bytes of a load plan: the Python half of personality/runtime/plan.h, compared by a test.

Split from plan.py because the warm path reads plans without ever building one.
"""

from __future__ import annotations

import struct
import zlib

MAGIC = 0x4E4C504553495547  # the bytes "GUISEPLN"
VERSION = 1
RELOCATABLE = 1
EXECUTABLE_STACK = 2

# Field order and widths of struct plan_header and struct plan_segment; neither has padding.
HEADER = struct.Struct("<QIIQQQQIIIIIIIIQQ")
HEADER_FIELDS = (
    "magic", "version", "total_size", "entry", "low", "high", "phdr", "phent", "phnum", "flags",
    "segment_count", "segments_offset", "personality_offset", "interpreter_offset", "release",
    "stack_size", "alignment",
)  # fmt: skip
SEGMENT = struct.Struct("<QQQQQII")
SEGMENT_FIELDS = ("address", "size", "file_offset", "zero_from", "zero_to", "protection", "anonymous")

MAX_PLAN_SIZE = 1 << 20

# A cached plan is followed by this, beyond total_size where the runtime does not look: magic, CRC-32 of
# the plan and of the key that it was stored under.
TRAILER = struct.Struct("<II")
TRAILER_MAGIC = 0x5A4C5047


class PlanSummary:
    """What a caller needs to know of a plan without reading its segments."""

    __slots__ = ("interpreter", "personality", "release")

    def __init__(self, personality: str, interpreter: str, release: int) -> None:
        self.personality = personality
        self.interpreter = interpreter
        self.release = release


def seal(plan: bytes, key: str) -> bytes:
    """The plan with a trailer that tells it from a damaged one or from another file's."""
    return plan + TRAILER.pack(TRAILER_MAGIC, zlib.crc32(key.encode(), zlib.crc32(plan)))


def unseal(data: bytes, key: str) -> PlanSummary | None:
    """The summary of a sealed plan, or None if it is not whole, not of `key` or of another version."""
    if not HEADER.size + TRAILER.size <= len(data) <= MAX_PLAN_SIZE:
        return None
    magic, checksum = TRAILER.unpack_from(data, len(data) - TRAILER.size)
    plan = data[: -TRAILER.size]
    if magic != TRAILER_MAGIC or checksum != zlib.crc32(key.encode(), zlib.crc32(plan)):
        return None
    fields = HEADER.unpack_from(plan)
    if fields[0] != MAGIC or fields[1] != VERSION or fields[2] != len(plan):
        return None
    personality_offset, interpreter_offset, release = fields[12:15]
    personality = string_at(plan, personality_offset)
    interpreter = string_at(plan, interpreter_offset) if interpreter_offset else ""
    if not personality or interpreter is None:
        return None
    return PlanSummary(personality, interpreter, release)


def string_at(data: bytes, offset: int) -> str | None:
    """The NUL-terminated string at `offset`, None if it does not end inside `data`."""
    end = data.find(b"\0", offset)
    return data[offset:end].decode("utf-8", "surrogateescape") if 0 < offset <= end else None
