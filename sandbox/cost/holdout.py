"""The models against every published row: the error of each that was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from sandbox.cost import calibration, published


@dataclass(frozen=True)
class Row:
    """One benchmark on one system.  Errors are of the figure, relative: 0.1 is ten percent too high."""

    benchmark: str
    column: str
    unit: str
    measured: float
    predicted: float
    by_kappa: float
    fitted: bool

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1

    @property
    def factor(self) -> float:
        """How many times too high or too low, whichever it is."""
        return max(self.predicted / self.measured, self.measured / self.predicted)

    @property
    def kappa_error(self) -> float:
        return self.by_kappa / self.measured - 1


def rows() -> tuple[Row, ...]:
    """Every published row, the fitted ones marked."""
    fitted = published.load("sosp2003")["fitted"]
    return tuple(
        Row(
            benchmark=name,
            column=column,
            unit=row.unit,
            measured=row.figures[column],
            predicted=row.figure(calibration.stretch(row, column)),
            by_kappa=row.figure(calibration.kappa_stretch(row, column)),
            fitted=name == fitted,
        )
        for name, row in published.benchmarks().items()
        for column in published.COLUMNS
    )


@dataclass(frozen=True)
class Summary:
    """The errors of the held-out rows of one system, or of all."""

    column: str
    median: float
    kappa_median: float
    worst: Row


def summaries() -> tuple[Summary, ...]:
    """One for each system, then one for all."""
    held = [row for row in rows() if not row.fitted]
    groups = [(column, [row for row in held if row.column == column]) for column in published.COLUMNS]
    return tuple(
        Summary(
            column=column,
            median=median(abs(row.error) for row in group),
            kappa_median=median(abs(row.kappa_error) for row in group),
            worst=max(group, key=lambda row: row.factor),
        )
        for column, group in [*groups, ("all", held)]
    )
