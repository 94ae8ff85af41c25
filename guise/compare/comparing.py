"""Put workloads into systems: the models' answers, with the zone's row measured where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guise.compare.measure import Measured, NotMeasured, measure
from guise.compare.report import Compared, Report
from sandbox import systems
from sandbox.compare.density import density
from sandbox.compare.modelled import style
from sandbox.style import Estimate, Figure, Form, Host, Label, Workload
from sandbox.systems.model import System

ZONE = "zone"
_FORMS = (Form.ZONE, Form.MACHINE, Form.PARTITION)


def compare(
    workloads: Sequence[Workload], names: Sequence[str], host: Host, *, budget: float, why_not: str = ""
) -> Report:
    """`budget` seconds for each workload's measurement; with `why_not` nothing is run, and it says why.

    Raises NotInstalled where a simulator is missing.
    """
    ordered = sorted(names, key=lambda name: (_FORMS.index(systems.load(name).form), systems.load(name).year))
    return Report(
        host=host,
        workloads=tuple(_compare(load, ordered, host, budget, why_not) for load in workloads),
        titles={name: systems.load(name).title for name in names},
        hows={name: systems.load(name).how for name in names},
        bases={name: _basis(systems.load(name)) for name in names},
    )


_KINDS = {
    "fitted": "fitted",
    "cycles": "cost of an exit",
    "nanoseconds": "cost of a call",
    "stretch": "published stretch",
    "claim": "claim",
    "dispatch": "simulated",
    "dedicated": "claim",
    "none": "claim",
}


def _basis(system: System) -> str:
    """The kind of cost, and how far its numbers can be trusted."""
    kind, label = _KINDS[system.cost.kind], system.cost.label
    return kind if label in (Label.MODEL, kind) else f"{kind} ({label})"


def _compare(load: Workload, names: Sequence[str], host: Host, budget: float, why_not: str) -> Compared:
    rows = [style(name).estimate(load, host) for name in names]
    predicted = next((row for row in rows if row.system == ZONE), None)
    measured: Measured | None = None
    reason = why_not
    if predicted is not None and not reason and load.origin == "classic":
        reason = "a classic has no command that could be run here"
    if predicted is not None and not reason:
        try:
            measured = measure(load, budget)
        except NotMeasured as error:
            reason = str(error)
    if measured is not None and predicted is not None:
        rows[rows.index(predicted)] = _measured_row(predicted, measured, load, host)
    return Compared(load, tuple(rows), predicted, measured, reason)


def _measured_row(predicted: Estimate, measured: Measured, load: Workload, host: Host) -> Estimate:
    """The model's row with what was measured in the place of what was modelled or claimed."""
    start = measured.start
    source = f"measured here, {measured.pairs} pairs of runs"
    footprint = Figure(start.memory, "bytes", Label.MEASURED, "private memory of the zone's monitor and init")
    system = replace(systems.load(ZONE), guest_memory=footprint)
    return replace(
        predicted,
        native=measured.native,
        busy=measured.native * (1 + measured.overhead),
        footprint=footprint,
        start=Figure(start.seconds, "s", Label.MEASURED, "a program that does nothing, in a zone and not"),
        density=density(system, load, host, max(measured.overhead, 0.0)),
        measured=True,
        notes=(*predicted.notes, source),
    )


def together(reports: Sequence[Report]) -> Report:
    """Reports on the same host and systems as one.  Raises IndexError for none."""
    return replace(reports[0], workloads=tuple(each for report in reports for each in report.workloads))
