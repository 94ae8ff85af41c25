"""What the words of a condition mean for one call of one kernel, as the kernel's tables have it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from guise.tracing import ExpressionError, automata, programs
from guise.tracing.expressions import Condition, Joined, Not, Term
from guise.tracing.programs import Op, Program, Text
from syscalls import load
from syscalls.decode_types import is_address
from syscalls.emit_trace import is_descriptor, is_environment
from syscalls.model import HOST, Abi, Argument, Call

ALONE = ("failed", "successful")
GENERAL = (*ALONE, "path", "fd", "result", "errno", "duration", "process", "thread")
"""Names that mean something for every call; the others are arguments."""

_UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s)")
_COMPARISONS = {
    "=": programs.EQUAL, "==": programs.EQUAL, "!=": programs.DIFFERENT, "<": programs.LESS,
    "<=": programs.LESS_OR_EQUAL, ">": programs.MORE, ">=": programs.MORE_OR_EQUAL, "&": programs.ANY_BIT,
}  # fmt: skip
_MASK = (1 << 64) - 1
_PORT, _FAMILY = "port", "family"


class Meaning:
    """Compiles conditions for the calls of one kernel; `host` has the numbers that results have."""

    def __init__(self, abi: Abi, host: Abi) -> None:
        self.abi = abi
        self._from_host = abi.errno_from_host(host)
        self._constants = {c.name: c.value for g in abi.sets.values() for c in g.entries}
        self._constants |= {s.name: s.number for s in abi.signals.values()}
        self._constants |= {item.name: item.number for item in abi.ioctls.values()}

    def compile(self, condition: Condition | None, call: Call) -> Program:
        """Raises ExpressionError when a value means nothing for this call."""
        if condition is None:
            return programs.ALWAYS
        if isinstance(condition, Not):
            return programs.negation(self.compile(condition.inner, call))
        if isinstance(condition, Joined):
            result = programs.ALWAYS if condition.word == "and" else programs.NEVER
            join = programs.both if condition.word == "and" else programs.either
            for part in condition.parts:
                result = join(result, self.compile(part, call))
            return result
        return self._term(condition, call)

    def _term(self, term: Term, call: Call) -> Program:
        if term.name in ALONE:
            failed: Program = (Op(programs.FAILED),)
            return failed if term.name == "failed" else programs.negation(failed)
        if term.name == "duration":
            return (Op(programs.DURATION, compare=_comparison(term), value=duration(term.value)),)
        if term.name in ("process", "thread"):
            kind = programs.PROCESS if term.name == "process" else programs.THREAD
            return (Op(kind, compare=_comparison(term), value=_number(term)),)
        if term.name == "result":
            width = 8 | programs.SIGNED
            value = self._value(term, call.result.name) & _MASK
            return (Op(programs.RESULT, compare=_comparison(term), width=width, value=value),)
        if term.name == "errno":
            return self._errno(term)
        if term.name == "path":
            return self._path(term, call)
        if term.name == "fd":
            return self._any(self._number(term, call, i, a) for i, a in _descriptors(call))
        return self._argument(term, call)

    @staticmethod
    def _any(found: Iterable[Program]) -> Program:
        result = programs.NEVER
        for program in found:
            result = programs.either(result, program)
        return result

    def _errno(self, term: Term) -> Program:
        if term.operator not in ("=", "==", "!="):
            raise ExpressionError(f"an error is compared by = or !=, not by {term.operator}")
        error = self.abi.errno.get(term.value)
        if error is None and term.value.isdigit():
            error = next((e for e in self.abi.errno.values() if e.number == int(term.value)), None)
        found = programs.NEVER
        if error is not None:
            results = [-h for h, guest in self._from_host.items() if guest == error.number]
            for result in (*results, error.number - 8192):
                found = programs.either(found, (Op(programs.RESULT, width=8, value=result & _MASK),))
        if term.operator == "!=":
            return programs.both((Op(programs.FAILED),), programs.negation(found))
        return found

    def _path(self, term: Term, call: Call) -> Program:
        text = _text(term)
        found = [
            (Op(programs.STRING, i, text=text),)
            for i, a in enumerate(call.arguments)
            if a.type.kind == "string" and a.type.name != "strv" and not is_environment(a)
        ]
        found += [(Op(programs.NAME, i, text=text),) for i, _ in _descriptors(call)]
        return _unless(term, self._any(found))

    def _argument(self, term: Term, call: Call) -> Program:
        name, _, member = term.name.partition(".")
        for index, argument in enumerate(call.arguments[:8]):
            if argument.name == name:
                return self._of(term, call, index, argument, member)
        return programs.NEVER

    def _of(self, term: Term, call: Call, index: int, argument: Argument, member: str) -> Program:
        kind = argument.type
        if member:
            return self._member(term, argument, index, member)
        if kind.kind == "string" and kind.name != "strv":
            return _unless(term, (Op(programs.STRING, index, text=_text(term)),))
        if kind.kind == "bytes":
            return _unless(term, self._buffer(term, call, index, argument))
        return self._number(term, call, index, argument)

    def _number(self, term: Term, _call: Call, index: int, argument: Argument) -> Program:
        kind = argument.type
        size = 8 if kind.is_address else self.abi.size_of(kind.name)
        group = self.abi.sets.get(kind.name)
        signed = not kind.is_address and (
            self.abi.scalars[kind.name].signed
            if kind.name in self.abi.scalars
            else group is None or group.kind != "flags"
        )
        value = self._value(term, argument.meaning.name or kind.name) & _MASK
        if size < 8 and not signed:
            value &= (1 << (8 * size)) - 1
        width = size | (programs.SIGNED if signed else 0)
        return (Op(programs.ARGUMENT, index, _comparison(term), width, value=value),)

    def _buffer(self, term: Term, call: Call, index: int, argument: Argument) -> Program:
        filled = programs.BYTES_OF_RESULT if argument.type.direction == "out" else 0
        count = argument.type.count
        if isinstance(count, int):
            return (Op(programs.BYTES, index, filled, 0, value=count, text=_text(term)),)
        for other, counting in enumerate(call.arguments[:8]):
            if counting.name == count and counting.type.kind == "value":
                width = min(8, self.abi.size_of(counting.type.name)) | programs.COUNTED
                return (Op(programs.BYTES, index, filled, width, value=other, text=_text(term)),)
        return programs.NEVER

    def _member(self, term: Term, argument: Argument, index: int, path: str) -> Program:
        offset, size, signed, meaning = self._place(argument, path)
        kind = argument.type
        width = size | (programs.SIGNED if signed else 0)
        if kind.kind == "bytes" and path == _PORT:
            width |= programs.BIG_ENDIAN
        value = self._value(term, meaning) & _MASK
        if size < 8 and not signed:
            value &= (1 << (8 * size)) - 1
        operand = offset | (programs.MEMBER_OF_RESULT if kind.direction == "out" else 0)
        return (Op(programs.MEMBER, index, _comparison(term), width, operand, value),)

    def _place(self, argument: Argument, path: str) -> tuple[int, int, bool, str]:
        """Where a member is: offset, bytes, whether it has a sign, and what its values are called by."""
        kind = argument.type
        if kind.kind == "bytes" and is_address(argument.name):
            layout = self.abi.structs.get("sockaddr_in")
            length_first = layout is not None and layout.fields[0].name == "len"
            if path == _PORT:
                return 2, 2, False, ""
            if path == _FAMILY:
                return (1, 1, False, "address_family") if length_first else (0, 2, False, "address_family")
            raise ExpressionError(f"a socket address has no {path}: it has family and port")
        struct = self.abi.structs.get(kind.name) if kind.kind == "object" else None
        offset = 0
        for step in path.split("."):
            field = next((f for f in struct.fields if f.name == step), None) if struct else None
            if field is None:
                known = [f.name for f in struct.fields] if struct else []
                raise ExpressionError(f"{argument.name} has no member {step}{hint(step, known)}")
            offset += field.offset
            struct = self.abi.structs.get(field.type)
        assert field is not None
        if struct is not None or field.count is not None:
            raise ExpressionError(f"{argument.name}.{path} is no single number")
        scalar = self.abi.scalars.get(field.type)
        return (
            offset,
            self.abi.size_of(field.type),
            bool(scalar and scalar.signed),
            field.meaning or field.shown or field.type,
        )

    def _value(self, term: Term, kind: str) -> int:
        """A number, or names of constants joined by `|`.  Raises ExpressionError."""
        if term.operator in ("~", "!~") or term.quoted:
            raise ExpressionError(f"{term.name} is a number: compare it by =, !=, <, > or &")
        value = 0
        for part in term.value.split("|"):
            number = parse_number(part)
            if number is None:
                number = self.constant(part, kind)
            value |= number
        return value

    def constant(self, name: str, kind: str = "") -> int:
        """A constant of this kernel, its set first.  Raises ExpressionError."""
        group = self.abi.sets.get(kind)
        entries = {c.name: c.value for c in group.entries} if group else {}
        found = entries.get(name, self._constants.get(name))
        if found is None:
            near = hint(name, entries or self._constants)
            raise ExpressionError(f"{name} is no number and no constant of {self.abi.kernel}{near}")
        return found


def _descriptors(call: Call) -> list[tuple[int, Argument]]:
    return [(i, a) for i, a in enumerate(call.arguments[:8]) if is_descriptor(a)]


def _comparison(term: Term) -> int:
    if term.operator not in _COMPARISONS:
        raise ExpressionError(f"{term.name} is a number: compare it by =, !=, <, > or &")
    return _COMPARISONS[term.operator]


def _number(term: Term) -> int:
    number = parse_number(term.value)
    if number is None:
        raise ExpressionError(f"{term.name}{term.operator}{term.value}: the value is a number")
    return number


def parse_number(text: str) -> int | None:
    """Decimal, hexadecimal, or octal with a leading 0."""
    if re.fullmatch(r"-?0[0-7]+", text):
        return int(text, 8)
    return int(text, 0) if re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)", text) else None


def duration(text: str) -> int:
    """`1.5ms` in ns.  Raises ExpressionError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ExpressionError(f"{text or 'an empty text'} is no duration: write a number and ns, us, ms or s")
    return int(float(found[1]) * _UNITS[found[2]])


