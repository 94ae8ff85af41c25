"""The report as one HTML page that needs nothing else: tables, and charts as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from guise.compare import charts
from guise.compare.report import Compared, Report, agreement, basis
from guise.compare.terminal import PERF_COLUMNS, headline, most_of_it, moves, perf_rows, seconds
from guise.output import size
from sandbox.style import Estimate

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --line: #ccc; --soft: #f3f3f0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --paper: #191919; --line: #444; --soft: #242424; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem;
       margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .87rem; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
tr.measured td { background: var(--soft); font-weight: 600; }
svg { width: 100%; max-width: 60rem; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .label { text-anchor: end; }
svg .tick { text-anchor: middle; font-size: 11px; }
svg .grid { stroke: var(--line); }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
details { margin: .3rem 0; } summary { cursor: pointer; }
.note { color: #a15c00; } .quiet { opacity: .75; font-size: .9em; }
"""


def page(report: Report) -> str:
    """The whole document."""
    host = report.host
    about = f"{host.processors} processors at {host.hertz / 1e9:.2f} GHz, {size(host.memory)} of memory"
    body = "\n".join(_workload(compared, report) for compared in report.workloads)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Three styles of virtualization compared</title><style>{_STYLE}</style></head><body>
<h1>Three styles of virtualization compared</h1>
<p>{escape(host.name.capitalize())}: {escape(about)}. The zone's row is measured where that was possible; the
others are models, whose errors against published measurements stand in docs/styles-compared.md.</p>
{body}
{_systems(report)}
</body></html>
"""


def _workload(compared: Compared, report: Report) -> str:
    rows = compared.rows
    names = [str(event.event) for row in rows for event in row.events]
    overheads = [
        charts.Bar(
            report.titles[row.system],
            [(str(event.event), event.seconds / row.native * 100) for event in row.events]
            if not row.measured
            else [("measured", max(row.overhead, 0.0) * 100)],
            f"{row.overhead:+.1%}{' measured' if row.measured else ''}",
        )
        for row in rows
    ]
    densities = [
        charts.Bar(
            report.titles[row.system], [("guests", float(row.density.guests))], f"{row.density.guests:,}"
        )
        for row in rows
    ]
    return f"""<h2>{escape(compared.workload.name)}</h2>
<p>{escape(headline(compared.workload))}.</p>
<p><strong>{escape(_sentence(agreement(compared)))}</strong></p>
<h3>Overhead, percent of the native processor time</h3>
{charts.bars("Overhead by system", overheads, "percent")}
{charts.legend(list(dict.fromkeys(names)))}
<h3>How many fit on this host</h3>
{charts.bars("Guests that fit", densities, "guests", least_tick=1)}
{
        _table(
            (
                "style",
                "system",
                "overhead",
                "basis",
                "most of it",
                "memory per guest",
                "fit here",
                "stopped by",
                "moves",
            ),
            (_row(row, report) for row in rows),
            [row.measured for row in rows],
            numbers=(2, 5, 6),
        )
    }
<h3>Where it comes from</h3>
{"".join(_details(row, report) for row in rows)}"""


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def _row(row: Estimate, report: Report) -> Sequence[str]:
    return (
        str(row.form),
        report.titles[row.system],
        f"{row.overhead:+.1%}",
        basis(row, report),
        most_of_it(row),
        f"{size(int(row.footprint.value))} ({row.footprint.label})",
        f"{row.density.guests:,}",
        row.density.limit,
        moves(row),
    )


def _details(row: Estimate, report: Report) -> str:
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in row.notes)
    table = _table(PERF_COLUMNS, perf_rows(row), numbers=(1, 2, 3, 4, 5, 6)) if row.events else ""
    return (
        f"<details><summary>{escape(report.titles[row.system])}: {escape(report.hows[row.system])}</summary>"
        f"{notes}{table}<p class=quiet>Memory: {escape(row.footprint.source)} ({row.footprint.label}).</p>"
        "</details>"
    )


def _systems(report: Report) -> str:
    if not report.workloads:
        return ""
    rows = (
        (
            report.titles[row.system],
            row.isolation,
            row.fault_domain,
            row.heterogeneity,
            f"{seconds(row.start.value)} ({row.start.label})",
        )
        for row in report.workloads[0].rows
    )
    columns = ("system", "isolation", "what fails together", "runs", "starts in")
    return f"<h2>What does not depend on the workload</h2>{_table(columns, rows)}"


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    measured: Sequence[bool] = (),
    numbers: Sequence[int] = (),
) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = []
    for at, row in enumerate(rows):
        kind = ' class="measured"' if at < len(measured) and measured[at] else ""
        cells = "".join(
            f'<td class="n">{escape(cell)}</td>' if number in numbers else f"<td>{escape(cell)}</td>"
            for number, cell in enumerate(row)
        )
        lines.append(f"<tr{kind}>{cells}</tr>")
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(lines)}</table></div>'
