"""Adams and Agesen's nanobenchmarks: entries into the monitor, counted, times the cost of one.

Hardware: one exit costs what Agesen measured in 2012 on the same processor family (Prescott), so no row is
fitted.  Software: the cost of one entry is fitted on the system call alone.  Every other row is held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from sandbox.cost import published

COLUMNS = ("software", "hardware")


@dataclass(frozen=True)
class Row:
    """Cycles of one operation on one monitor."""

    name: str
    column: str
    measured: float
    predicted: float
    fitted: bool
    how: str

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1


@dataclass(frozen=True)
class Summary:
    """Of the held-out rows."""

    median: float
    worst: Row


def _data() -> dict[str, Any]:
    return published.load("adams_agesen2006")


def entry_cost(column: str) -> float:
    """Cycles of one entry into the monitor."""
    if column == "hardware":
        return float(published.load("agesen2012")["round_trip"]["Prescott"])
    row = _data()["rows"][_data()["fitted"][column]]
    return float((row[column] - row["native"]) / row["entries"][column])


def rows() -> tuple[Row, ...]:
    """The six operations, then a fork made of them."""
    table = []
    for column in COLUMNS:
        for name, row in _data()["rows"].items():
            native = 0 if column in row.get("virtual", ()) else row["native"]
            entries = row["entries"][column]
            table.append(
                Row(
                    name,
                    column,
                    row[column],
                    native + entries * entry_cost(column),
                    name == _data()["fitted"].get(column),
                    f"{native} + {entries:g} x {entry_cost(column):,.0f}",
                )
            )
        table.append(_forkwait(column))
    return tuple(table)


def _forkwait(column: str) -> Row:
    fork = _data()["forkwait"]
    cycles = _data()["hertz"] / fork["rounds"]
    operations = _data()["rows"]
    entries = sum(count * operations[name]["entries"][column] for name, count in fork["of"].items())
    native = fork["native"] * cycles
    return Row(
        "forkwait",
        column,
        fork[column] * cycles,
        native + entries * entry_cost(column),
        False,
        f"{native:,.0f} + {entries:.0f} x {entry_cost(column):,.0f}",
    )


def summary() -> Summary:
    """Median and worst over the rows that were not fitted on."""
    held = [row for row in rows() if not row.fitted]
    return Summary(median(abs(row.error) for row in held), max(held, key=lambda row: abs(row.error)))
