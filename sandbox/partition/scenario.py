"""A script of partitions, moves and faults, in TOML.

    system = "sun-domains"          # any named system
    seconds = 60

    [hardware]                      # all optional, besides engines where there are no boards
    engines = 4
    slice_ms = 12.5

    [[board]]                       # for systems of boards
    name = "b0"
    engines = 2
    memory = "8GiB"
    domain = "prod"

    [[partition]]
    name = "prod"
    processors = 4
    bits = 64                       # and kernel = "linux": only for the system's rules
    memory = "6GiB"
    load = { burst_ms = 5, think_ms = 5, working_set_kb = 256 }

    [[action]]
    at = 20
    move = "b1"
    to = "prod"

    [[action]]
    at = 40
    fail = "board b0"

A domain of very many guests is described by kinds of them instead of partitions:

    [[guests]]
    name = "web"
    count = 8000
    burst_ms = 120
    think_ms = 30000
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox import systems
from sandbox.partition.complex import Board
from sandbox.partition.domain import Costs, Kind
from sandbox.partition.model import SHARED, Dispatching, Engines, Load, Partition
from sandbox.systems.model import System
from sandbox.systems.rules import Configuration, Guest, check

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])i?B?", re.IGNORECASE)
_POWER = {"K": 10, "M": 20, "G": 30, "T": 40}
MOST = 100_000  # guests, engines and boards that a script may ask for


class ScenarioError(ValueError):
    """A script that cannot be understood: one sentence, without the file's name."""


@dataclass(frozen=True)
class Action:
    """At `at` seconds, either a board moves `to` a domain, or a part fails."""

    at: float
    move: str = ""
    to: str = ""
    fail: str = ""


@dataclass(frozen=True)
class Scenario:
    """Everything that a script says; `memory` (bytes), `bits` and `kernels` are by partition."""

    system: System
    seconds: float
    seed: int
    hardware: Engines
    partitions: tuple[Partition, ...]
    boards: tuple[Board, ...]
    memory: Mapping[str, float]
    bits: Mapping[str, int]
    kernels: Mapping[str, str]
    actions: tuple[Action, ...]
    kinds: tuple[Kind, ...]
    costs: Costs
    service_partition: bool | None


def read(path: Path) -> Scenario:
    """Raises OSError, ScenarioError, UnknownSystem and RuleError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"it is not TOML ({error})") from None
    scenario = parse(data)
    check(scenario.system, configuration(scenario))
    return scenario


def parse(data: Mapping[str, Any]) -> Scenario:
    """Raises ScenarioError and UnknownSystem."""
    top = _Table(data, "the script")
    system = systems.load(top.text("system"))
    hardware = top.table("hardware")
    partitions, memory, bits, kernels = [], {}, {}, {}
    for entry in top.tables("partition"):
        partition = _partition(entry)
        if "bits" in entry:
            bits[partition.name] = int(entry.number("bits"))
        if "kernel" in entry:
            kernels[partition.name] = entry.text("kernel")
        if partition.name in memory:
            raise ScenarioError(f"there are two partitions {partition.name}")
        partitions.append(partition)
        memory[partition.name] = entry.size("memory", 0.0)
        entry.finish()
    scenario = Scenario(
        system=system,
        seconds=top.number("seconds", least=1e-3, most=1e6),
        seed=int(top.number("seed", 1)),
        hardware=_engines(system, hardware),
        partitions=tuple(partitions),
        boards=tuple(_board(entry, memory) for entry in top.tables("board")),
        memory=memory,
        bits=bits,
        kernels=kernels,
        actions=tuple(sorted((_action(entry) for entry in top.tables("action")), key=lambda each: each.at)),
        kinds=tuple(_kind(entry) for entry in top.tables("guests")),
        costs=_costs(system, hardware),
        service_partition=top.flag("service_partition"),
    )
    scenario = replace(scenario, hardware=_count(scenario, hardware))
    top.finish()
    hardware.finish()
    if bool(scenario.partitions) == bool(scenario.kinds):
        raise ScenarioError("it needs either [[partition]] tables or [[guests]] tables")
    if scenario.boards and len({board.name for board in scenario.boards}) < len(scenario.boards):
        raise ScenarioError("two boards have the same name")
    return scenario


def configuration(scenario: Scenario) -> Configuration:
    """What the system's rules are checked on."""
    own = {board.domain for board in scenario.boards}
    guests = tuple(
        Guest(
            each.name,
            processors=each.processors,
            bits=scenario.bits.get(each.name),
            kernel=scenario.kernels.get(each.name),
            entitlement=each.entitlement,
            weight=each.weight,
            boards=float(sum(board.domain == each.name for board in scenario.boards)) if own else None,
        )
        for each in scenario.partitions
    )
    window = scenario.hardware.window if scenario.hardware.dispatching is Dispatching.WINDOW else None
    return Configuration(guests, scenario.hardware.count, window, scenario.service_partition)


def _count(scenario: Scenario, hardware: _Table) -> Engines:
    on_boards = sum(board.engines for board in scenario.boards)
    count = on_boards or int(hardware.number("engines", least=1, most=MOST))  # boards bring their own
    return replace(scenario.hardware, count=count)


