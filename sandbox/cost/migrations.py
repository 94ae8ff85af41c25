"""The pre-copy model against the migrations that NSDI 2005 published.

One row is fitted on, the web server: how fast its hot pages are written again (from its total time), and the
part of the downtime that does not depend on what is left (from its downtime).  Both are
kept for the other rows, whose memory and hot sets are inputs; total time, bytes and downtime are held out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from sandbox.cost import published
from sandbox.migration import HotSet, Migration, Policy, migrate

QUANTITIES = ("seconds", "bytes", "downtime", "last")


@dataclass(frozen=True)
class Cell:
    """One published figure of one migration, and the model's.  `role` is held out, fitted or input."""

    row: str
    quantity: str
    measured: float
    predicted: float
    role: str

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1


def policy() -> Policy:
    """The paper's policy."""
    data = published.load("nsdi2005")["policy"]
    return Policy(least=data["least"], most=data["most"], step=data["step"], enough=data["enough"])


def _rows() -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = published.load("nsdi2005")["rows"]
    return rows


@cache
def fitted() -> tuple[float, float]:
    """Seconds in which a hot set is written once over, and seconds of pause: from the web server alone."""
    row = next(row for row in _rows().values() if row.get("fitted"))

    def run(period: float) -> Migration:
        return migrate(row["memory"], HotSet(row["hot"], row["hot"] / period), policy())

    period = _least_wrong(lambda period: abs(run(period).seconds - row["seconds"]), 0.01, 100.0)
    return period, max(0.0, row["downtime"] - run(period).downtime)


def model(name: str) -> Migration:
    """The migration of one published row as the model has it."""
    row = _rows()[name]
    period, pause = fitted()
    hot = float(row["hot"]) if "hot" in row else _hot_for(row["memory"], row["last"], period)
    rate = float(row.get("rewrites_at", hot / period))
    return migrate(row["memory"], HotSet(hot, rate), policy(), pause)


def cells() -> tuple[Cell, ...]:
    """Every published figure beside the model's."""
    table = []
    for name, row in _rows().items():
        moved = model(name)
        values = {
            "seconds": moved.seconds, "bytes": moved.sent, "downtime": moved.downtime, "last": moved.last,
        }  # fmt: skip
        for quantity in QUANTITIES:
            if quantity in row:
                table.append(Cell(name, quantity, row[quantity], values[quantity], _role(row, quantity)))
    return tuple(table)


def _role(row: dict[str, Any], quantity: str) -> str:
    if row.get("fitted"):
        return "fitted"
    return "input" if quantity == "last" and "hot" not in row else "held out"


def _hot_for(memory: float, last: float, period: float) -> float:
    """The hot set that leaves as near as possible to so much for the end."""

    def wrong(hot: float) -> float:
        left: float = migrate(memory, HotSet(hot, hot / period), policy()).last
        return abs(left - last)

    return _least_wrong(wrong, memory / 1000, memory)


def _least_wrong(wrong: Callable[[float], float], low: float, high: float) -> float:
    """The best of a geometric grid, refined: the policy's thresholds make the function jump."""
    for _ in range(4):
        ratio: float = (high / low) ** (1 / 40)
        best: float = min((low * ratio**step for step in range(41)), key=wrong)
        low, high = best / ratio, best * ratio
    return best


@dataclass(frozen=True)
class Summary:
    """The held-out figures: median error and the worst."""

    median: float
    worst: Cell


def summary() -> Summary:
    """Over all held-out figures of all migrations."""
    held = [cell for cell in cells() if cell.role == "held out"]
    return Summary(median(abs(cell.error) for cell in held), max(held, key=lambda cell: abs(cell.error)))
