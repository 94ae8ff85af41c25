"""Whatever the segments, a plan is possible to carry out, and carries out what the file says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from loader import LoadError
from loader.elf import ElfImage
from loader.header import ProgramHeader
from loader.plan import PAGE, LoadPlan, make_plan

from ..fuzz_loader import check_plan
from .builder import PT_LOAD

FILE_SIZE = 0x8000

near = st.integers(0, 0x9000)
wild = st.integers(0, (1 << 64) - 1)
segments = st.builds(
    ProgramHeader,
    type_=st.just(PT_LOAD),
    flags=st.integers(0, 7),
    offset=near | wild,
    address=st.integers(0x10, 0x30).map(lambda page: page * PAGE) | near | wild,
    file_size=near | wild,
    memory_size=near | wild,
    alignment=st.sampled_from([0, 1, 16, PAGE, 1 << 21]) | wild,
)


@st.composite
def plausible(draw: st.DrawFn) -> ElfImage:
    """An image that is right but for at most one wild segment."""
    loads = []
    for slot in range(draw(st.integers(1, 5))):
        offset = draw(st.integers(0, FILE_SIZE - 1))
        memory_size = draw(st.integers(1, 0x3000))
        loads.append(
            ProgramHeader(
                type_=PT_LOAD,
                flags=draw(st.integers(0, 7)) | (1 if slot == 0 else 0),
                offset=offset,
                address=0x10000 * (slot + 1) + draw(st.integers(0, 3)) * PAGE + offset % PAGE,
                file_size=draw(st.integers(0, min(memory_size, FILE_SIZE - offset))),
                memory_size=memory_size,
                alignment=draw(st.sampled_from([0, 1, PAGE])),
            )
        )
    entry = loads[0].address + draw(st.integers(0, loads[0].memory_size))
    loads += draw(st.lists(segments, max_size=1))
    return image_of(draw(st.permutations(loads)), entry, draw(st.booleans()))


def image_of(loads: list[ProgramHeader], entry: int, relocatable: bool) -> ElfImage:
    return ElfImage("image", FILE_SIZE, relocatable, entry, 64, 3, "", tuple(loads))


images = plausible() | st.builds(
    image_of, st.lists(segments, max_size=5), st.integers(0x10000, 0x40000), st.booleans()
)


def plan_or_none(image: ElfImage) -> LoadPlan | None:
    try:
        return make_plan(image, "freebsd", 1400097)
    except LoadError:
        return None


@given(images)
@settings(max_examples=400, deadline=None)
def test_a_plan_keeps_its_promises(image: ElfImage) -> None:
    plan = plan_or_none(image)
    if plan is not None:
        check_plan(plan, image.file_size)


@given(images)
@settings(max_examples=200, deadline=None)
def test_the_order_of_program_headers_does_not_matter(image: ElfImage) -> None:
    backwards = image_of(list(image.segments[::-1]), image.entry, image.relocatable)
    assert plan_or_none(image) == plan_or_none(backwards)


sizes = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 9000), st.integers(0, 4095)), min_size=1, max_size=5
)


@given(sizes)
@settings(max_examples=200, deadline=None)
def test_memory_is_the_file_and_then_zero(parts: list[tuple[int, int, int]]) -> None:
    """Carry plans out on a simulated memory, and compare with the file byte for byte."""
    file = bytes((7 * index + index // 251) % 255 + 1 for index in range(FILE_SIZE))
    loads, address, offset = [], 0x10000, 0
    for file_size, extra, skew in parts:
        loads.append(
            ProgramHeader(PT_LOAD, 5, offset + skew, address + skew, file_size, file_size + extra + 1, PAGE)
        )
        address += (file_size + extra + skew + PAGE) // PAGE * PAGE + PAGE
        offset = (offset + skew + file_size) // PAGE * PAGE % (FILE_SIZE - 3 * PAGE)
    image = image_of(loads, loads[0].address, relocatable=False)
    plan = make_plan(image, "freebsd", 0)
    check_plan(plan, FILE_SIZE)
    memory = bytearray(b"\xff" * (plan.high - plan.low))
    for segment in plan.segments:
        at = segment.address - plan.low
        content = bytes(segment.size)
        if not segment.anonymous:
            part = file[segment.file_offset : segment.file_offset + segment.size]
            content = part.ljust(segment.size, b"\0")
        memory[at : at + segment.size] = content
        zero = segment.zero_from - plan.low, segment.zero_to - plan.low
        memory[zero[0] : zero[1]] = bytes(zero[1] - zero[0])
    for load in loads:
        at = load.address - plan.low
        assert memory[at : at + load.file_size] == file[load.offset : load.offset + load.file_size]
        rest = memory[at + load.file_size : at + load.memory_size]
        assert rest == bytes(len(rest))
