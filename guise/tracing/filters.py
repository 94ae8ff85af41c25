"""Which calls are wanted: what `-e` means, for the runtime where it can judge and for events after it.

openat,close     these calls             %net,%file    classes, from the tables
!clock_gettime   all but this one        errno=ENOENT  those that failed so
path=/etc        a string has this in it path~REGEX    ... or matches
fd=3             a descriptor argument   result=0      duration>1ms  failed  successful  process=N
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from guise.tracing.events import CallEvent, Event
from syscalls.model import Abi
from syscalls.values import Change, Integer, Items, Members, Pointer, Symbol, Text, Value

Test = Callable[[CallEvent], bool]

_UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s)$")
_CONDITION = re.compile(r"(errno|path|fd|result|duration|process)([=~<>])(.*)$", re.DOTALL)


class FilterError(Exception):
    """An expression means nothing: one sentence."""


@dataclass
class Filter:
    """All expressions together: `wanted` calls (None: all), less `unwanted`, that pass every test."""

    wanted: set[str] | None = None
    unwanted: set[str] = field(default_factory=set)
    tests: list[Test] = field(default_factory=list)
    only: str = ""
    """"failed" or "successful"."""
    least_duration: int = 0

    def numbers(self, abi: Abi) -> set[int] | None:
        """The call numbers of one kernel that are to be recorded; None: all."""
        if self.wanted is None and not self.unwanted:
            return None
        chosen = set(abi.calls) if self.wanted is None else self.wanted
        return {call.number for name, call in abi.calls.items() if name in chosen - self.unwanted}

    def accepts(self, event: Event) -> bool:
        """Whether to show an event; what is no call is shown."""
        if not isinstance(event, CallEvent):
            return True
        name = event.call.name
        if (self.wanted is not None and name not in self.wanted) or name in self.unwanted:
            return False
        failed = bool(event.call.outcome.error)
        if self.only and failed != (self.only == "failed"):
            return False
        return event.duration >= self.least_duration and all(test(event) for test in self.tests)


def parse(expressions: Iterable[str], kernels: Iterable[Abi]) -> Filter:
    """Raises FilterError."""
    abis = list(kernels)
    result = Filter()
    for expression in expressions:
        _add(result, expression.strip(), abis)
    return result


def duration(text: str) -> int:
    """`1.5ms` in ns.  Raises FilterError."""
    found = _DURATION.match(text)
    if not found:
        raise FilterError(f"{text or 'an empty text'} is no duration: write a number and ns, us, ms or s")
    return int(float(found[1]) * _UNITS[found[2]])


def _add(result: Filter, expression: str, abis: list[Abi]) -> None:
    if expression in ("failed", "successful"):
        result.only = expression
        return
    condition = _CONDITION.match(expression)
    if condition:
        _condition(result, condition[1], condition[2], condition[3], abis)
        return
    for word in expression.split(","):
        negated = word.startswith("!")
        names = _names(word.removeprefix("!").strip(), abis)
        if negated:
            result.unwanted |= names
        else:
            result.wanted = (result.wanted or set()) | names


def _condition(result: Filter, key: str, operator: str, text: str, abis: list[Abi]) -> None:
    if key == "duration":
        if operator != ">":
            raise FilterError("durations are filtered as duration>1ms")
        result.least_duration = duration(text)
        return
    if operator not in ("=", "~") or (operator == "~" and key != "path"):
        raise FilterError(f"{key}{operator}{text}: write {key}=VALUE" + (", or path~REGEX" * (key == "path")))
    if key == "errno":
        number = _errno(text, abis)
        result.tests.append(lambda event: event.call.outcome.error == number)
    elif key == "path":
        result.tests.append(_path_test(operator, text))
    elif not re.fullmatch(r"-?\d+", text):
        raise FilterError(f"{key}={text}: the value is a number")
    elif key == "fd":
        result.tests.append(lambda event: _has_descriptor(event, int(text)))
    elif key == "process":
        result.tests.append(lambda event: event.thread.process == int(text))
    else:
        result.tests.append(lambda event: _is_integer(event.call.outcome.value, int(text)))


def _errno(name: str, abis: list[Abi]) -> str:
    known = {error for abi in abis for error in abi.errno}
    if name not in known:
        raise FilterError(f"no kernel has an error {name}{_hint(name, known)}")
    return name


def _path_test(operator: str, text: str) -> Test:
    if operator == "=":
        wanted = text.encode("utf-8", "surrogateescape")
        return lambda event: any(wanted in found for found in _strings(event))
    try:
        pattern = re.compile(text.encode("utf-8", "surrogateescape"), re.DOTALL)
    except re.error as error:
        raise FilterError(f"path~{text}: the regular expression is wrong: {error}") from None
    return lambda event: any(pattern.search(found) for found in _strings(event))


def _names(word: str, abis: list[Abi]) -> set[str]:
    if word in ("all", "%all"):
        return {name for abi in abis for name in abi.calls}
    if word.startswith("%"):
        tags = {tag for abi in abis for call in abi.calls.values() for tag in call.tags}
        if word[1:] not in tags:
            listed = ", ".join(f"%{tag}" for tag in sorted(tags))
            raise FilterError(f"there is no class {word}: there are {listed}")
        return {name for abi in abis for name, call in abi.calls.items() if word[1:] in call.tags}
    known = {name for abi in abis for name in abi.calls}
    if word not in known:
        raise FilterError(f"there is no call {word or '(empty)'}{_hint(word, known)}")
    return {word}


def _hint(word: str, known: set[str]) -> str:
    near = get_close_matches(word, sorted(known), 1)
    return f": did you mean {near[0]}?" if near else ": `guise calls KERNEL` lists them"


def _strings(event: CallEvent) -> list[bytes]:
    found: list[bytes] = []
    for _, value in event.call.arguments:
        _collect(value, found)
    return found


def _collect(value: Value, found: list[bytes]) -> None:
    if isinstance(value, Text):
        found.append(value.data)
    elif isinstance(value, Pointer) and value.target is not None:
        _collect(value.target, found)
    elif isinstance(value, Items):
        for item in value.values:
            _collect(item, found)
    elif isinstance(value, Members):
        for _, member in value.members:
            _collect(member, found)
    elif isinstance(value, Change):
        _collect(value.before, found)
        _collect(value.after, found)


_DESCRIPTORS = frozenset(
    ["fd", "dirfd", "fdes", "s", "from", "to", "filedes", "sd", "infd", "outfd", "fd1", "fd2"]
)


def _has_descriptor(event: CallEvent, number: int) -> bool:
    return any(name in _DESCRIPTORS and _is_integer(value, number) for name, value in event.call.arguments)


def _is_integer(value: Value | None, number: int) -> bool:
    return isinstance(value, Integer | Symbol) and value.value == number
