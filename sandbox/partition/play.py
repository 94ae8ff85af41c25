"""Carry a script out: simulate, move boards and let parts fail at their times, and say who survived."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.partition import faults
from sandbox.partition.complex import Complex
from sandbox.partition.dispatcher import Dispatcher
from sandbox.partition.domain import Domain, DomainOutcome
from sandbox.partition.model import SHARED, Outcome
from sandbox.partition.scenario import Action, Scenario
from sandbox.style import RuleError
from sandbox.systems.model import Scope


@dataclass(frozen=True)
class Played:
    """The outcome, what happened when, and the bursts that each partition finished after the last fault."""

    outcome: Outcome
    log: tuple[tuple[float, str], ...]
    after: dict[str, int]


def play(scenario: Scenario) -> Played:
    """Raises RuleError where the script asks for what the system cannot do, and NotInstalled."""
    return _Player(scenario).play()


def play_domain(scenario: Scenario) -> DomainOutcome:
    """Thousands of guests.  Raises NotInstalled."""
    return Domain(scenario.hardware.count, scenario.kinds, scenario.costs, scenario.seed).run(
        scenario.seconds
    )


class _Player:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._log: list[tuple[float, str]] = []
        self._dispatcher = Dispatcher(scenario.hardware, scenario.seed)
        self._owners: dict[str, str] = {}
        self._complex: Complex | None = None
        if scenario.boards:
            self._complex = Complex(
                scenario.system, list(scenario.boards), dict(scenario.memory), self._dispatcher, self._log
            )
        else:
            self._add_engines()
        for partition in scenario.partitions:
            own = partition.dedicated or self._complex is not None
            self._dispatcher.add(partition, partition.name if own else SHARED)

    def play(self) -> Played:
        scenario, dispatcher = self._scenario, self._dispatcher
        marks = dict.fromkeys(dispatcher.usage, 0)
        for action in scenario.actions:
            if action.at >= scenario.seconds:
                raise RuleError(f"the action at {action.at:g} comes after the end, at {scenario.seconds:g}")
            if action.at > dispatcher.environment.now:
                dispatcher.run(action.at)
            if action.move:
                self._move(action)
            else:
                self._fail(action)
                marks = {name: usage.bursts for name, usage in dispatcher.usage.items()}
        outcome = dispatcher.run(scenario.seconds)
        after = {name: usage.bursts - marks[name] for name, usage in outcome.usage.items()}
        return Played(outcome, tuple(self._log), after)

    def _add_engines(self) -> None:
        """Dedicated partitions own theirs, the rest is shared."""
        scenario = self._scenario
        owned = sum(each.processors for each in scenario.partitions if each.dedicated)
        shared = scenario.hardware.count - owned
        wanted = any(not each.dedicated for each in scenario.partitions)
        if shared < 0 or (wanted and not shared):
            raise RuleError(
                f"{scenario.system.title}: {owned} engines are dedicated of {scenario.hardware.count}: "
                "too few are there for the partitions"
            )
        for _ in range(shared):
            self._dispatcher.add_engine()
        for partition in scenario.partitions:
            for _ in range(partition.processors if partition.dedicated else 0):
                engine = self._dispatcher.add_engine(partition.name)
                self._owners[f"engine {engine.number}"] = partition.name

    def _move(self, action: Action) -> None:
        if self._complex is None:
            raise RuleError(f"{self._scenario.system.title}: there are no boards to move")
        self._complex.move(action.move, action.to)

    def _fail(self, action: Action) -> None:
        system, dispatcher = self._scenario.system, self._dispatcher
        part, instance = _split(action.fail, system.parts)
        owners = self._complex.owners() if self._complex else self._owners
        domains = list(dispatcher.usage)
        stopped = faults.victims(system, part, instance, owners, domains)
        if part == "board" and self._complex is not None:
            self._complex.fail(instance)
        if part == "engine":
            self._lose_engine(instance)
        for name in stopped:
            dispatcher.stop(name)
        who = ", ".join(stopped) if stopped else "nobody"
        self._log.append((dispatcher.environment.now, f"{action.fail} fails: {who} stops"))

    def _lose_engine(self, instance: str) -> None:
        """A spare takes its place where the system has one; otherwise it is gone."""
        engines = {str(engine.number): engine for engine in self._dispatcher.engines}
        if instance not in engines:
            raise RuleError(f"there is no engine {instance}: they are numbered from 0 to {len(engines) - 1}")
        engine = engines[instance]
        self._dispatcher.withdraw(engine)
        if self._scenario.system.parts.get("engine") is Scope.SPARED:
            self._dispatcher.add_engine(engine.pool, engine.board)


def _split(words: str, parts: object) -> tuple[str, str]:
    """ "guest kernel prod" is the part "guest kernel" of prod."""
    assert isinstance(parts, dict)
    for part in sorted(parts, key=len, reverse=True):
        if words == part or words.startswith(part + " "):
            return part, words[len(part) :].strip()
    first, _, rest = words.partition(" ")
    return first, rest.strip()
