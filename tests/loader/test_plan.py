"""What a plan says, and what never becomes one: one test per rule."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from loader import GuestImage, LoadError, plan_for
from loader.plan import HIGHEST, LoadPlan

from .builder import (
    BASE,
    ET_DYN,
    FREEBSD_NOTE,
    PT_GNU_STACK,
    PT_PHDR,
    Elf,
    R,
    Segment,
    W,
    X,
    data,
    interpreter,
    notes,
    text,
)
from .conftest import Files

RW, RX = 3, 5


def test_text_is_mapped_and_bss_is_zeroed_then_anonymous(files: Files) -> None:
    plan = files.plan(Elf())
    code, initialised, bss = plan.segments
    assert (code.address, code.size, code.file_offset, code.protection) == (BASE, 0x1000, 0, RX)
    assert code.zero_from == code.zero_to
    assert (initialised.address, initialised.size, initialised.file_offset) == (BASE + 0x2000, 0x1000, 0x1000)
    assert (initialised.zero_from, initialised.zero_to) == (BASE + 0x2123, BASE + 0x3000)
    assert (bss.address, bss.size, bss.anonymous, bss.protection) == (BASE + 0x3000, 0x2000, True, RW)
    assert bss.zero_from == bss.zero_to
    assert (plan.low, plan.high, plan.entry) == (BASE, BASE + 0x5000, BASE + 0x800)
    assert not plan.relocatable
    assert (plan.personality, plan.interpreter, plan.alignment) == ("freebsd", "", 4096)


def test_segments_that_share_a_page_of_the_file_are_mapped_apart(files: Files) -> None:
    parts = [text(0x514), data(0x80, 0x80, offset=0x520, address=BASE + 0x1520)]
    plan = files.plan(Elf(parts, entry=BASE + 0x100))
    assert [(s.address, s.file_offset, s.size) for s in plan.segments] == [
        (BASE, 0, 0x1000),
        (BASE + 0x1000, 0, 0x1000),
    ]


def test_bss_within_the_last_page_needs_no_anonymous_memory(files: Files) -> None:
    plan = files.plan(Elf([text(), data(0x10, 0x20)]))
    assert [s.anonymous for s in plan.segments] == [False, False]
    assert (plan.segments[1].zero_from, plan.segments[1].zero_to) == (BASE + 0x2010, BASE + 0x3000)


def test_a_segment_without_file_contents_is_anonymous_wherever_it_points(files: Files) -> None:
    plan = files.plan(Elf([text(), data(0, 0x123, offset=0xFFFFFFFFFFFF0001, address=BASE + 0x2010)]))
    bss = plan.segments[1]
    assert (bss.address, bss.size, bss.anonymous) == (BASE + 0x2000, 0x1000, True)


def test_an_empty_segment_is_left_out(files: Files) -> None:
    assert len(files.plan(Elf([text(), data(0, 0)])).segments) == 1


def test_segments_come_in_the_order_of_addresses(files: Files) -> None:
    plan = files.plan(Elf([data(), text()]))
    assert [s.address for s in plan.segments] == [BASE, BASE + 0x2000, BASE + 0x3000]


def test_a_position_independent_program_may_start_at_zero(files: Files) -> None:
    parts = [text(address=0), data(address=0x2000, alignment=0x200000)]
    plan = files.plan(Elf(parts, type=ET_DYN, entry=0x800))
    assert (plan.relocatable, plan.low, plan.alignment) == (True, 0, 0x200000)


@pytest.mark.parametrize(
    ("flags", "protection"), [(0, 0), (R, 1), (W, 2), (X, 4), (R | W, 3), (R | X, 5), (R | W | X, 7)]
)
def test_protections_are_the_hosts(files: Files, flags: int, protection: int) -> None:
    assert files.plan(Elf([text(), data(flags=flags)])).segments[1].protection == protection


def test_the_program_headers_are_found_in_memory(files: Files) -> None:
    plan = files.plan(Elf())
    assert (plan.phdr, plan.phent, plan.phnum) == (BASE + 64, 56, 2)
    # PT_PHDR wins where it says what is mapped,
    mapped = Segment(PT_PHDR, R, 64, BASE + 0x100, 168)
    assert files.plan(Elf([text(), data(), mapped])).phdr == BASE + 0x100
    # a lie is passed over,
    lie = Segment(PT_PHDR, R, 64, 0xDEAD000, 168)
    assert files.plan(Elf([text(), data(), lie])).phdr == BASE + 64
    # and where no segment holds them there are none.
    apart = [text(offset=0x1000, address=BASE + 0x1000), data(offset=0x2000)]
    assert (
        files.plan(Elf([apart[0], replace(apart[1], address=BASE + 0x4000)], entry=BASE + 0x1800)).phdr == 0
    )


def test_the_stack_is_as_the_program_asks(files: Files) -> None:
    asked = Segment(PT_GNU_STACK, R | W, memory_size=0x1000000, alignment=0)
    plan = files.plan(Elf([text(), asked]))
    assert (plan.executable_stack, plan.stack_size) == (False, 0x1000000)
    assert files.plan(Elf([text(), replace(asked, flags=R | W | X)])).executable_stack
    # FreeBSD's default; PT_GNU_STACK takes the right to execute away.
    assert files.plan(Elf([text()])).executable_stack


def test_interpreter_and_release_are_passed_on(files: Files) -> None:
    plan = files.plan(Elf([text(), data(), interpreter(b"/libexec/ld-elf.so.1"), notes(FREEBSD_NOTE)]))
    assert (plan.interpreter, plan.release) == ("/libexec/ld-elf.so.1", 1400097)


def test_the_whole_address_space_may_be_used(files: Files) -> None:
    high = data(0x10, 0x1000, address=HIGHEST - 0x1000)
    assert files.plan(Elf([text(address=0x10000), high], entry=0x10800)).high == HIGHEST


GIB = 1 << 30


@pytest.mark.parametrize(
    ("elf", "words", "errno_name"),
    [
        (Elf([data(type=6)]), "nothing to load", "ENOEXEC"),
        (Elf([text(), data(0x2000, 0x1000)]), "larger in the file than in memory", "ENOEXEC"),
        (Elf([text(), data(0x2000, 0)]), "larger in the file than in memory", "ENOEXEC"),
        (Elf([text(), data()], size=0x1100), "beyond the end of the file", "ENOEXEC"),
        (Elf([text(), data(offset=1 << 50)]), "beyond the end of the file", "ENOEXEC"),
        (Elf([text(), data(offset=(1 << 64) - 0x1000)]), "beyond the end of the file", "ENOEXEC"),
        (Elf([text(), data(address=BASE + 0x2001)]), "cannot be mapped", "ENOEXEC"),
        (Elf([text(), data(address=BASE)]), "overlap", "ENOEXEC"),
        (Elf([text(), text()]), "overlap", "ENOEXEC"),
        (Elf([text(), data(offset=0, address=BASE)]), "overlap", "ENOEXEC"),
        (Elf([data(0x10, 0x10, address=BASE + 0x1000), text(0x1001)]), "overlap", "ENOEXEC"),
        (Elf([text(), data(address=BASE - 0x1000)]), "overlap", "ENOEXEC"),
        (Elf([text(), data(0x10, 0x1000, address=HIGHEST)]), "outside of the memory", "ENOEXEC"),
        (Elf([text(), data(0x10, 0x1001, address=HIGHEST - 0x1000)]), "outside of the memory", "ENOEXEC"),
        (Elf([text(), data(address=(1 << 64) - 0x1000)]), "outside of the memory", "ENOEXEC"),
        (Elf([text(address=0)], entry=0x800), "outside of the memory", "ENOEXEC"),
        (Elf([text(address=0xF000)], entry=0xF800), "outside of the memory", "ENOEXEC"),
        (Elf([text(), data(alignment=3)]), "alignment of 0x3", "ENOEXEC"),
        (Elf([text(), data(alignment=1 << 31)]), "alignment of 0x80000000", "ENOEXEC"),
        (Elf([text(), data(memory_size=33 * GIB)]), "33 GiB", "ENOMEM"),
        (Elf([text(), data(memory_size=(1 << 64) - 1)]), "GiB", "ENOMEM"),
        (Elf(entry=0), "entry point 0x0", "ENOEXEC"),
        (Elf(entry=BASE + 0x2000), "entry point", "ENOEXEC"),
        (Elf(entry=BASE + 0x1000), "entry point", "ENOEXEC"),
        (Elf([text(address=0)], type=ET_DYN, entry=0x5000), "entry point", "ENOEXEC"),
        (Elf([text(address=0, flags=R)], type=ET_DYN, entry=0), "shared library", "ENOEXEC"),
        (
            Elf([text(address=0), data(address=0x2000 + 200 * GIB)], type=ET_DYN, entry=0x800),
            "span 200 GiB",
            "ENOMEM",
        ),
        (Elf([text(), Segment(PT_GNU_STACK, memory_size=GIB)]), "stack of 1024 MiB", "ENOMEM"),
        (
            Elf([text(0x10000), *(text(1, offset=0, address=BASE + 0x10000 * n) for n in range(1, 600))]),
            "600 segments",
            "ENOEXEC",
        ),
    ],
)
def test_what_cannot_be_mapped_is_refused(files: Files, elf: Elf, words: str, errno_name: str) -> None:
    with pytest.raises(LoadError, match=words) as caught:
        files.plan(elf)
    assert caught.value.errno_name == errno_name
    assert caught.value.status == 126


def test_a_huge_sparse_file_is_planned_without_reading_it(files: Files) -> None:
    elf = Elf([text(), data(0x10, 0x2000, offset=3 * GIB)])
    fd = files.fd(elf.build())
    os.truncate(fd, 4 * GIB)
    image = plan_for(fd, "program", cache=files.cache)
    assert isinstance(image, GuestImage)
    plan = LoadPlan.from_bytes(os.pread(image.plan_fd, 1 << 20, 0))
    image.close()
    assert plan.segments[1].file_offset == 3 * GIB


def test_bytes_and_plan_are_the_same_thing(files: Files) -> None:
    plan = files.plan(Elf([text(), data(), interpreter(b"/libexec/ld-elf.so.1")]))
    raw = plan.to_bytes()
    assert LoadPlan.from_bytes(raw) == plan
    assert LoadPlan.from_bytes(raw + b"what follows does not count") == plan


def test_damaged_plans_are_told(files: Files) -> None:
    raw = files.plan(Elf()).to_bytes()
    for damaged in (b"", raw[:50], raw[:-1], b"X" + raw[1:], raw[:8] + b"\xff" + raw[9:]):
        with pytest.raises(ValueError, match="plan"):
            LoadPlan.from_bytes(damaged)
