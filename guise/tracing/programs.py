"""Conditions compiled for one call of one kernel: programs that runtime and reader judge alike.

The runtime judges where the call is made (runtime/trace_filter.c); the reader judges recordings, and
regular expressions that have no automaton.  Both read the same operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guise.tracing.automata import Automaton
from personality.tracing import layout, records

(
    END, AND, OR, NOT, CONSTANT, ARGUMENT, MEMBER, STRING, BYTES, NAME, RESULT, FAILED, DURATION,
    PROCESS, THREAD,
) = range(15)  # fmt: skip
EQUAL, DIFFERENT, LESS, LESS_OR_EQUAL, MORE, MORE_OR_EQUAL, ANY_BIT, ALL_BITS = range(8)
SIGNED, BIG_ENDIAN, COUNTED = 0x40, 0x80, 0x80
MEMBER_OF_RESULT = 0x80000000
BYTES_OF_RESULT = 1
FALSE, TRUE, UNKNOWN = 0, 1, 2
MOST_DEPTH = 32
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Text:
    """What text is to look like: an automaton where there is one, else a regular expression."""

    pattern: bytes
    automaton: Automaton | None

    def matches(self, text: bytes) -> bool:
        if self.automaton is not None:
            return self.automaton.matches(text)
        return re.search(self.pattern, text, re.DOTALL) is not None


@dataclass(frozen=True)
class Op:
    """One operation, as struct trace_op has it; `text` becomes the number of an automaton."""

    kind: int
    argument: int = 0
    compare: int = EQUAL
    width: int = 8
    operand: int = 0
    value: int = 0
    text: Text | None = None

    @property
    def here(self) -> bool:
        """Whether the runtime can judge it."""
        return self.text is None or self.text.automaton is not None


Program = tuple[Op, ...]
ALWAYS: Program = (Op(CONSTANT, value=TRUE),)
NEVER: Program = (Op(CONSTANT, value=FALSE),)


def both(left: Program, right: Program) -> Program:
    if NEVER in (left, right):
        return NEVER
    if ALWAYS in (left, right):
        return left if right == ALWAYS else right
    return (*left, *right, Op(AND))


def either(left: Program, right: Program) -> Program:
    if ALWAYS in (left, right):
        return ALWAYS
    if NEVER in (left, right):
        return left if right == NEVER else right
    return (*left, *right, Op(OR))


def negation(inner: Program) -> Program:
    if inner in (ALWAYS, NEVER):
        return NEVER if inner == ALWAYS else ALWAYS
    return (*inner, Op(NOT))


def depth(program: Program) -> int:
    """How many operands wait at a time, at most."""
    now = most = 0
    for op in program:
        now += 0 if op.kind == NOT else -1 if op.kind in (AND, OR) else 1
        most = max(most, now)
    return most


def for_runtime(program: Program) -> Program:
    """The same, with what the runtime cannot judge left open."""
    return tuple(op if op.here else Op(CONSTANT, value=UNKNOWN) for op in program)


@dataclass(frozen=True)
class Known:
    """What the reader knows of a call beside its record."""

    process: int
    thread: int
    names: Mapping[int, bytes]


def judge(program: Program, record: records.Record, known: Known) -> int:
    """FALSE or TRUE; UNKNOWN where the record does not say."""
    stack: list[int] = []
    for op in program:
        if op.kind == NOT:
            stack[-1] = _not(stack[-1])
        elif op.kind in (AND, OR):
            right, left = stack.pop(), stack.pop()
            stack.append(_and(left, right) if op.kind == AND else _not(_and(_not(left), _not(right))))
        else:
            stack.append(int(_JUDGES[op.kind](op, record, known)))
    return stack[-1]


def _and(left: int, right: int) -> int:
    if FALSE in (left, right):
        return FALSE
    return TRUE if left == right == TRUE else UNKNOWN


def _not(value: int) -> int:
    return value if value == UNKNOWN else 1 - value


def extend(value: int, width: int) -> int:
    """A number of so many bytes with its sign, as Python has it."""
    bits = 8 * ((width & 0xF) or 8)
    value &= (1 << bits) - 1
    return value - (1 << bits) if width & SIGNED and value >> (bits - 1) else value


def compare(how: int, width: int, left: int, right: int) -> bool:
    right = right - (1 << 64) if width & SIGNED and right >> 63 else right
    return (
        left == right, left != right, left < right, left <= right, left > right, left >= right,
        (left & right & _MASK) != 0, left & right == right,
    )[how]  # fmt: skip


def _argument(op: Op, record: records.Record, _known: Known) -> bool:
    if op.argument >= len(record.values):
        return False
    return compare(op.compare, op.width, extend(record.values[op.argument], op.width), op.value)


def _captured(op: Op, record: records.Record, out: bool) -> bytes | None:
    found = [c for c in record.captures if c.argument == op.argument and not c.address and not c.fault]
    for capture in found:
        if capture.out == out:
            return capture.data
    return found[0].data if found and not out else None


def _member(op: Op, record: records.Record, _known: Known) -> bool:
    data = _captured(op, record, bool(op.operand & MEMBER_OF_RESULT))
    at, size = op.operand & ~MEMBER_OF_RESULT, op.width & 0xF
    if data is None or at + size > len(data):
        return False
    order = "big" if op.width & BIG_ENDIAN else "little"
    value = int.from_bytes(data[at : at + size], order)  # type: ignore[arg-type]
    return compare(op.compare, op.width & ~BIG_ENDIAN, extend(value, op.width), op.value)


def _string(op: Op, record: records.Record, _known: Known) -> bool:
    data = _captured(op, record, False)
    return data is not None and op.text is not None and op.text.matches(data)


def _bytes(op: Op, record: records.Record, _known: Known) -> int:
    data = _captured(op, record, op.compare == BYTES_OF_RESULT)
    return FALSE if data is None or op.text is None else int(op.text.matches(data))


def _name(op: Op, record: records.Record, known: Known) -> bool:
    if op.argument >= len(record.values) or op.text is None:
        return False
    name = known.names.get(extend(record.values[op.argument], 4 | SIGNED))
    return name is not None and name.startswith(b"/") and op.text.matches(name)


def _result(op: Op, record: records.Record, _known: Known) -> bool:
    if record.state != layout.DONE:
        return False
    return compare(op.compare, op.width, extend(record.result & _MASK, op.width), op.value)


def _failed(_op: Op, record: records.Record, _known: Known) -> bool:
    return record.state == layout.DONE and -8192 <= record.result < 0


_JUDGES: dict[int, Callable[[Op, records.Record, Known], int]] = {
    CONSTANT: lambda op, _record, _known: op.value,
    ARGUMENT: _argument,
    MEMBER: _member,
    STRING: _string,
    BYTES: _bytes,
    NAME: _name,
    RESULT: _result,
    FAILED: _failed,
    DURATION: lambda op, record, _known: compare(op.compare, op.width, record.duration, op.value),
    PROCESS: lambda op, _record, known: compare(op.compare, op.width, known.process, op.value),
    THREAD: lambda op, _record, known: compare(op.compare, op.width, known.thread, op.value),
}
