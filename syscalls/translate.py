"""Decides, for each `same` row, what has to happen to every argument and to the result.

The plan is data: the C emitter writes it down, `syscalls.check` only asks whether there is one.
A pair of types that nobody said how to convert is refused rather than passed through, because a
number that means something else to the host is worse than ENOSYS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .convert import Pair
from .lexer import is_number
from .model import Argument, Call, Ioctl, Type

Action = Literal["literal", "raw", "extend", "flags", "enum", "signal", "struct", "sigset"]


_NO_TYPE = Type("none")


class NoTranslation(Exception):
    """A `same` row cannot be generated; the text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One argument of the host call."""

    action: Action
    index: int = -1
    """The guest argument that it comes from."""
    text: str = ""
    """literal: the C expression; extend: the guest's C type; else the guest's type name."""
    host: str = ""
    type: Type = _NO_TYPE


@dataclass(frozen=True, slots=True)
class Plan:
    host_number: str
    steps: tuple[Step, ...]
    descriptors: tuple[int, ...]
    """Guest arguments that must not be the runtime's own descriptors."""
    result: Literal["raw", "none", "flags", "enum", "signal"]
    result_name: str = ""


def plan(pair: Pair, call: Call) -> Plan:
    """The translation of a `same` row; raises NoTranslation."""
    name = call.host_call or call.name
    host = pair.host.calls.get(name)
    if host is None:
        raise NoTranslation(f"the host has no call {name}")
    return _plan(pair, call, host, f"{pair.host.kernel.upper()}_SYS_{name}")


def ioctl_plan(pair: Pair, item: Ioctl) -> Plan:
    """The translation of a `same` request, as of a call (fd, request, argument); raises NoTranslation."""
    name = item.host or item.name
    host = pair.host.ioctls.get(name)
    if host is None:
        raise NoTranslation(f"the host has no request {name}")
    calls = [
        Call(0, "ioctl", _ioctl_arguments(kind), Type("value", "long"), "same", item.where,
             host_arguments=("fd", f"{pair.host.kernel.upper()}_{name}", "argument"))
        for kind in (item.type, host.type)
    ]  # fmt: skip
    return _plan(pair, calls[0], calls[1], f"{pair.host.kernel.upper()}_SYS_ioctl")


def _ioctl_arguments(kind: Type) -> tuple[Argument, ...]:
    last = Type("value", "ulong") if kind.kind == "none" else kind
    value = Type("value", "ulong")
    return Argument("fd", Type("value", "fd")), Argument("request", value), Argument("argument", last)


def _plan(pair: Pair, call: Call, host: Call, number: str) -> Plan:
    names = [a.name for a in call.arguments]
    given = call.host_arguments if call.host_arguments is not None else tuple(names)
    if len(given) != len(host.arguments):
        raise NoTranslation(f"{len(given)} arguments, but the host's {host.name} takes {len(host.arguments)}")
    if len(given) > 6:
        raise NoTranslation("a host call takes 6 arguments at most")
    steps = []
    for text, target in zip(given, host.arguments, strict=True):
        if text in names:
            index = names.index(text)
            try:
                step = _step(pair, index, call.arguments[index].type, target.type)
                _countable(pair, call, step)
                steps.append(step)
            except NoTranslation as problem:
                raise NoTranslation(f"{text}: {problem}") from None
        elif is_number(text):
            steps.append(Step("literal", text=text))
        else:
            steps.append(Step("literal", text=_host_constant(pair, text)))
    descriptors = tuple(
        i for i, a in enumerate(call.arguments) if a.type.kind == "value" and a.type.name in ("fd", "dirfd")
    )
    result = _result(pair, call.result, host.result)
    return Plan(number, tuple(steps), descriptors, result, call.result.name)


def _countable(pair: Pair, call: Call, step: Step) -> None:
    """An array that is converted needs a plain number of elements."""
    if step.action == "struct" and isinstance(step.type.count, str):
        counter = next(a for a in call.arguments if a.name == step.type.count)
        if counter.type.kind != "value" or counter.type.name not in pair.guest.scalars:
            raise NoTranslation(f"{counter.name} is no count")


