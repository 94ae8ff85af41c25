"""What a decoded argument is: a typed tree, from which text, JSON and filters are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Integer:
    value: int
    base: int = 10
    """How people write it: 8 for modes, 16 for addresses and unknown bits."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A number that has a name: an enum's value, a signal, a request; "" when it has none."""

    value: int
    name: str


@dataclass(frozen=True, slots=True)
class Flags:
    """A set of flags by name; `rest` holds the bits that nobody knows."""

    value: int
    names: tuple[str, ...]
    rest: int = 0
    base: int = 16
    """How people write the rest."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor, and what it stood for then: a path, or a socket's addresses; b"" when nobody knows."""

    value: int
    name: bytes = b""


@dataclass(frozen=True, slots=True)
class Text:
    """A string; bytes, since no kernel asks for an encoding."""

    data: bytes
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """A buffer: the bytes that were taken, of `length` that there were."""

    data: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """An address, and what was found there: None when nobody looked or it cannot be read."""

    address: int
    target: Value | None = None
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    values: tuple[Value, ...]
    truncated: bool = False
    missing: tuple[Value, ...] | None = None
    """Of a set that has nearly everything, what it has not: the shorter way to say it."""


@dataclass(frozen=True, slots=True)
class Members:
    """A struct: its members by name."""

    type: str
    members: tuple[tuple[str, Value], ...]
    brief: tuple[str, ...] = ()
    """Those that a line has room for, in that order; empty: the first ones."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an argument pointed at before the call and after it."""

    before: Value
    after: Value


Value = Integer | Symbol | Flags | Descriptor | Text | Data | Pointer | Items | Members | Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: `value`, or the guest kernel's error by name.

    `state`: "done"; "restarted" when it runs again after a signal's handler; "unfinished" when its
    thread ended inside it; "no return" for exit and its like.
    """

    state: str
    value: Value | None = None
    second: int = 0
    errno: int = 0
    error: str = ""
    error_text: str = ""


@dataclass(frozen=True, slots=True)
class DecodedCall:
    name: str
    number: int
    arguments: tuple[tuple[str, Value], ...]
    outcome: Outcome
    tags: frozenset[str] = frozenset()
