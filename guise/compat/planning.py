"""From a suite to cases that can be started: names first, programs built when a case's turn comes."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from guise.compat import sources
from guise.compat.model import Case, Command, CompatError
from guise.compat.suite import Recipe, Suite, expand
from syscalls import model as syscalls

HOST = "host"  # --as host: no personality, but this system itself, for reference


@dataclass(frozen=True)
class Mode:
    """How guests are run: `personality` as `--as` takes it (freebsd, freebsd-13.2, host), and the engine.

    `root`: a folder with another system's files, which becomes the guests' `/`.
    """

    personality: str
    engine: str
    forced: bool = False
    root: str = ""

    @property
    def kernel(self) -> str:
        return self.personality.partition("-")[0]

    @property
    def system(self) -> str:
        """The kernel that programs are made for."""
        return syscalls.HOST if self.kernel == HOST else self.kernel

    def words(self, *, follow: bool = False, traced: bool = False) -> tuple[str, ...]:
        """What stands before a program of this personality; nothing for the host's own.

        Without a sandbox, whose limits would be taken for the personality's: cases are contained already.  A
        root of their own needs one.
        follow: programs of the host that a guest starts are guests too, and so can start guests.
        traced: record the calls into {trace}; then everything is followed.
        """
        start = (sys.executable, "-m", "guise")
        place = ("--root", self.root) if self.root else ("--no-sandbox",)
        record = ("trace", *place, "-o", "{trace}", "--format", "recording")
        if self.kernel == HOST:
            return (*start, *record, "--") if traced else ()
        named: tuple[str, ...] = ()
        by_file = self.personality == self.kernel != syscalls.HOST  # what runs says itself whose it is
        if follow and by_file and not traced:
            named = ("--as", syscalls.HOST)  # ... and the others, too, are guests
        elif self.forced or self.kernel == syscalls.HOST:
            named = ("--as", self.personality)
        return (
            *start,
            *(record if traced else ("run", *place)),
            "--engine",
            self.engine,
            *named,
            "--",
        )


@dataclass(frozen=True)
class Planned:
    """A case by name; `prepare` builds what it needs, and never raises CompatError.

    `prepare_traced`: the same with its calls recorded.
    """

    name: str
    recipe: Recipe
    prepare: Callable[[], Case]
    prepare_traced: Callable[[], Case]


def plan(suite: Suite, mode: Mode, cache: Path, *, differential: bool = False) -> list[Planned]:
    """Every case of a suite in order of names; differential: run natively as well, where the host can.

    Raises CompatError when nothing can be run at all.
    """
    programs = {program.name: program for program in sources.programs(suite, mode.system, cache)}
    references: dict[str, sources.Program] = {}
    if mode.kernel == HOST and not all(recipe.native for recipe in _recipes(suite)):
        raise CompatError(f"{suite.name} cannot be run natively: its programs exist for guests only")
    differential = differential and mode.kernel != HOST
    if any(_has_reference(recipe, differential) for recipe in _recipes(suite)):
        references = {program.name: program for program in sources.programs(suite, syscalls.HOST, cache)}
    wanted = suite.cases or {name: (name, suite.recipe) for name in programs}
    planned = []
    for name, (program, recipe) in sorted(wanted.items()):
        chosen = program or (next(iter(programs)) if len(programs) == 1 else "")
        prepare = _Preparation(
            name,
            recipe,
            suite,
            mode,
            programs.get(chosen),
            references.get(chosen),
            _missing(chosen, programs),
            _has_reference(recipe, differential),
        )
        planned.append(Planned(name, recipe, prepare, partial(prepare, traced=True)))
    return planned


def _recipes(suite: Suite) -> list[Recipe]:
    return [recipe for _, recipe in suite.cases.values()] or [suite.recipe]


def _has_reference(recipe: Recipe, differential: bool) -> bool:
    return recipe.reader == "difference" or (differential and recipe.native)


def _missing(name: str, programs: dict[str, sources.Program]) -> str:
    if name and name not in programs:
        return f"there is no program {name} among the suite's"
    return ""


def select(cases: Sequence[Planned], only: str, shard: tuple[int, int]) -> list[Planned]:
    """The cases of a pattern and a shard.  A case's shard depends on its name alone."""
    number, total = shard
    return [
        case
        for case in cases
        if (not only or fnmatchcase(case.name, only)) and shard_of(case.name, total) == number
    ]


def shard_of(name: str, total: int) -> int:
    """1 to `total`."""
    return zlib.crc32(name.encode()) % total + 1


def parse_shard(text: str) -> tuple[int, int]:
    """`2/5` as numbers.  Raises CompatError."""
    number, slash, total = text.partition("/")
    if slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total):
        return int(number), int(total)
    raise CompatError(f"--shard {text}: it takes I/N, from 1/N to N/N")


@dataclass(frozen=True)
class _Preparation:
    """Builds one case's programs and writes its commands."""

    name: str
    recipe: Recipe
    suite: Suite
    mode: Mode
    program: sources.Program | None
    reference: sources.Program | None
    missing: str
    has_reference: bool

    def __call__(self, *, traced: bool = False) -> Case:
        if self.missing:
            return Case(self.name, (), self.missing)
        try:
            commands = [self._command(self.program, self.mode, traced)]
            if self.has_reference:
                commands.append(self._command(self.reference, Mode(HOST, "native"), traced))
        except CompatError as error:
            return Case(self.name, (), str(error))
        return Case(self.name, tuple(commands))

    def _command(self, program: sources.Program | None, mode: Mode, traced: bool) -> Command:
        values = {
            "suite": str(self.suite.path.parent),
            "name": self.name,
            "python": sys.executable,
            "kernel": mode.system,
        }
        if program is not None:
            values |= {"program": str(program.make()), "source": str(program.source)}
        argv: list[str] = []
        for word in self.recipe.argv:
            if word == "{guise}":
                argv += mode.words(follow=self.recipe.follow, traced=traced)
            else:
                argv.append(expand(word, values))
        environment = dict(_environment())
        environment |= program.environment if program is not None else {}
        environment |= {name: expand(value, values) for name, value in self.recipe.environment.items()}
        recipe = self.recipe
        return Command(
            argv=tuple(argv),
            environment=environment,
            directory=expand(recipe.directory, values),
            stdin=self._path(recipe.stdin, values) if recipe.stdin else "",
            copies=tuple(self._path(path, values) for path in recipe.copies),
            limits=recipe.limits,
            timeout_signal=recipe.timeout_signal,
        )

    def _path(self, word: str, values: dict[str, str]) -> str:
        """Relative paths start where the suite's file is; those in {scratch} and {tmp} stay as they are."""
        path = expand(word, values)
        return path if path.startswith("{") else str(self.suite.path.parent / path)


def _environment() -> dict[str, str]:
    """The same for everyone who runs a suite, but for what finds programs and Guise's own settings."""
    root = str(Path(__file__).resolve().parents[2])
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    own = {name: value for name, value in os.environ.items() if name.startswith("GUISE_")}
    return {
        **own,
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "{tmp}",
        "TMPDIR": "{tmp}",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "XDG_CACHE_HOME": cache,
        "PYTHONPATH": root,
    }


def with_retries(planned: Planned, retries: int | None) -> Planned:
    """The same case with another number of repetitions."""
    if retries is None:
        return planned
    return replace(planned, recipe=replace(planned.recipe, retries=retries))
