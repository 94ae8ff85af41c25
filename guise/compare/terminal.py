"""A comparison for people: tables in the terminal, plain columns in a pipe."""

from __future__ import annotations

from guise.compare.report import Report, agreement, basis
from guise.output import print_table, size
from sandbox.style import Estimate, Event, EventCost, Workload

PERF_COLUMNS = ("event", "samples", "samples%", "time%", "min time", "max time", "avg time", "why")


def show(report: Report, detailed: tuple[str, ...]) -> None:
    """Everything about each workload, then what does not depend on it; `detailed` systems event by event."""
    host = report.host
    print(
        f"{host.name}: {host.processors} processors at {host.hertz / 1e9:.2f} GHz, "
        f"{size(host.memory)} of memory"
    )
    for compared in report.workloads:
        print()
        print(headline(compared.workload))
        print_table(
            (
                "style",
                "system",
                "overhead",
                "basis",
                "most of it",
                "memory/guest",
                "fit",
                "stopped by",
                "moves",
            ),
            (_row(row, report) for row in compared.rows),
        )
        print(agreement(compared))
        if any(row.notes and not row.measured for row in compared.rows):
            print("* not as it is: `--events SYSTEM` says why; the cost is that of a program built for it")
        for row in compared.rows:
            if row.system in detailed:
                print()
                print(f"{report.titles[row.system]}: {report.hows[row.system]}")
                print_table(PERF_COLUMNS, perf_rows(row))
                for note in row.notes:
                    print(f"  {note}")
    print()
    print_table(
        ("system", "what fails together", "runs", "starts in"),
        (
            (
                report.titles[row.system],
                row.fault_domain,
                row.heterogeneity,
                f"{seconds(row.start.value)} ({row.start.label})",
            )
            for row in (report.workloads[0].rows if report.workloads else ())
        ),
    )
    print(
        "`--events SYSTEM` shows where the overhead comes from, `--html FILE` and `--json` show everything."
    )


def headline(load: Workload) -> str:
    """One line: what the workload is."""
    parts = [
        f"{count:,.0f} {plural(event)}"
        for event, count in sorted(load.events.items(), key=lambda each: -each[1])
    ]
    missing = f"; not counted: {', '.join(sorted(load.uncounted))}" if load.uncounted else ""
    return (
        f"{load.name} ({load.origin}, {load.kernel}): {load.busy:.2f} s of processor time, "
        f"{load.system:.2f} s of it in the kernel, {size(load.working_set)}; {', '.join(parts[:5])}{missing}"
    )


def perf_rows(row: Estimate) -> list[tuple[str, ...]]:
    """The columns of `perf kvm stat`, the dearest event first."""
    samples = sum(event.count for event in row.events)
    total = sum(event.seconds for event in row.events)
    return [
        (
            str(event.event),
            f"{event.count:,.0f}",
            f"{event.count / samples:.1%}",
            f"{event.seconds / total:.1%}" if total else "-",
            seconds(event.least),
            seconds(event.most),
            seconds(event.each),
            event.reason,
        )
        for event in sorted(row.events, key=lambda each: -each.seconds)
    ]


def most_of_it(row: Estimate) -> str:
    """The dearest class of events and its share of the overhead."""
    if not row.events:
        return "nothing is emulated"
    total = sum(event.seconds for event in row.events)
    worst: EventCost = max(row.events, key=lambda each: each.seconds)
    return f"{plural(worst.event)} {worst.seconds / total:.0%}" if total else "-"


def plural(event: Event) -> str:
    """The class of events as people name many of them."""
    return f"{event}es" if event.endswith("ch") else f"{event}s"


def seconds(value: float) -> str:
    """A time as people write it."""
    for limit, factor, unit in ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"


def moves(row: Estimate) -> str:
    """How it can be moved, in a few words."""
    if row.move.seconds is None or row.move.downtime is None:
        return row.move.how.partition(":")[0]
    return f"live, {seconds(row.move.seconds)}, down {seconds(row.move.downtime)}"


def _row(row: Estimate, report: Report) -> tuple[str, ...]:
    built = "*" if row.notes and not row.measured else ""
    return (
        str(row.form),
        report.titles[row.system] + built,
        f"{row.overhead:+.1%}",
        basis(row, report),
        most_of_it(row),
        size(int(row.footprint.value)),
        f"{row.density.guests:,}",
        row.density.limit,
        moves(row),
    )
