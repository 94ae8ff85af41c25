"""Regular expressions as tables that the runtime walks: one step per byte, no memory, no surprises.

Python's own parser reads the expression, so the syntax is Python's.  What needs to look back or ahead
(groups that are referred to, assertions, word boundaries) has no such table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from personality.tracing import layout

MATCHED, MATCHES, HOPELESS = 1, 2, 4
_BEGIN, _END, _SYMBOLS = 256, 257, 258
_ANY = frozenset(range(256))
_MOST_STATES = 4000
_MOST_REPEATS = 1000
_SUPPORTED_FLAGS = re.IGNORECASE | re.DOTALL | re.UNICODE | re.ASCII


class NoAutomaton(Exception):
    """The expression needs more than an automaton: the reason."""


@dataclass(frozen=True)
class Automaton:
    """`next[state][class]`; state 0 is the first.  `ending` holds MATCHED, MATCHES, HOPELESS per state."""

    class_of: bytes
    ending: bytes
    next: tuple[tuple[int, ...], ...]

    def matches(self, text: bytes) -> bool:
        """As the runtime does it."""
        state = 0
        for byte in text:
            if self.ending[state] & (MATCHED | HOPELESS):
                break
            state = self.next[state][self.class_of[byte]]
        return bool(self.ending[state] & (MATCHED | MATCHES))

    def pack(self) -> bytes:
        """In the layout of struct trace_automaton."""
        classes = len(self.next[0])
        words = b"".join(target.to_bytes(2, "little") for row in self.next for target in row)
        ending = self.ending + b"\0" * (len(self.ending) % 2)
        return layout.AUTOMATON.pack(classes, len(self.next), self.class_of) + ending + words


def contains(text: bytes) -> str:
    """The expression for a text with this in it."""
    return "".join(_literal(byte) for byte in text)


def equals(text: bytes) -> str:
    """The expression for exactly this text."""
    return rf"\A{contains(text)}\Z"


def _literal(byte: int) -> str:
    return f"\\x{byte:02x}"


def build(pattern: bytes) -> Automaton:
    """For `re.search(pattern, text, re.DOTALL)`.  Raises NoAutomaton, and re.error for bad syntax."""
    tree = parser.parse(pattern, re.DOTALL)
    flags = tree.state.flags
    if flags & ~_SUPPORTED_FLAGS:
        raise NoAutomaton("only the flags i and s can be used")
    machine = _Machine()
    start, accept = machine.state(), machine.state()
    machine.step(start, frozenset(range(_SYMBOLS)), start)
    end = machine.sequence(start, tree, bool(flags & re.IGNORECASE))
    machine.empty(end, accept)
    return _determine(machine, start, accept)


class _Machine:
    """A nondeterministic automaton under construction."""

    def __init__(self) -> None:
        self.steps: list[list[tuple[frozenset[int], int]]] = []
        self.empties: list[list[int]] = []

    def state(self) -> int:
        self.steps.append([])
        self.empties.append([])
        if len(self.steps) > 50 * _MOST_REPEATS:
            raise NoAutomaton("it is too large")
        return len(self.steps) - 1

    def step(self, start: int, symbols: frozenset[int], end: int) -> None:
        self.steps[start].append((symbols, end))

    def empty(self, start: int, end: int) -> None:
        self.empties[start].append(end)

    def sequence(self, start: int, tree: Iterable[Any], fold: bool) -> int:
        for operator, argument in tree:
            start = self.one(start, operator, argument, fold)
        return start

    def one(self, start: int, operator: Any, argument: Any, fold: bool) -> int:
        """Adds one part of the expression; the state after it."""
        if operator in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
            end = self.state()
            self.step(start, _symbols(operator, argument, fold), end)
            return end
        if operator is ops.BRANCH:
            end = self.state()
            for branch in argument[1]:
                self.empty(self.sequence(start, branch, fold), end)
            return end
        if operator is ops.SUBPATTERN:
            _, more, less, inner = argument
            if (more | less) & ~re.IGNORECASE:
                raise NoAutomaton("only the flag i can be used inside")
            return self.sequence(
                start, inner, (fold or bool(more & re.IGNORECASE)) and not less & re.IGNORECASE
            )
        if operator in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            least, most, inner = argument
            return self.repeat(start, least, most, inner, fold)
        if operator is ops.AT:
            return self.place(start, argument)
        raise NoAutomaton(f"{str(operator).lower().replace('_', ' ')} cannot be used")

    def repeat(self, start: int, least: int, most: Any, inner: Any, fold: bool) -> int:
        if least > _MOST_REPEATS or (most is not ops.MAXREPEAT and most > _MOST_REPEATS):
            raise NoAutomaton(f"more than {_MOST_REPEATS} repetitions")
        for _ in range(least):
            start = self.sequence(start, inner, fold)
        end = self.state()
        if most is ops.MAXREPEAT:
            self.empty(start, end)
            self.empty(self.sequence(end, inner, fold), end)
            return end
        self.empty(start, end)
        for _ in range(most - least):
            start = self.sequence(start, inner, fold)
            self.empty(start, end)
        return end

    def place(self, start: int, where: Any) -> int:
        end = self.state()
        if where in (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING):
            self.step(start, frozenset((_BEGIN,)), end)
        elif where in (ops.AT_END, ops.AT_END_STRING):
            self.step(start, frozenset((_END,)), end)
            if where is ops.AT_END:
                before = self.state()
                self.step(start, frozenset((10,)), before)
                self.step(before, frozenset((_END,)), end)
        else:
            raise NoAutomaton("word boundaries cannot be used")
        return end

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        found = set(states)
        waiting = list(found)
        while waiting:
            for end in self.empties[waiting.pop()]:
                if end not in found:
                    found.add(end)
                    waiting.append(end)
        return frozenset(found)

    def after(self, states: frozenset[int], symbol: int) -> frozenset[int]:
        return self.closure(
            end for state in states for symbols, end in self.steps[state] if symbol in symbols
        )


def _symbols(operator: Any, argument: Any, fold: bool) -> frozenset[int]:
    if operator is ops.ANY:
        return _ANY
    if operator is ops.LITERAL:
        return _folded({argument}, fold)
    if operator is ops.NOT_LITERAL:
        return _ANY - _folded({argument}, fold)
    found: set[int] = set()
    negated = False
    for kind, what in argument:
        if kind is ops.NEGATE:
            negated = True
        elif kind is ops.LITERAL:
            found.add(what)
        elif kind is ops.RANGE:
            found.update(range(what[0], what[1] + 1))
        else:
            found |= _category(what)
    folded = _folded(found, fold)
    return _ANY - folded if negated else folded


def _folded(symbols: set[int], fold: bool) -> frozenset[int]:
    if fold:
        letters = {s for s in symbols if bytes((s,)).isalpha()}
        symbols = symbols | {ord(bytes((s,)).swapcase()) for s in letters}
    return frozenset(symbols)


_CATEGORIES = {"DIGIT": rb"\d", "SPACE": rb"\s", "WORD": rb"\w"}


def _category(what: Any) -> set[int]:
    name = str(what).removeprefix("CATEGORY_")
    pattern = re.compile(_CATEGORIES[name.removeprefix("NOT_")])
    inside = {byte for byte in range(256) if pattern.match(bytes((byte,)))}
    return set(_ANY - inside) if name.startswith("NOT_") else inside


def _determine(machine: _Machine, start: int, accept: int) -> Automaton:
    """By sets of states, with the bytes that nothing tells apart in one class."""
    class_of, samples = _classes(machine)
    first = machine.after(machine.closure((start,)), _BEGIN)
    numbers: dict[frozenset[int], int] = {first: 0}
    waiting = [first]
    rows: list[tuple[int, ...]] = []
    ending = bytearray()
    for states in waiting:
        if accept in states:
            rows.append((len(rows),) * len(samples))
            ending.append(MATCHED)
            continue
        row = []
        for sample in samples:
            after = machine.after(states, sample)
            if after not in numbers:
                numbers[after] = len(numbers)
                waiting.append(after)
                if len(numbers) > _MOST_STATES:
                    raise NoAutomaton("it is too large")
            row.append(numbers[after])
        rows.append(tuple(row))
        ending.append(MATCHES if accept in machine.after(states, _END) else 0)
    return Automaton(class_of, bytes(ending), tuple(rows))


def _classes(machine: _Machine) -> tuple[bytes, list[int]]:
    sets = {symbols for steps in machine.steps for symbols, _ in steps}
    signatures: dict[tuple[bool, ...], int] = {}
    samples: list[int] = []
    class_of = bytearray()
    for byte in range(256):
        signature = tuple(byte in symbols for symbols in sets)
        if signature not in signatures:
            signatures[signature] = len(samples)
            samples.append(byte)
        class_of.append(signatures[signature])
    return bytes(class_of), samples