def _engines(system: System, table: _Table) -> Engines:
    """The system's own numbers, unless the script has others."""
    numbers = system.cost.numbers
    return Engines(
        count=1,
        dispatching=Dispatching(system.cost.dispatching or "event"),
        slice=table.number("slice_ms", numbers.get("slice", 0.0125) * 1e3, least=1e-3) / 1e3,
        window=table.number("window_ms", 10.0, least=1e-3) / 1e3,
        switch=table.number("switch_us", numbers.get("switch", 20e-6) * 1e6) / 1e6,
        cache=table.number("cache_kb", 1024) * 1024,
        fill=table.number("fill_mb_per_s", 2000, least=1e-3) * 1e6,
        fixed=numbers.get("fixed_share", 0.0),
    )


def _costs(system: System, table: _Table) -> Costs:
    numbers = system.cost.numbers
    return Costs(
        slice=table.number("slice_ms", numbers.get("slice", 0.0125) * 1e3, least=1e-3) / 1e3,
        switch=table.number("switch_us", numbers.get("switch", 20e-6) * 1e6) / 1e6,
        ticks=table.number("idle_ticks_per_s", 0.0),
        tick=table.number("tick_us", 5.0) / 1e6,
    )


def _partition(entry: _Table) -> Partition:
    load = entry.table("load")
    partition = Partition(
        name=entry.text("name"),
        load=Load(
            burst=load.number("burst_ms", least=1e-3) / 1e3,
            think=load.number("think_ms", 0.0) / 1e3,
            working_set=load.number("working_set_kb", 0.0) * 1024,
            steady=bool(load.flag("steady")),
        ),
        processors=int(entry.number("processors", 1, least=1, most=1024)),
        weight=entry.number("weight", 128),
        entitlement=entry.number("entitlement") if "entitlement" in entry else None,
        capped=bool(entry.flag("capped")),
        dedicated=bool(entry.flag("dedicated")),
    )
    load.finish()
    if partition.name == SHARED:
        raise ScenarioError(f"a partition cannot be named {SHARED}: the common engines are")
    return partition


def _board(entry: _Table, domains: Mapping[str, float]) -> Board:
    board = Board(
        entry.text("name"),
        int(entry.number("engines", least=1, most=1024)),
        entry.size("memory", 0.0),
        entry.text("domain"),
    )
    entry.finish()
    if board.domain not in domains:
        raise ScenarioError(f"board {board.name} belongs to {board.domain}, and no partition has that name")
    return board


def _action(entry: _Table) -> Action:
    action = Action(
        at=entry.number("at"),
        move=entry.text("move", ""),
        to=entry.text("to", ""),
        fail=entry.text("fail", ""),
    )
    entry.finish()
    if bool(action.move) == bool(action.fail) or bool(action.move) != bool(action.to):
        raise ScenarioError(f'the action at {action.at:g} needs either "move" with "to", or "fail"')
    return action


def _kind(entry: _Table) -> Kind:
    kind = Kind(
        name=entry.text("name"),
        guests=int(entry.number("count", least=1, most=MOST)),
        burst=entry.number("burst_ms", least=1e-3) / 1e3,
        think=entry.number("think_ms", least=1e-3) / 1e3,
        weight=entry.number("weight", 128, least=1e-3),
        cap=entry.number("cap", 1.0, least=1e-3),
    )
    entry.finish()
    return kind


class _Table:
    """A table of the script: every value asked for once, typed, and nothing left over."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self._data = data
        self._where = where
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def text(self, name: str, default: str | None = None) -> str:
        value = self._get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise ScenarioError(f"{name} in {self._where} is not a text")
        return value

    def number(
        self, name: str, default: float | None = None, *, least: float = 0.0, most: float = math.inf
    ) -> float:
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ScenarioError(f"{name} in {self._where} is not a number")
        if not least <= value <= most:
            bound = f"at least {least:g}" if value < least else f"at most {most:g}"
            raise ScenarioError(f"{name} in {self._where} is {value:g}, and has to be {bound}")
        return float(value)

    def flag(self, name: str) -> bool | None:
        value = self._get(name, ...)
        if value is ...:
            return None
        if not isinstance(value, bool):
            raise ScenarioError(f"{name} in {self._where} is neither true nor false")
        return value

    def size(self, name: str, default: float) -> float:
        value = self._get(name, default)
        if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
            return float(match[1]) * float(1 << _POWER[match[2].upper()])
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ScenarioError(f"{name} in {self._where} is no size: write something like 8GiB")
        return float(value)

    def table(self, name: str) -> _Table:
        value = self._get(name, {})
        if not isinstance(value, dict):
            raise ScenarioError(f"{name} in {self._where} is no table")
        return _Table(value, f"{name} of {self._where}" if self._where != "the script" else f"[{name}]")

    def tables(self, name: str) -> list[_Table]:
        value = self._get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ScenarioError(f"{name} is written as [[{name}]], once for each")
        return [_Table(each, f"[[{name}]] {number}") for number, each in enumerate(value, 1)]

    def finish(self) -> None:
        """Raises ScenarioError for a name that nobody asked for."""
        unknown = sorted(set(self._data) - self._asked)
        if unknown:
            from difflib import get_close_matches

            near = get_close_matches(unknown[0], sorted(self._asked), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(self._asked))}"
            raise ScenarioError(f"{unknown[0]} in {self._where} is unknown: {hint}")

    def _get(self, name: str, default: object) -> object:
        self._asked.add(name)
        if name not in self._data and default is None:
            raise ScenarioError(f"{name} in {self._where} is missing")
        return self._data.get(name, default)
