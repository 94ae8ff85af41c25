"""Whether a configuration keeps a system's rules: the first one that it breaks, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.style import RuleError
from sandbox.systems.model import Rule, System, Value

_TOLERANCE = 1e-9  # a step of 0.01 is no binary fraction


@dataclass(frozen=True)
class Guest:
    """One guest, domain or partition as it is to be configured; None where it is left to the system.

    `processors` are virtual or logical ones, `entitlement` is in engines.
    """

    name: str
    processors: int = 1
    bits: int | None = None
    kernel: str | None = None
    entitlement: float | None = None
    weight: float | None = None
    boards: float | None = None


@dataclass(frozen=True)
class Configuration:
    """Guests on a host with `engines` physical processors; `window` in seconds."""

    guests: tuple[Guest, ...]
    engines: int
    window: float | None = None
    service_partition: bool | None = None


def check(system: System, configuration: Configuration) -> None:
    """Raises RuleError."""
    for rule in system.rules:
        for whose, value in _values(rule.quantity, configuration):
            if value is not None and not allows(rule, value, configuration.engines):
                raise RuleError(
                    f"{system.title}: {whose} {_shown(value)}, but {rule.text} ({rule.source}; {rule.label})"
                )


def allows(rule: Rule, value: Value, engines: int) -> bool:
    """Whether one value keeps one rule on a host with so many engines."""
    if rule.only is not None:
        return any(_equal(value, allowed) for allowed in rule.only)
    number = float(value)
    most = float(engines) if rule.most == "engines" else rule.most
    if rule.least is not None and number < rule.least - _TOLERANCE:
        return False
    if most is not None and number > float(most) + _TOLERANCE:
        return False
    if rule.step is None:
        return True
    steps = number / rule.step
    return abs(steps - round(steps)) < 1e-6


def quantities() -> frozenset[str]:
    """Every quantity that a rule can be about."""
    return frozenset(_PER_GUEST) | frozenset(_IN_ALL)


def _values(quantity: str, configuration: Configuration) -> Iterator[tuple[str, Value | None]]:
    """Whose value, as the beginning of a sentence, and the value."""
    if quantity in _PER_GUEST:
        for guest in configuration.guests:
            yield f"{guest.name} has {_PER_GUEST[quantity]}", _of_guest(quantity, guest)
    elif quantity in _IN_ALL:
        yield _IN_ALL[quantity], _in_all(quantity, configuration)
    else:
        raise KeyError(quantity)


_PER_GUEST = {
    "guest processors": "processors:",
    "guest bits": "bits:",
    "guest kernel": "the kernel",
    "entitlement": "an entitlement of",
    "entitlement per virtual processor": "an entitlement per virtual processor of",
    "weight": "the weight",
    "boards": "boards:",
}
_IN_ALL = {
    "guests": "its guests number",
    "guests per processor": "its guests per processor number",
    "entitlement in all": "the entitlements add up to",
    "dispatch window": "the dispatch window in seconds is",
    "service partition": "the service partition is configured as",
}


def _of_guest(quantity: str, guest: Guest) -> Value | None:
    if quantity == "entitlement per virtual processor":
        return None if guest.entitlement is None else guest.entitlement / guest.processors
    values: dict[str, Value | None] = {
        "guest processors": guest.processors,
        "guest bits": guest.bits,
        "guest kernel": guest.kernel,
        "entitlement": guest.entitlement,
        "weight": guest.weight,
        "boards": guest.boards,
    }
    return values[quantity]


def _in_all(quantity: str, configuration: Configuration) -> Value | None:
    if quantity == "dispatch window":
        return configuration.window
    if quantity == "service partition":
        return configuration.service_partition
    if quantity == "guests":
        return len(configuration.guests)
    if quantity == "guests per processor":
        return len(configuration.guests) / configuration.engines
    entitlements = [guest.entitlement for guest in configuration.guests if guest.entitlement is not None]
    return sum(entitlements) if entitlements else None


def _equal(value: Value, allowed: Value) -> bool:
    if isinstance(value, float) and isinstance(allowed, float):
        return abs(value - allowed) < _TOLERANCE
    return value == allowed


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "present" if value else "absent"
    return f"{value:g}" if isinstance(value, float) else str(value)
