"""A computer of boards: which domain owns which, and how one moves while both domains run.

The memory that the domain uses on the board is copied to its other boards while everything goes on; then
the board's engines leave, the board is tested, and its engines join the other domain.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.partition.dispatcher import Dispatcher, Engine
from sandbox.style import RuleError
from sandbox.systems.model import System

if TYPE_CHECKING:
    import simpy


@dataclass
class Board:
    """`engines` and `memory` bytes; `domain` owns it, nobody while it moves."""

    name: str
    engines: int
    memory: float
    domain: str


class Complex:
    """The boards of one simulation, and a log of what happened to them."""

    def __init__(
        self,
        system: System,
        boards: list[Board],
        memory: dict[str, float],
        dispatcher: Dispatcher,
        log: list[tuple[float, str]],
    ) -> None:
        self._system = system
        self._memory = memory
        self._dispatcher = dispatcher
        self._log = log
        self.boards = {board.name: board for board in boards}
        self._engines: dict[str, list[Engine]] = {
            board.name: [dispatcher.add_engine(board.domain, board.name) for _ in range(board.engines)]
            for board in boards
        }
        for domain in memory:
            self._check_room(domain, without=None)

    def move(self, name: str, to: str) -> None:
        """Begin to move a board.  Raises RuleError where it cannot leave or go there."""
        board = self._board(name)
        rule = self._system.boards
        if rule is None or not rule.moves:
            why = f"{rule.text} ({rule.source}; {rule.label})" if rule else "it has no boards of domains"
            raise RuleError(f"{self._system.title}: board {name} cannot move: {why}")
        if to not in self._memory:
            raise RuleError(f"{self._system.title}: board {name} cannot move: there is no domain {to}")
        if not board.domain:
            raise RuleError(f"{self._system.title}: board {name} is on its way already")
        if board.domain == to:
            raise RuleError(f"{self._system.title}: board {name} is in {to} already")
        self._check_room(board.domain, without=board)
        self._dispatcher.environment.process(self._moving(board, to))

    def fail(self, name: str) -> None:
        """The board's engines stop."""
        for engine in self._engines[self._board(name).name]:
            self._dispatcher.withdraw(engine)

    def owners(self) -> dict[str, str]:
        """Who owns what, for `faults.victims`."""
        found = {f"board {board.name}": board.domain for board in self.boards.values()}
        for name, engines in self._engines.items():
            found |= {f"engine {engine.number}": self.boards[name].domain for engine in engines}
        return found

    def _board(self, name: str) -> Board:
        if name not in self.boards:
            raise RuleError(f"there is no board {name}: there are {', '.join(self.boards)}")
        return self.boards[name]

    def _check_room(self, domain: str, without: Board | None) -> None:
        left = [board for board in self.boards.values() if board.domain == domain and board is not without]
        room = sum(board.memory for board in left)
        what = f"board {without.name} cannot leave {domain}" if without else f"{domain} cannot start"
        if not left:
            raise RuleError(f"{self._system.title}: {what}: it would have no board")
        if room < self._memory[domain]:
            raise RuleError(
                f"{self._system.title}: {what}: it uses {self._memory[domain] / 2**30:.1f} GiB and "
                f"would have {room / 2**30:.1f} GiB"
            )

    def _moving(self, board: Board, to: str) -> Generator[simpy.Event, Any, None]:
        rule = self._system.boards
        assert rule is not None
        environment = self._dispatcher.environment
        source = board.domain
        owned = sum(each.memory for each in self.boards.values() if each.domain == source)
        used = self._memory[source] * board.memory / owned
        self._log.append(
            (environment.now, f"board {board.name} leaves {source}: {used / 2**20:.0f} MiB are copied")
        )
        board.domain = ""
        yield environment.timeout(used / rule.copy)
        for engine in self._engines[board.name]:
            self._dispatcher.withdraw(engine)
        self._log.append((environment.now, f"board {board.name} has left {source} and is tested"))
        yield environment.timeout(rule.test)
        if self._dispatcher.usage[to].stopped is not None:
            self._log.append((environment.now, f"board {board.name} stays out: {to} has stopped"))
            return
        board.domain = to
        for engine in self._engines[board.name]:
            engine.pool = to
            self._dispatcher.start(engine)
        self._log.append((environment.now, f"board {board.name} is in {to}"))
