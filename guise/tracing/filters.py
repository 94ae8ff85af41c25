"""Which calls are wanted: what `-e` means, for the runtime where it can judge and for records after it.

openat,close     these calls             %net,%file    classes, from the tables
!clock_gettime   all but this one        errno=ENOENT  those that failed so
path=/etc        a path has this in it   path~REGEX    ... or matches
fd=3             a descriptor argument   result=0      duration>1ms  failed  successful  process=N
openat where flags & O_CREAT             conditions on arguments, for some calls
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from guise.tracing import ExpressionError, meanings, programs
from guise.tracing.events import CallEvent
from guise.tracing.expressions import (
    Clause,
    Condition,
    clause,
    condition,
    looks_like_condition,
)
from guise.tracing.meanings import ALONE, hint
from guise.tracing.programs import Known, Program
from personality.tracing import records
from syscalls.model import Abi, Call


@dataclass
class Filter:
    """All expressions together: what one of the clauses names (none: everything), less `unwanted`, if
    every condition holds."""

    kernels: list[Abi]
    clauses: list[tuple[set[str], Condition | None]] = field(default_factory=list)
    unwanted: set[str] = field(default_factory=set)
    conditions: list[Condition] = field(default_factory=list)
    _programs: dict[tuple[int, int], Program] | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is filtered at all."""
        return not (self.clauses or self.unwanted or self.conditions)

    def programs(self) -> dict[tuple[int, int], Program]:
        """By (kernel, call number).  Raises ExpressionError."""
        if self._programs is None:
            self._programs = dict(self._compile())
        return self._programs

    @property
    def needs_reader(self) -> bool:
        """Whether some condition can only be judged outside of the process."""
        return any(not op.here for program in self.programs().values() for op in program)

    def _compile(self) -> Iterator[tuple[tuple[int, int], Program]]:
        for index, meaning in enumerate(meanings.meanings(self.kernels)):
            for name, call in meaning.abi.calls.items():
                yield (index, call.number), self._program(meaning, name, call)

    def _program(self, meaning: meanings.Meaning, name: str, call: Call) -> Program:
        if name in self.unwanted:
            return programs.NEVER
        result = programs.NEVER if self.clauses else programs.ALWAYS
        for names, wanted in self.clauses:
            if name in names:
                result = programs.either(result, _compiled(meaning, wanted, call))
        if result == programs.NEVER:
            return result
        for wanted in self.conditions:
            result = programs.both(result, _compiled(meaning, wanted, call))
        return result

    def accepts(self, event: CallEvent) -> bool:
        """Whether to show a call that is an event already."""
        thread = event.thread
        return event.record is not None and self.wants(
            thread.process, thread.thread, event.names, event.record
        )

    def wants(self, process: int, thread: int, names: dict[int, bytes], record: records.Record) -> bool:
        """Whether to show the call of a record."""
        if self.is_open:
            return True
        program = self.programs().get((record.kernel, record.number), programs.NEVER)
        if program in (programs.ALWAYS, programs.NEVER):
            return program == programs.ALWAYS
        return programs.judge(program, record, Known(process, thread, names)) == programs.TRUE


def _compiled(meaning: meanings.Meaning, wanted: Condition | None, call: Call) -> Program:
    """A constant that another kernel has is nothing that this one's call could be."""
    try:
        return meaning.compile(wanted, call)
    except ExpressionError:
        return programs.NEVER


def parse(expressions: Iterable[str], kernels: Iterable[Abi]) -> Filter:
    """Raises ExpressionError."""
    result = Filter(list(kernels))
    every = [(abi, call) for abi in result.kernels for call in abi.calls.values()]
    for expression in expressions:
        text = expression.strip()
        if looks_like_condition(text, ALONE):
            found = condition(text, ALONE)
            _check(found, every)
            result.conditions.append(found)
        else:
            _add(result, clause(text, ALONE), text)
    return result


def _add(result: Filter, found: Clause, text: str) -> None:
    if found.rest:
        raise ExpressionError(
            f"{found.rest.split()[0]} is in the way in {text}: conditions stand after `where`"
        )
    names: set[str] = set()
    for word in found.calls:
        if word.startswith("!"):
            result.unwanted |= call_names(word[1:], result.kernels)
        else:
            names |= call_names(word, result.kernels)
    if names:
        _check(found.condition, calls_of(names, result.kernels))
        result.clauses.append((names, found.condition))
    elif found.condition is not None:
        raise ExpressionError(f"{text}: say which calls the condition is about, before `where`")


def _check(wanted: Condition | None, calls: list[tuple[Abi, Call]]) -> None:
    """That it means something for at least one call of one kernel.  Raises ExpressionError."""
    meanings.check(wanted, calls)
    problem: ExpressionError | None = None
    kernels = {abi.kernel: abi for abi, _ in calls}
    by_kernel = dict(zip(kernels, meanings.meanings(list(kernels.values())), strict=True))
    for abi, call in calls:
        try:
            if by_kernel[abi.kernel].compile(wanted, call) != programs.NEVER:
                return
        except ExpressionError as error:
            problem = problem or error
    if problem is not None:
        raise problem


def calls_of(names: set[str], kernels: list[Abi]) -> list[tuple[Abi, Call]]:
    return [(abi, call) for abi in kernels for name, call in abi.calls.items() if name in names]


def call_names(word: str, abis: list[Abi]) -> set[str]:
    """What one word of a list of calls means.  Raises ExpressionError."""
    word = word.strip()
    if word in ("all", "%all"):
        return {name for abi in abis for name in abi.calls}
    if word.startswith("%"):
        tags = {tag for abi in abis for call in abi.calls.values() for tag in call.tags}
        if word[1:] not in tags:
            listed = ", ".join(f"%{tag}" for tag in sorted(tags))
            raise ExpressionError(f"there is no class {word}: there are {listed}")
        return {name for abi in abis for name, call in abi.calls.items() if word[1:] in call.tags}
    known = {name for abi in abis for name in abi.calls}
    if word.startswith("/"):
        return _matching(word[1:].removesuffix("/"), known)
    if word not in known:
        near = hint(word, known, "`guise calls KERNEL` lists them")
        raise ExpressionError(f"there is no call {word or '(empty)'}{near}")
    return {word}


def _matching(pattern: str, known: set[str]) -> set[str]:
    import re

    try:
        found = {name for name in known if re.search(pattern, name)}
    except re.error as error:
        raise ExpressionError(f"/{pattern}/: the regular expression is wrong: {error}") from None
    if not found:
        raise ExpressionError(f"no call's name matches /{pattern}/")
    return found