def _host_constant(pair: Pair, name: str) -> str:
    prefix = f"{pair.host.kernel.upper()}_"
    plain = name.removeprefix(prefix)
    known = {e.name for group in pair.host.sets.values() for e in group.entries} | set(pair.host.ioctls)
    if plain not in known:
        raise NoTranslation(f"{name} is no argument, number or host constant")
    return prefix + plain


def _step(pair: Pair, index: int, guest: Type, host: Type) -> Step:
    if guest.kind == "value":
        return _value(pair, index, guest, host)
    if guest.kind == "object":
        return _object(pair, index, guest, host)
    if host.kind == guest.kind or host.name == "ptr":
        return Step("raw", index)
    raise NoTranslation(f"{guest} here, {host} at the host")


def _value(pair: Pair, index: int, guest: Type, host: Type) -> Step:
    kind = pair.guest.kind_of(guest.name)
    mismatch = NoTranslation(f"{guest} here, {host} at the host")
    if guest.name == "ptr":
        if host.is_address:
            return Step("raw", index)
        raise mismatch
    if not kind:
        raise NoTranslation(f"unknown type {guest.name!r}")
    if host.kind != "value" or host.name == "ptr":
        raise mismatch
    if kind in ("flags", "enum", "constants"):
        group = pair.guest.sets[guest.name]
        other = pair.set(group)
        if other is None or other.name != host.name:
            raise mismatch
        if kind == "constants":
            if not pair.same_set(group.name, other.name):
                raise NoTranslation(f"constants {group.name} differ from the host's")
            return Step("raw", index)
        return Step("flags" if kind == "flags" else "enum", index, guest.name)
    if kind == "signal":
        if host.name != "signal":
            raise mismatch
        return Step("signal", index)
    if pair.host.kind_of(host.name) != "scalar":
        raise mismatch
    scalar = pair.guest.scalars[guest.name]
    if scalar.size < pair.host.scalars[host.name].size:
        return Step("extend", index, scalar.c_type)
    return Step("raw", index)


def _object(pair: Pair, index: int, guest: Type, host: Type) -> Step:
    mismatch = NoTranslation(f"{guest} here, {host} at the host")
    if host.kind != "object" or (guest.count is None) != (host.count is None):
        raise mismatch
    ours, theirs = pair.guest.structs.get(guest.name), pair.host.structs.get(host.name)
    if (ours is None) != (theirs is None):
        raise mismatch
    if ours is None or theirs is None:
        same = pair.same_scalar(guest.name, host.name) or pair.same_set(guest.name, host.name)
        if not same:
            raise mismatch
        return Step("raw", index)
    if ours.name == "sigset":
        if theirs.name != "sigset" or guest.count is not None:
            raise mismatch
        return Step("sigset", index, ours.name, theirs.name, guest)
    if pair.same_struct(ours, theirs):
        return Step("raw", index)
    if pair.struct(ours) is not theirs or guest.direction != host.direction:
        raise mismatch
    if why := pair.obstacle(ours):
        raise NoTranslation(why)
    return Step("struct", index, ours.name, theirs.name, guest)


def _result(pair: Pair, guest: Type, host: Type) -> Literal["raw", "none", "flags", "enum", "signal"]:
    mismatch = NoTranslation(f"the result is {guest} here, {host} at the host")
    if guest.kind == "none":
        return "raw" if host.kind == "none" else "none"
    if guest.kind == "noreturn":
        return "raw"
    if guest.kind != "value" or host.kind not in ("value", "none"):
        raise mismatch
    kind = pair.guest.kind_of(guest.name)
    if kind == "flags" or kind == "enum" or kind == "signal":
        if kind != pair.host.kind_of(host.name):
            raise mismatch
        if kind != "signal" and getattr(pair.set(pair.guest.sets[guest.name]), "name", "") != host.name:
            raise mismatch
        return "flags" if kind == "flags" else "enum" if kind == "enum" else "signal"
    if kind != "scalar" or (host.kind == "value" and pair.host.kind_of(host.name) != "scalar"):
        raise mismatch
    return "raw"
