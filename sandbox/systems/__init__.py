"""The systems that Savit's slides name, one file of data each, and how they are read.

A file says what the system is, its rules, what a crossing into its monitor costs and which events
cross, its memory, start and move, and which parts its guests share.  Every number has its source and a
label: V seen in the source, M recalled from it, claim assumed or a vendor's word, measured here.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from sandbox.style import Event, Figure, Form, Label
from sandbox.systems.model import Boards, Cost, Crossing, Rule, Scope, System


class UnknownSystem(ValueError):
    """There is no such profile: one sentence that names near ones."""


def names() -> tuple[str, ...]:
    """Every named profile, in the order of the alphabet."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


@cache
def load(name: str) -> System:
    """Raises UnknownSystem."""
    if name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name, names(), 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else "`guise compare --systems` lists them"
        raise UnknownSystem(f"there is no system {name}: {hint}")
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return _system(name, tomllib.loads(text))


def _system(name: str, data: dict[str, Any]) -> System:
    memory = data["memory"]
    start = data["start"]
    return System(
        name=name,
        title=data["title"],
        form=Form(data["form"]),
        year=data["year"],
        processor=data["processor"],
        how=data["how"],
        rules=tuple(_rule(key, entry) for key, entry in data.get("rules", {}).items()),
        cost=_cost(data["cost"]),
        crossings={
            Event(event): Crossing(entry["crossings"], entry["why"])
            for event, entry in data.get("events", {}).items()
        },
        guest_memory=_megabytes(memory, "guest"),
        fixed_memory=_megabytes(memory, "fixed"),
        shared_memory=memory.get("shared", 0.0),
        start=Figure(start["seconds"], "s", Label(start["label"]), start["source"]),
        move=data["move"]["how"],
        live=data["move"].get("live", False),
        isolation=data["sharing"]["isolation"],
        fault_domain=data["sharing"]["fault_domain"],
        heterogeneity=data["sharing"]["heterogeneity"],
        parts={part: Scope(scope) for part, scope in data["parts"].items()},
        boards=_boards(data["boards"]) if "boards" in data else None,
    )


def _boards(entry: dict[str, Any]) -> Boards:
    return Boards(
        entry["moves"], entry["text"], entry["copy"], entry["test"], entry["source"], Label(entry["label"])
    )


def _megabytes(memory: dict[str, Any], key: str) -> Figure:
    return Figure(memory[key] * 2**20, "bytes", Label(memory["label"]), memory["source"])


def _rule(name: str, entry: dict[str, Any]) -> Rule:
    return Rule(
        quantity=entry.get("quantity", name),
        text=entry["text"],
        source=entry["source"],
        label=Label(entry["label"]),
        least=entry.get("least"),
        most=entry.get("most"),
        step=entry.get("step"),
        only=tuple(entry["only"]) if "only" in entry else None,
        default=entry.get("default"),
    )


def _cost(entry: dict[str, Any]) -> Cost:
    numbers = {key: value for key, value in entry.items() if isinstance(value, int | float)}
    return Cost(
        kind=entry["kind"],
        numbers=numbers,
        column=entry.get("column", ""),
        dispatching=entry.get("dispatching", ""),
        source=entry["source"],
        label=Label(entry["label"]),
    )
