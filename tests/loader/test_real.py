"""Programs that real compilers made, for kernels that are not here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loader import GuestImage, HostProgram, LoadError, PlanCache, open_program, plan_for
from loader.inspect import inspect_program
from loader.plan import LoadPlan

from ..fuzz_loader import check_plan


def plan_of(path: Path, cache: PlanCache) -> tuple[GuestImage, LoadPlan]:
    fd = open_program(str(path))
    try:
        image = plan_for(fd, str(path), cache=cache)
        assert isinstance(image, GuestImage)
        plan = LoadPlan.from_bytes(os.pread(image.plan_fd, 1 << 20, 0))
        image.close()
    finally:
        os.close(fd)
    return image, plan


def test_a_go_program_for_freebsd(go_program: Callable[[str], Path], cache: PlanCache) -> None:
    path = go_program("freebsd")
    image, plan = plan_of(path, cache)
    assert (image.personality, image.interpreter) == ("freebsd", "")
    assert image.release >= 1200000
    check_plan(plan, path.stat().st_size)
    assert plan.low == 0x400000
    assert plan.phdr == 0x400040
    assert [s.protection for s in plan.segments] == [5, 1, 3, 3]
    assert not plan.executable_stack


# Marked in three ways: by a note, by Go's build information alone, by another format.
@pytest.mark.parametrize("system", ["netbsd", "dragonfly", "plan9"])
def test_go_programs_for_other_systems_are_told_apart(
    go_program: Callable[[str], Path], cache: PlanCache, system: str
) -> None:
    fd = open_program(str(go_program(system)))
    try:
        with pytest.raises(LoadError, match="program for") as caught:
            plan_for(fd, system, cache=cache)
        assert inspect_program(fd, system).kernel == system
    finally:
        os.close(fd)
    assert caught.value.status == 126


def test_a_go_program_for_the_host_is_the_hosts(go_program: Callable[[str], Path], cache: PlanCache) -> None:
    fd = open_program(str(go_program("linux")))
    try:
        assert isinstance(plan_for(fd, "linux", cache=cache), HostProgram)
    finally:
        os.close(fd)


def test_the_calls_of_a_go_program_are_found(go_program: Callable[[str], Path]) -> None:
    fd = open_program(str(go_program("freebsd")))
    try:
        report = inspect_program(fd, "hello")
    finally:
        os.close(fd)
    # In the runtime's own stubs: exit, write, mmap, thr_new, _umtx_op; through a wrapper: getpid.
    assert {1, 4, 20, 454, 455, 477} <= {use.number for use in report.calls}
    assert report.unknown_sites <= report.call_sites // 3


def test_the_kernel_maps_the_hosts_programs_as_a_plan_would(cache: PlanCache, tmp_path: Path) -> None:
    """The plan of this interpreter, made as if it were a guest's, against what the kernel mapped."""
    path = Path(sys.executable).resolve()
    fd = os.open(path, os.O_RDONLY)
    try:
        image = plan_for(fd, str(path), assume="linux", personalities=frozenset({"linux"}), cache=cache)
        assert isinstance(image, GuestImage)
        plan = LoadPlan.from_bytes(os.pread(image.plan_fd, 1 << 20, 0))
        image.close()
    finally:
        os.close(fd)
    mapped = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    ours = [words for words in mapped if words[-1] == str(path)]
    start = min(int(words[0].split("-")[0], 16) for words in ours)
    bias = start - plan.low if plan.relocatable else 0
    kernel = {int(words[0].split("-")[0], 16): (int(words[2], 16), words[1]) for words in ours}
    code = [s for s in plan.segments if s.protection & 4 and not s.anonymous]
    assert code
    for segment in code:
        offset, permissions = kernel[segment.address + bias]
        assert (offset, permissions) == (segment.file_offset, "r-xp")
    assert plan.interpreter.startswith("/")
