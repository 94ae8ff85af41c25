"""What a comparison found, as values and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guise.compare.measure import FEW, Measured
from sandbox.style import Estimate, EventCost, Figure, Host, Workload


@dataclass(frozen=True)
class Compared:
    """One workload in every system.  `measured` is the zone's, with `why_not` where it could not be taken.

    `predicted` is what the model said of the zone, to be held against what was measured.
    """

    workload: Workload
    rows: tuple[Estimate, ...]
    predicted: Estimate | None
    measured: Measured | None
    why_not: str


@dataclass(frozen=True)
class Report:
    """All workloads on one host; `titles`, `hows` and `bases` (where the overhead is from) are by system."""

    host: Host
    workloads: tuple[Compared, ...]
    titles: dict[str, str]
    hows: dict[str, str]
    bases: dict[str, str]


def basis(row: Estimate, report: Report) -> str:
    """Where the overhead is from."""
    return "measured" if row.measured else report.bases[row.system]


def agreement(compared: Compared) -> str:
    """One sentence: the zone's model against the measurement."""
    if compared.measured is None or compared.predicted is None:
        return f"the zone's row is modelled: {compared.why_not}"
    measured, predicted = compared.measured, compared.predicted.overhead
    pairs = "1 pair" if measured.pairs == 1 else f"{measured.pairs} pairs"
    if measured.pairs < FEW:
        verdict = "too few runs to judge it by, --seconds gives time for more"
    else:
        within = abs(measured.overhead - predicted) <= max(measured.spread, 0.02)
        verdict = f"{'within' if within else 'outside of'} the spread of the runs, {measured.spread:.1%}"
    return (
        f"zone measured in {pairs} of runs: {measured.overhead:+.1%}; "
        f"the model says {predicted:+.1%}: {verdict}"
    )


def as_json(report: Report) -> dict[str, Any]:
    """Plain values; times in seconds, sizes in bytes, shares of one."""
    return {
        "host": {
            "name": report.host.name,
            "processors": report.host.processors,
            "memory": report.host.memory,
            "hertz": report.host.hertz,
        },
        "workloads": [_workload(each, report) for each in report.workloads],
    }


def _workload(compared: Compared, report: Report) -> dict[str, Any]:
    load = compared.workload
    measured = compared.measured
    return {
        "name": load.name,
        "origin": load.origin,
        "kernel": load.kernel,
        "seconds": {"elapsed": load.elapsed, "user": load.user, "system": load.system},
        "events": {str(event): count for event, count in load.events.items()},
        "not_counted": sorted(str(event) for event in load.uncounted),
        "working_set": load.working_set,
        "zone": {
            "measured": measured is not None,
            "why_not": compared.why_not,
            "overhead": measured.overhead if measured else None,
            "spread": measured.spread if measured else None,
            "pairs": measured.pairs if measured else 0,
            "predicted_overhead": compared.predicted.overhead if compared.predicted else None,
        },
        "systems": [_row(each, report) for each in compared.rows],
    }


def _row(row: Estimate, report: Report) -> dict[str, Any]:
    total = sum(event.seconds for event in row.events)
    count = sum(event.count for event in row.events)
    return {
        "system": row.system,
        "title": report.titles[row.system],
        "form": str(row.form),
        "measured": row.measured,
        "basis": basis(row, report),
        "overhead": row.overhead,
        "seconds": row.busy,
        "native_seconds": row.native,
        "events": [_event(event, count, total) for event in row.events],
        "memory_per_guest": _figure(row.footprint),
        "memory_once": _figure(row.fixed),
        "guests_that_fit": row.density.guests,
        "limit": row.density.limit,
        "isolation": row.isolation,
        "fault_domain": row.fault_domain,
        "heterogeneity": row.heterogeneity,
        "start": _figure(row.start),
        "migration": {
            "how": row.move.how,
            "seconds": row.move.seconds,
            "downtime": row.move.downtime,
            "bytes": row.move.bytes_sent,
        },
        "notes": list(row.notes),
    }


def _event(event: EventCost, count: float, total: float) -> dict[str, Any]:
    """The columns of `perf kvm stat`, and the reason."""
    return {
        "event": str(event.event),
        "samples": event.count,
        "samples_share": event.count / count if count else 0.0,
        "time_share": event.seconds / total if total else 0.0,
        "least": event.least,
        "most": event.most,
        "average": event.each,
        "reason": event.reason,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "unit": figure.unit, "label": str(figure.label), "source": figure.source}
