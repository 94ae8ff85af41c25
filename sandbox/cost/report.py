"""The tables of docs/styles-compared.md: every published figure beside the models' answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandbox.cost import calibration, holdout, migrations, nanobenchmarks, published

BEGIN = "<!-- tables: written by python -m sandbox.cost --write docs/styles-compared.md -->"
END = "<!-- end of tables -->"


def text() -> str:
    """All tables, in Markdown."""
    return "\n\n".join((_fitted(), _held_out(), _summary(), _migrations(), _nanobenchmarks())) + "\n"


def _fitted() -> str:
    hertz = published.load("sosp2003")["hertz"]
    rows = [
        (
            column,
            f"{calibration.unit(column) * 1e6:.2f}",
            f"{calibration.unit(column) * hertz:,.0f}",
            f"{calibration.kappa(column):.1f}",
        )
        for column in published.COLUMNS
    ]
    return "Fitted on the Linux build alone:\n\n" + _table(
        ("system", "one crossing, us", "cycles", "kappa of the simpler model"), rows
    )


def _held_out() -> str:
    rows = [
        (
            row.benchmark,
            row.column,
            row.unit,
            f"{row.measured:,.5g}",
            f"{row.predicted:,.4g}",
            "fitted" if row.fitted else _percent(row.error),
            f"{row.by_kappa:,.4g}",
            "fitted" if row.fitted else _percent(row.kappa_error),
        )
        for row in holdout.rows()
    ]
    return "Xen, SOSP 2003, every row:\n\n" + _table(
        ("benchmark", "system", "unit", "published", "events", "error", "kappa", "error"), rows
    )


def _summary() -> str:
    rows = [
        (
            each.column,
            f"{each.median:.1%}",
            f"{each.kappa_median:.1%}",
            f"{each.worst.benchmark} on {each.worst.column}",
            f"{each.worst.predicted:,.4g} instead of {each.worst.measured:,.5g} {each.worst.unit}",
        )
        for each in holdout.summaries()
    ]
    return "Held-out rows only:\n\n" + _table(
        ("system", "median error", "kappa's median error", "worst row", "there"), rows
    )


def _migrations() -> str:
    rows = [
        (
            cell.row,
            cell.quantity,
            _quantity(cell.quantity, cell.measured),
            _quantity(cell.quantity, cell.predicted),
            _percent(cell.error) if cell.role == "held out" else cell.role,
        )
        for cell in migrations.cells()
    ]
    period, pause = migrations.fitted()
    done = migrations.summary()
    return (
        "Live migration, NSDI 2005.  Fitted on the web server alone: a hot set is written over in "
        f"{period:.2f} s, and {pause * 1000:.0f} ms of the downtime do not depend on what is left:\n\n"
        + _table(("migration", "figure", "published", "model", "error"), rows)
        + f"\n\nMedian error of the held-out figures {done.median:.0%}; the worst is the "
        f"{done.worst.quantity} of {done.worst.row}, {_percent(done.worst.error)}."
    )


def _nanobenchmarks() -> str:
    rows = [
        (
            row.name,
            row.column,
            f"{row.measured:,.0f}",
            f"{row.predicted:,.0f}",
            "fitted" if row.fitted else _percent(row.error),
            row.how,
        )
        for row in nanobenchmarks.rows()
    ]
    done = nanobenchmarks.summary()
    return (
        "Adams and Agesen, ASPLOS 2006, cycles:\n\n"
        + _table(("nanobenchmark", "monitor", "published", "model", "error", "how"), rows)
        + f"\n\nMedian error of the held-out rows {done.median:.0%}; the worst is {done.worst.name} on "
        f"{done.worst.column}, {_percent(done.worst.error)}."
    )


def _quantity(name: str, value: float) -> str:
    return f"{value / 1e6:,.4g} MB" if name in ("bytes", "last") else f"{value:,.3g} s"


def _percent(error: float) -> str:
    return f"{error:+.1%}" if abs(error) < 0.1 else f"{error:+.0%}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
