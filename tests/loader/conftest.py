"""Fixtures of the loader's tests: files made of bytes, a cache of their own, real programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loader import PlanCache, PlanResult, plan_for
from loader.plan import LoadPlan
from loader.result import GuestImage
from loader.source import Source

from .builder import Elf, memory_file


class Files:
    """Turns bytes into open files and plans, and closes everything at the end."""

    def __init__(self, cache: PlanCache) -> None:
        self.cache = cache
        self.open: list[int] = []

    def fd(self, content: bytes) -> int:
        self.open.append(memory_file(content))
        return self.open[-1]

    def source(self, content: bytes) -> Source:
        return Source(self.fd(content), "program")

    def result(self, content: bytes, **options: str) -> PlanResult:
        result = plan_for(self.fd(content), "program", cache=self.cache, **options)  # type: ignore[arg-type]
        if isinstance(result, GuestImage):
            self.open.append(result.plan_fd)
        return result

    def plan(self, elf: Elf, **options: str) -> LoadPlan:
        result = self.result(elf.build(), **options)
        assert isinstance(result, GuestImage)
        return LoadPlan.from_bytes(os.pread(result.plan_fd, 1 << 20, 0))


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(str(tmp_path / "plans"))


@pytest.fixture
def files(cache: PlanCache) -> Iterator[Files]:
    made = Files(cache)
    yield made
    for fd in made.open:
        os.close(fd)


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory, go: Callable[..., None]) -> Callable[[str], Path]:
    """A static Go program for an operating system, by its GOOS."""
    folder = tmp_path_factory.mktemp("go")
    # As few packages as will do: for each system they are compiled anew.
    (folder / "hello.go").write_text(
        'package main\n\nimport "syscall"\n\nfunc main() { println(syscall.Getpid()) }\n'
    )

    def build(system: str) -> Path:
        program = folder / f"hello-{system}"
        if not program.exists():
            go("build", "-o", str(program), str(folder / "hello.go"), system=system)
        return program

    return build
