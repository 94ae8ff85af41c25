"""The experiment, without any one architecture: three runs of one instruction, and what they say.

S1: supervisor mode, resources as set 1; S2: supervisor mode, set 2; U2: user mode, set 2.  Resources are
what a monitor must keep from its guests: control registers, interrupt masks, tables, devices.
- privileged: U2 traps, and S2 does not;
- control-sensitive: it changes a resource in the supervisor mode;
- behaviour-sensitive: S1 and S2 differ in their outcome (it shows a resource), or S2 and U2 do without
  a trap (it shows the mode, or does something else in it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Observation:
    """One run: the trap if any, the resources that it changed, and everything else that it left behind."""

    trap: str | None
    changed: tuple[str, ...]
    outcome: tuple[object, ...]


@dataclass(frozen=True)
class Instruction:
    """What is tried: its text, bytes, and the architecture's generation that brought it."""

    text: str
    code: bytes
    since: str = ""


@dataclass(frozen=True)
class Finding:
    """What the experiment says of one instruction."""

    instruction: Instruction
    privileged: bool
    traps: bool  # in user mode
    control: tuple[str, ...]
    behaviour: str

    @property
    def sensitive(self) -> bool:
        return bool(self.control or self.behaviour)

    @property
    def violates(self) -> bool:
        """Sensitive, and the monitor is not told."""
        return self.sensitive and not self.traps


class Laboratory(Protocol):
    """An architecture in which one instruction can be run."""

    @property
    def name(self) -> str: ...

    @property
    def instructions(self) -> Sequence[Instruction]: ...

    def run(self, instruction: Instruction, supervisor: bool, resources: int) -> Observation: ...


def examine(laboratory: Laboratory, instruction: Instruction) -> Finding:
    first = laboratory.run(instruction, True, 1)
    second = laboratory.run(instruction, True, 2)
    user = laboratory.run(instruction, False, 2)
    behaviour = []
    if first.trap is None and second.trap is None and first.outcome != second.outcome:
        behaviour.append("shows a resource")
    if second.trap is None and user.trap is None:
        if second.outcome != user.outcome:
            behaviour.append("differs by mode")
        elif second.changed != user.changed:
            behaviour.append("does less, silently")
    return Finding(
        instruction,
        privileged=user.trap is not None and second.trap is None,
        traps=user.trap is not None,
        control=tuple(sorted({*first.changed, *second.changed})),
        behaviour=", ".join(behaviour),
    )


@dataclass(frozen=True)
class Verdict:
    """Popek and Goldberg's theorem applied to what was found."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def violations(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.violates)

    @property
    def virtualizable(self) -> bool:
        return not self.violations

    def sentence(self) -> str:
        if self.virtualizable:
            return f"{self.name}: every sensitive instruction that was tried traps: trap-and-emulate works"
        names = ", ".join(finding.instruction.text for finding in self.violations)
        return f"{self.name}: trap-and-emulate is not enough: sensitive, and do not trap: {names}"


def judge(laboratory: Laboratory, since: Sequence[str] | None = None, name: str = "") -> Verdict:
    """Examine every instruction (of the generations in `since`, if given)."""
    chosen = [one for one in laboratory.instructions if since is None or one.since in since]
    return Verdict(name or laboratory.name, tuple(examine(laboratory, one) for one in chosen))
