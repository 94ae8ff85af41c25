"""`--inject CALLS [where CONDITION] ACTION...`: what is to happen to which calls.

openat where path ~ "\\.conf$" error=EACCES when=2+
write set=count:1                 read memory=buf:"hello"        connect delay=200ms error=ETIMEDOUT
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from guise.tracing import ExpressionError, meanings, programs
from guise.tracing.expressions import clause
from guise.tracing.filters import call_names, calls_of
from guise.tracing.meanings import ALONE, Meaning, hint, parse_number
from guise.tracing.programs import Program
from syscalls import load
from syscalls.model import HOST, Abi, Argument, Call

RESULT, DELAY, SIGNAL, ARGUMENT, MEMORY = 1, 2, 4, 8, 16
ACTIONS = ("error", "value", "delay", "delay-after", "signal", "set", "memory", "when")
_FOREVER = (1 << 64) - 1
_WHEN = re.compile(r"(\d+)(?:(\+)(\d+)?|\.\.(\d+)(?:\+(\d+))?)?")
_ACTION = re.compile(r"\s*([a-z-]+)=(\"(?:[^\"\\]|\\.)*\"|(?:[^\s\"]|\"(?:[^\"\\]|\\.)*\")+)", re.DOTALL)
_MEMORY = re.compile(r"(\w+)(?:\+(\d+))?:(.*)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0"}
_LARGEST_MEMORY = 65536


@dataclass(frozen=True)
class Instance:
    """A rule for one call of one kernel."""

    condition: Program
    result: int = 0
    signal: int = 0
    argument: int = 0
    new_argument: int = 0
    memory_argument: int = 0
    memory_after: bool = False


@dataclass
class Rule:
    """One order.  It happens to call number `first`, then every `step`th up to `last`, of those that meet
    the condition."""

    instances: dict[tuple[int, int], Instance] = field(default_factory=dict)
    actions: int = 0
    first: int = 1
    last: int = _FOREVER
    step: int = 1
    delay_before: int = 0
    delay_after: int = 0
    memory: bytes = b""
    memory_offset: int = 0


def parse(text: str, kernels: list[Abi]) -> Rule:
    """Raises ExpressionError."""
    found = clause(text, ALONE)
    names: set[str] = set()
    for word in found.calls:
        names |= call_names(word, kernels)
    calls = calls_of(names, kernels)
    meanings.check(found.condition, calls)
    wishes = _wishes(found.rest, text)
    rule = _rule(wishes)
    problem: ExpressionError | None = None
    for index, meaning in enumerate(meanings.meanings(kernels)):
        for name in names & set(meaning.abi.calls):
            call = meaning.abi.calls[name]
            try:
                condition = meaning.compile(found.condition, call)
                instance = _instance(meaning, call, condition, wishes)
            except ExpressionError as error:
                if problem is None or ("did you mean" in str(error) and "did you mean" not in str(problem)):
                    problem = error
                continue
            if condition != programs.NEVER:
                rule.instances[index, call.number] = instance
    if not rule.instances:
        raise problem or ExpressionError(f"{text}: the condition can never be met")
    return rule


def _wishes(text: str, whole: str) -> dict[str, str]:
    wishes: dict[str, str] = {}
    at = 0
    while text[at:].strip():
        match = _ACTION.match(text, at)
        if match is None:
            word = text[at:].split()[0]
            raise ExpressionError(
                f"{word} is no action in {whole}: there are {', '.join(ACTIONS)}, each with ="
            )
        name, value = match[1], match[2]
        if name not in ACTIONS:
            raise ExpressionError(f"there is no action {name}{hint(name, ACTIONS, ', '.join(ACTIONS))}")
        if name in wishes:
            raise ExpressionError(f"{name} is there twice in {whole}: write two --inject")
        wishes[name] = value
        at = match.end()
    if not set(wishes) - {"when"}:
        raise ExpressionError(f"{whole}: say what is to happen: {', '.join(ACTIONS[:-1])}")
    if "error" in wishes and "value" in wishes:
        raise ExpressionError(f"{whole}: a call fails with error= or returns value=, not both")
    return wishes


def _rule(wishes: dict[str, str]) -> Rule:
    rule = Rule()
    if "when" in wishes:
        rule.first, rule.last, rule.step = _when(wishes["when"])
    if "error" in wishes or "value" in wishes:
        rule.actions |= RESULT
    for name, attribute in (("delay", "delay_before"), ("delay-after", "delay_after")):
        if name in wishes:
            rule.actions |= DELAY
            setattr(rule, attribute, meanings.duration(wishes[name]))
    if "signal" in wishes:
        rule.actions |= SIGNAL
    if "set" in wishes:
        rule.actions |= ARGUMENT
    if "memory" in wishes:
        rule.actions |= MEMORY
        match = _MEMORY.fullmatch(wishes["memory"])
        if match is None:
            raise ExpressionError(
                f'memory takes ARGUMENT:"BYTES" or ARGUMENT+OFFSET:"BYTES", not {wishes["memory"]}'
            )
        rule.memory, rule.memory_offset = _bytes(match[3]), int(match[2] or 0)
        if not 0 < len(rule.memory) <= _LARGEST_MEMORY:
            raise ExpressionError(f"memory takes 1 to {_LARGEST_MEMORY} bytes")
    return rule


def _when(text: str) -> tuple[int, int, int]:
    """`3`: the third; `2+`: from the second on; `1+2`: every second one; `2..5`, `2..9+3`."""
    match = _WHEN.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ExpressionError(
            f"when={text}: write 3, 2+ (from the second on), 1+2 (every second one) or 2..5"
        )
    first = int(match[1])
    if match[4]:
        return first, int(match[4]), int(match[5] or 1) or 1
    if match[2]:
        return first, _FOREVER, int(match[3] or 1) or 1
    return first, first, 1


def _bytes(text: str) -> bytes:
    """The bytes of a quoted text, `\\n` and `\\x00` understood."""
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1]
    data = text.encode("utf-8", "surrogateescape")

    def replace(match: re.Match[bytes]) -> bytes:
        what: bytes = match[1]
        if what.startswith(b"x"):
            return bytes((int(what[1:], 16),))
        return _LETTERS.get(what, what)

    return _ESCAPE.sub(replace, data)


def _instance(meaning: Meaning, call: Call, condition: Program, wishes: dict[str, str]) -> Instance:
    if any(not op.here for op in condition):
        raise ExpressionError(
            "this regular expression cannot be judged inside the program: write it without references, "
            "assertions and word boundaries"
        )
    if any(op.kind in (programs.RESULT, programs.FAILED, programs.DURATION) for op in condition):
        raise ExpressionError(
            "what is injected is decided before the call: its result and duration are unknown"
        )
    result = signal = argument = new_argument = memory_argument = 0
    memory_after = False
    if "error" in wishes or "value" in wishes:
        result = _result(meaning, call, wishes)
    if "signal" in wishes:
        signal = _signal(meaning.abi, wishes["signal"])
    if "set" in wishes:
        argument, new_argument = _argument(meaning, call, wishes["set"])
    if "memory" in wishes:
        name = re.split(r"[+:]", wishes["memory"])[0]
        memory_argument = _index(call, name)
        kind = call.arguments[memory_argument].type
        if not kind.is_address:
            raise ExpressionError(
                f"{name} of {call.name} is no address: memory= changes what an argument points at"
            )
        memory_after = kind.direction == "out"
    return Instance(condition, result, signal, argument, new_argument, memory_argument, memory_after)


def _result(meaning: Meaning, call: Call, wishes: dict[str, str]) -> int:
    if call.result.kind in ("noreturn", "registers"):
        raise ExpressionError(f"{call.name} does not return: it can have no error and no value")
    if "value" in wishes:
        number = parse_number(wishes["value"])
        if number is None:
            number = meaning.constant(wishes["value"])
        if not -(1 << 63) <= number < 1 << 63 or -8192 <= number < 0:
            raise ExpressionError(f"value={wishes['value']}: use error= to let a call fail")
        return number
    name = wishes["error"]
    error = meaning.abi.errno.get(name)
    if error is None:
        known = meaning.abi.errno
        raise ExpressionError(f"{meaning.abi.kernel} has no error {name}{hint(name, known)}")
    return error.number - 8192 if meaning.abi.kernel != HOST else -error.number


def _signal(abi: Abi, name: str) -> int:
    """The host's number for a signal of the guest's."""
    signals = {s.name: s.number for s in abi.signals.values()}
    number = signals.get(name if name.startswith("SIG") else f"SIG{name}")
    if number is None:
        raise ExpressionError(f"{abi.kernel} has no signal {name}{hint(name, signals)}")
    host = abi.signal_to_host(load(HOST)).get(number)
    if host is None:
        raise ExpressionError(f"{name} cannot be sent: the host has no signal that could carry it")
    return host


def _index(call: Call, name: str) -> int:
    names = [argument.name for argument in call.arguments[:8]]
    if name not in names:
        raise ExpressionError(
            f"{call.name} has no argument {name}{hint(name, names, 'it has ' + ', '.join(names))}"
        )
    return names.index(name)


def _argument(meaning: Meaning, call: Call, text: str) -> tuple[int, int]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ExpressionError(f"set takes ARGUMENT:VALUE, as in set=count:1, not {text}")
    index = _index(call, name)
    number = 0
    for part in value.split("|"):
        found = parse_number(part)
        number |= meaning.constant(part, _kind(call.arguments[index])) if found is None else found
    return index, number


def _kind(argument: Argument) -> str:
    """The set whose names an argument's values have."""
    return argument.meaning.name or argument.type.name
