"""Filters and orders of tampering as the bytes that the runtime reads in the trace area."""

from __future__ import annotations

import struct

from guise.tracing import ExpressionError, programs
from guise.tracing.filters import Filter
from guise.tracing.programs import Op, Program, Text
from guise.tracing.tampering import Rule
from personality.tracing import layout
from personality.tracing.area import Policy

_MOST_RULES = 8  # TRACE_FIRED


class _Writer:
    """Collects programs, automata and rules; equal programs and automata are there once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._programs: dict[Program, int] = {}
        self._program_places: list[int] = []
        self._automata: dict[bytes, int] = {}
        self._automaton_places: list[int] = []
        self.rules = bytearray()
        self.rule_count = 0

    def place(self, data: bytes) -> int:
        """Put bytes down, aligned to 8; their offset in the area."""
        self.data += b"\0" * (-(layout.HEADER_SIZE + len(self.data)) % 8)
        at = layout.HEADER_SIZE + len(self.data)
        self.data += data
        return at

    def automaton(self, text: Text) -> int:
        assert text.automaton is not None
        packed = text.automaton.pack()
        if packed not in self._automata:
            self._automata[packed] = len(self._automaton_places)
            self._automaton_places.append(self.place(packed))
        return self._automata[packed]

    def program(self, program: Program) -> int:
        """Its number.  Raises ExpressionError."""
        if programs.depth(program) > programs.MOST_DEPTH:
            raise ExpressionError("the condition is nested too deep: write it with fewer brackets")
        if program not in self._programs:
            data = b"".join(self._op(op) for op in (*program, Op(programs.END)))
            self._programs[program] = len(self._program_places)
            self._program_places.append(self.place(data))
        return self._programs[program]

    def _op(self, op: Op) -> bytes:
        operand = self.automaton(op.text) if op.text is not None else op.operand
        return layout.OP.pack(op.kind, op.argument, op.compare, op.width, operand, op.value)

    def finish(self, counters: int) -> tuple[tuple[int, int, int, int], bytes]:
        """The offsets of programs, automata, rules and counters, and all bytes."""
        places = [
            self.place(struct.pack(f"<{len(found)}I", *found))
            for found in (self._program_places, self._automaton_places)
        ]
        return (*places, self.place(bytes(self.rules)), self.place(b"\0" * 8 * counters)), bytes(self.data)  # type: ignore[return-value]


def build(chosen: Filter, rules: list[Rule]) -> Policy:
    """Raises ExpressionError when a condition cannot be carried out."""
    writer = _Writer()
    wanted: dict[tuple[int, int], int] = {}
    if not chosen.is_open:
        for place, program in chosen.programs().items():
            wanted[place] = _wanted(writer, programs.for_runtime(program))
    tamper: dict[tuple[int, int], int] = {}
    by_call: dict[tuple[int, int], list[tuple[int, Rule]]] = {}
    for counter, rule in enumerate(rules):
        for place in rule.instances:
            by_call.setdefault(place, []).append((counter, rule))
    for place, several in by_call.items():
        if len(several) > _MOST_RULES:
            raise ExpressionError(f"one call can have {_MOST_RULES} --inject at most")
        tamper[place] = writer.rule_count + 1
        for index, (counter, rule) in enumerate(several):
            writer.rules += _rule(writer, rule, place, counter, more=index + 1 < len(several))
            writer.rule_count += 1
    offsets, data = writer.finish(len(rules))
    return Policy(chosen.is_open, wanted, tamper, offsets, data)


def _wanted(writer: _Writer, program: Program) -> int:
    if program == programs.NEVER:
        return 0
    return 1 if program == programs.ALWAYS else writer.program(program) + 2


def _rule(writer: _Writer, rule: Rule, place: tuple[int, int], counter: int, *, more: bool) -> bytes:
    instance = rule.instances[place]
    condition = instance.condition
    number = 0 if condition == programs.ALWAYS else writer.program(condition) + 1
    memory_at = writer.place(rule.memory) if rule.memory else 0
    return layout.RULE.pack(
        number, counter, rule.actions, instance.signal, instance.result,
        rule.first, rule.last, rule.step, rule.delay_before, rule.delay_after,
        instance.new_argument & ((1 << 64) - 1), memory_at, len(rule.memory), rule.memory_offset,
        instance.argument, instance.memory_argument, instance.memory_after, more,
    )  # fmt: skip
