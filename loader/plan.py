"""Load plans: what to map where, as pure data that the runtime carries out with mmap alone.

The rules that a plan keeps, whatever the file says, are all here.  Where a number is a kernel's, it is
FreeBSD's (sys/kern/imgact_elf.c, sys/amd64/include/vmparam.h) or the host's.  The runtime does not check
again, so a plan that exists is one that can be carried out: page aligned, inside the file, inside the
address space, nothing over anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import layout
from .elf import ElfImage
from .errors import LoadError
from .header import (
    ELF64_PROGRAM_HEADER_SIZE,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_STACK,
    PT_LOAD,
    PT_PHDR,
    ProgramHeader,
)

PAGE = 4096
LOWEST = 0x10000  # vm.mmap_min_addr of the usual host: nothing may be mapped below
HIGHEST = 0x7FFF_FFFF_F000  # TASK_SIZE of the host; FreeBSD's VM_MAXUSER_ADDRESS is a page higher
MAX_SEGMENT = 32768 << 20  # MAXTSIZ and MAXDSIZ of FreeBSD/amd64
MAX_SPAN = 4 * MAX_SEGMENT  # of a relocatable image: its whole range is reserved at once
MAX_STACK = 512 << 20  # MAXSSIZ
MAX_ALIGNMENT = 1 << 30
MAX_SEGMENTS = 1024
PROT_READ, PROT_WRITE, PROT_EXECUTE = 1, 2, 4

# Kernels that give an executable stack to a program without PT_GNU_STACK: their sv_stackprot.
STACK_EXECUTABLE_UNLESS_SAID = frozenset({"freebsd"})


@dataclass(frozen=True, slots=True)
class PlanSegment:
    """One mapping; addresses before the load bias. After mapping, [zero_from, zero_to) is zeroed."""

    address: int
    size: int
    file_offset: int
    zero_from: int
    zero_to: int
    protection: int
    anonymous: bool

    @property
    def end(self) -> int:
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """struct plan_header and its segments. Page-aligned [low, high) spans the segments; phdr is the
    address of the program headers in memory, 0 if they are not mapped."""

    entry: int
    low: int
    high: int
    phdr: int
    phent: int
    phnum: int
    relocatable: bool
    executable_stack: bool
    stack_size: int
    alignment: int
    personality: str
    interpreter: str
    release: int
    segments: tuple[PlanSegment, ...]

    def to_bytes(self) -> bytes:
        """The plan as personality/runtime/plan.h lays it out."""
        strings = bytearray()
        segments_offset = layout.HEADER.size
        strings_offset = segments_offset + layout.SEGMENT.size * len(self.segments)
        personality_offset = strings_offset
        strings += self.personality.encode() + b"\0"
        interpreter_offset = 0
        if self.interpreter:
            interpreter_offset = strings_offset + len(strings)
            strings += self.interpreter.encode("utf-8", "surrogateescape") + b"\0"
        flags = layout.RELOCATABLE * self.relocatable | layout.EXECUTABLE_STACK * self.executable_stack
        total = strings_offset + len(strings)
        header = layout.HEADER.pack(
            layout.MAGIC, layout.VERSION, total, self.entry, self.low, self.high, self.phdr, self.phent,
            self.phnum, flags, len(self.segments), segments_offset, personality_offset, interpreter_offset,
            self.release, self.stack_size, self.alignment,
        )  # fmt: skip
        body = b"".join(
            layout.SEGMENT.pack(
                s.address, s.size, s.file_offset, s.zero_from, s.zero_to, s.protection, int(s.anonymous)
            )
            for s in self.segments
        )
        return header + body + bytes(strings)

    @classmethod
    def from_bytes(cls, data: bytes) -> LoadPlan:
        """The plan at the start of `data`. Raises ValueError if it is not one of this version."""
        if len(data) < layout.HEADER.size:
            raise ValueError("a load plan ends inside its header")
        fields = dict(zip(layout.HEADER_FIELDS, layout.HEADER.unpack_from(data), strict=True))
        if fields["magic"] != layout.MAGIC or fields["version"] != layout.VERSION:
            raise ValueError("not a load plan of this version")
        total, count, offset = fields["total_size"], fields["segment_count"], fields["segments_offset"]
        if total > len(data) or offset + count * layout.SEGMENT.size > total:
            raise ValueError("a load plan is shorter than it says")
        plan = data[:total]
        personality = layout.string_at(plan, fields["personality_offset"])
        interpreter_offset = fields["interpreter_offset"]
        interpreter = layout.string_at(plan, interpreter_offset) if interpreter_offset else ""
        if not personality or interpreter is None:
            raise ValueError("a load plan's names do not end")
        segments = []
        for index in range(count):
            values = layout.SEGMENT.unpack_from(plan, offset + index * layout.SEGMENT.size)
            named = dict(zip(layout.SEGMENT_FIELDS, values, strict=True))
            named["anonymous"] = bool(named["anonymous"])
            segments.append(PlanSegment(**named))
        return cls(
            entry=fields["entry"], low=fields["low"], high=fields["high"], phdr=fields["phdr"],
            phent=fields["phent"], phnum=fields["phnum"],
            relocatable=bool(fields["flags"] & layout.RELOCATABLE),
            executable_stack=bool(fields["flags"] & layout.EXECUTABLE_STACK),
            stack_size=fields["stack_size"], alignment=fields["alignment"], personality=personality,
            interpreter=interpreter, release=fields["release"], segments=tuple(segments),
        )  # fmt: skip


def make_plan(image: ElfImage, personality: str, release: int) -> LoadPlan:
    """The plan of `image` as a program of `personality`.

    Raises LoadError: ENOEXEC for what no kernel would load, ENOMEM for what asks for more memory than
    the guest's kernel gives.
    """
    loads = _check_loads(image)
    segments: list[PlanSegment] = []
    for load in loads:
        segments.extend(_mappings(load))
    low, high = segments[0].address, segments[-1].end
    if image.relocatable and high - low > MAX_SPAN:
        raise LoadError(f"{image.path}: its segments span {high - low >> 30} GiB", "ENOMEM")
    _check_entry(image, loads)
    executable_stack, stack_size = _stack(image, personality)
    return LoadPlan(
        entry=image.entry,
        low=low,
        high=high,
        phdr=_program_headers_address(image, loads),
        phent=ELF64_PROGRAM_HEADER_SIZE,
        phnum=image.program_headers_count,
        relocatable=image.relocatable,
        executable_stack=executable_stack,
        stack_size=stack_size,
        alignment=max([PAGE, *(load.alignment for load in loads)]),
        personality=personality,
        interpreter=image.interpreter,
        release=release,
        segments=tuple(segments),
    )


def _check_loads(image: ElfImage) -> list[ProgramHeader]:
    """The segments to load in the order of their addresses, each possible and none over another."""
    path = image.path
    loads = [s for s in image.segments if s.type == PT_LOAD and s.memory_size]
    if not loads:
        raise LoadError(f"{path}: damaged: it has nothing to load")
    if len(loads) > MAX_SEGMENTS // 2:
        raise LoadError(f"{path}: damaged: it has {len(loads)} segments to load")
    if any(s.type == PT_LOAD and s.file_size > s.memory_size for s in image.segments):
        raise LoadError(f"{path}: damaged: a segment is larger in the file than in memory")
    loads.sort(key=lambda s: s.address)
    lowest = 0 if image.relocatable else LOWEST
    previous_end = 0
    for load in loads:
        end = load.address + load.memory_size
        if load.memory_size > MAX_SEGMENT:
            gibibytes = load.memory_size >> 30
            raise LoadError(f"{path}: a segment asks for {gibibytes} GiB of memory; at most 32", "ENOMEM")
        if load.address < lowest or _round_up(end) > HIGHEST:
            where = f"{load.address:#x} to {end:#x}"
            raise LoadError(f"{path}: a segment at {where} is outside of the memory that programs may use")
        if load.alignment > MAX_ALIGNMENT or load.alignment & (load.alignment - 1):
            raise LoadError(f"{path}: damaged: a segment asks for an alignment of {load.alignment:#x}")
        if load.file_size:
            if load.offset + load.file_size > image.file_size:
                raise LoadError(f"{path}: truncated: a segment lies beyond the end of the file")
            if (load.offset - load.address) % PAGE:
                raise LoadError(f"{path}: damaged: a segment cannot be mapped from its place in the file")
        if _round_down(load.address) < previous_end:
            raise LoadError(f"{path}: damaged: its segments overlap in memory")
        previous_end = _round_up(end)
    return loads


def _mappings(load: ProgramHeader) -> list[PlanSegment]:
    """One mapping of the file's part, one of the pages beyond it that the file has nothing for."""
    protection = (
        PROT_READ * bool(load.flags & PF_R)
        | PROT_WRITE * bool(load.flags & PF_W)
        | PROT_EXECUTE * bool(load.flags & PF_X)
    )
    start, end = _round_down(load.address), _round_up(load.address + load.memory_size)
    file_end = start
    mappings = []
    if load.file_size:
        data_end = load.address + load.file_size
        file_end = _round_up(data_end)
        zero_from = data_end if load.memory_size > load.file_size else file_end
        offset = _round_down(load.offset)
        size = file_end - start
        mappings.append(PlanSegment(start, size, offset, zero_from, file_end, protection, anonymous=False))
    if end > file_end:
        mappings.append(PlanSegment(file_end, end - file_end, 0, end, end, protection, anonymous=True))
    return mappings