def _unless(term: Term, program: Program) -> Program:
    return programs.negation(program) if term.operator in ("!=", "!~") else program


def _text(term: Term) -> Text:
    """`=`: it is contained; `==`: it is all; `~`: a regular expression."""
    value = term.value.encode("utf-8", "surrogateescape")
    if term.operator in ("~", "!~"):
        return expression(value)
    if term.operator == "=":
        return expression(automata.contains(value).encode())
    if term.operator in ("==", "!="):
        return expression(automata.equals(value).encode())
    raise ExpressionError(f"{term.name} is text: compare it by =, ==, != or ~")


@lru_cache(maxsize=256)
def expression(pattern: bytes) -> Text:
    """Raises ExpressionError."""
    try:
        return Text(pattern, automata.build(pattern))
    except automata.NoAutomaton:
        return Text(pattern, None)
    except re.error as error:
        shown = pattern.decode("utf-8", "replace")
        raise ExpressionError(f"{shown}: the regular expression is wrong: {error}") from None


def check(condition: Condition | None, calls: list[tuple[Abi, Call]]) -> None:
    """Raises ExpressionError for a name or a value that means nothing for any of these calls."""
    if condition is None:
        return
    if isinstance(condition, Not):
        check(condition.inner, calls)
    elif isinstance(condition, Joined):
        for part in condition.parts:
            check(part, calls)
    elif condition.name == "errno":
        known = {error for abi, _ in calls for error in abi.errno}
        if condition.value not in known and not condition.value.isdigit():
            raise ExpressionError(f"no kernel has an error {condition.value}{hint(condition.value, known)}")
    elif condition.name not in GENERAL:
        name = condition.name.partition(".")[0]
        known = {argument.name for _, call in calls for argument in call.arguments}
        if name not in known:
            near = hint(name, [*known, *GENERAL], "`guise calls KERNEL` shows the arguments of each call")
            raise ExpressionError(f"none of these calls has an argument {name}{near}")


def hint(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`: did you mean ...?`, or the other sentence."""
    near = get_close_matches(word, sorted(set(known)), 1)
    if near:
        return f": did you mean {near[0]}?"
    return f": {otherwise}" if otherwise else ""


def meanings(kernels: list[Abi]) -> list[Meaning]:
    """One for each kernel."""
    return [Meaning(abi, load(HOST)) for abi in kernels]
