"""Published measurements, read from `published/*.toml`: what the models are fitted on and held against."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sandbox.style import Event

COLUMNS = ("xen", "vmware", "uml")


@cache
def load(name: str) -> dict[str, Any]:
    """One file of published figures."""
    text = resources.files("sandbox.cost").joinpath(f"published/{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Benchmark:
    """One row of Xen's comparison.  `figures` has native and each column; `seconds` is one native operation's
    processor time where the row is one operation, else None; `wire` the seconds that the wire takes for it.
    """

    name: str
    unit: str
    more_is_better: bool
    figures: Mapping[str, float]
    workload: str
    events: Mapping[Event, float]
    seconds: float | None
    wire: float

    def stretch(self, column: str) -> float:
        """How many times as long it takes as natively."""
        native, other = self.figures["native"], self.figures[column]
        return native / other if self.more_is_better else other / native

    def figure(self, stretch: float) -> float:
        """The figure that such a stretch means."""
        native = self.figures["native"]
        return native / stretch if self.more_is_better else native * stretch


@cache
def benchmarks() -> Mapping[str, Benchmark]:
    """The rows of Xen, SOSP 2003, by name."""
    return {name: _benchmark(name, row) for name, row in load("sosp2003")["rows"].items()}


def _benchmark(name: str, row: dict[str, Any]) -> Benchmark:
    single = row["unit"] == "us" or "microseconds" in row
    return Benchmark(
        name=name,
        unit=row["unit"],
        more_is_better=row["better"] == "more",
        figures={key: float(row[key]) for key in ("native", *COLUMNS)},
        workload=row.get("workload", ""),
        events={Event(event): float(count) for event, count in row.get("events", {}).items()},
        seconds=row.get("microseconds", row["native"]) * 1e-6 if single else None,
        wire=row.get("wire", 0.0) * 1e-6,
    )