def _check_entry(image: ElfImage, loads: list[ProgramHeader]) -> None:
    for load in loads:
        if load.flags & PF_X and load.address <= image.entry < load.address + load.memory_size:
            return
    if image.relocatable and image.entry == 0:
        raise LoadError(f"{image.path}: a shared library, not a program: it has no entry point")
    raise LoadError(f"{image.path}: damaged: its entry point {image.entry:#x} is not in executable memory")


def _program_headers_address(image: ElfImage, loads: list[ProgramHeader]) -> int:
    """Where a program finds its own program headers (AT_PHDR): PT_PHDR if the file's bytes are there,
    otherwise wherever the table is mapped."""
    size = ELF64_PROGRAM_HEADER_SIZE * image.program_headers_count
    for segment in image.segments:
        if segment.type == PT_PHDR and any(
            load.address <= segment.address and segment.address + size <= load.address + load.file_size
            for load in loads
        ):
            return segment.address
    offset = image.program_headers_offset
    for load in loads:
        if load.offset <= offset and offset + size <= load.offset + load.file_size:
            return load.address + offset - load.offset
    return 0


def _stack(image: ElfImage, personality: str) -> tuple[bool, int]:
    """(executable, size asked for or 0) from PT_GNU_STACK."""
    for segment in image.segments:
        if segment.type == PT_GNU_STACK:
            if segment.memory_size > MAX_STACK:
                mebibytes = segment.memory_size >> 20
                raise LoadError(f"{image.path}: asks for a stack of {mebibytes} MiB; at most 512", "ENOMEM")
            return bool(segment.flags & PF_X), segment.memory_size
    return personality in STACK_EXECUTABLE_UNLESS_SAID, 0


def _round_down(address: int) -> int:
    return address & -PAGE


def _round_up(address: int) -> int:
    return (address + PAGE - 1) & -PAGE
