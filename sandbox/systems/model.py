"""A named system as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sandbox.style import Event, Figure, Form, Label

Value = float | int | str | bool


class Scope(StrEnum):
    """To whom a part of a system belongs: whoever depends on it fails with it."""

    OWN = "own"
    SHARED = "shared"
    SPARED = "spared"
    NONE = "none"


@dataclass(frozen=True)
class Rule:
    """A bound on one quantity of a configuration.  `most` may be "engines": as many as the host has."""

    quantity: str
    text: str
    source: str
    label: Label
    least: float | None = None
    most: float | str | None = None
    step: float | None = None
    only: tuple[Value, ...] | None = None
    default: Value | None = None


@dataclass(frozen=True)
class Crossing:
    """How often an event of this class enters the monitor, and why."""

    crossings: float
    why: str


@dataclass(frozen=True)
class Cost:
    """How the system's overhead is found; `kind` selects the function in `sandbox.cost`.

    fitted: seconds per crossing from the calibration's `column`; cycles, nanoseconds: given per
    crossing; stretch: a published stretch of system time; claim: a range of overheads; dispatch: by the
    simulator of partitions; dedicated: a fixed share; none: nothing.
    """

    kind: str
    numbers: Mapping[str, float]
    column: str
    dispatching: str
    source: str
    label: Label


@dataclass(frozen=True)
class Boards:
    """How boards move: `copy` bytes per second of memory that leaves one, `test` seconds before it joins."""

    moves: bool
    text: str
    copy: float
    test: float
    source: str
    label: Label


@dataclass(frozen=True)
class System:
    """A named profile.  Memory in bytes; `shared_memory` is the share of it that page sharing gives back."""

    name: str
    title: str
    form: Form
    year: int
    processor: str
    how: str
    rules: tuple[Rule, ...]
    cost: Cost
    crossings: Mapping[Event, Crossing]
    guest_memory: Figure
    fixed_memory: Figure
    shared_memory: float
    start: Figure
    move: str
    live: bool
    isolation: str
    fault_domain: str
    heterogeneity: str
    parts: Mapping[str, Scope]
    boards: Boards | None

    def rule(self, quantity: str) -> Rule | None:
        """The strictest rule on a quantity: the first of the file."""
        return next((rule for rule in self.rules if rule.quantity == quantity), None)
