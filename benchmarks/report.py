"""The results as a table for the terminal, as JSON, and as the page that docs/ keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import BASELINE, Result

TITLES = {
    BASELINE: "native Linux",
    "guise": "Guise, engine native",
    "guise-ptrace": "Guise, engine ptrace",
    "guise-warm": "guise run, plan cached",
    "guise-ptrace-warm": "guise run --engine ptrace, plan cached",
    "guise-cold": "guise run, empty cache",
    "zone": "in a zone",
    "zone-guest": "in a zone, as guests of the Linux personality",
    "bwrap": "bwrap, Linux program",
    "strace": "strace -f -o /dev/null, Linux program",
    "proot": "proot, Linux program",
    "runsc": "gVisor (runsc do), Linux program",
}


@dataclass(frozen=True)
class Run:
    """One run of the benchmarks: how it was started, where and when, and what came out."""

    command: str
    date: str
    machine: dict[str, str]
    rounds: int
    results: list[Result]
    missing: dict[str, str]


def number(value: float) -> str:
    """Three significant digits, thousands with separators."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def title(result: Result) -> str:
    """What a row is called."""
    if result.benchmark == "startup" and result.variant == BASELINE:
        return "python3 -c pass"
    return TITLES.get(result.variant, result.variant)


def cells(result: Result) -> tuple[str, str, str, str, str]:
    """Row title, time, difference, ratio or the reason why there is none, ratio of the fastest samples."""
    if result.median is None:
        return title(result), "", "", result.left_out or "not measured", ""
    ratio = f"{result.ratio:.2f} x" if result.ratio is not None else ""
    more = ""
    if result.difference is not None and result.variant != BASELINE:
        sign = "-" if result.difference < 0 else "+"
        more = f"{sign}{number(abs(result.difference))} {result.unit}"
    fastest = f"{result.fastest_ratio:.2f} x" if result.fastest_ratio is not None else ""
    return title(result), f"{number(result.median)} {result.unit}", more, ratio, fastest


def grouped(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Results by benchmark, in the order they were taken."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.benchmark, []).append(result)
    return groups


def as_json(run: Run) -> dict[str, Any]:
    """Everything, samples included; times in each result's unit."""
    return {
        "format": 1,
        "command": run.command,
        "date": run.date,
        "machine": run.machine,
        "rounds": run.rounds,
        "not_installed": run.missing,
        "results": [
            {
                "benchmark": r.benchmark,
                "title": r.title,
                "variant": r.variant,
                "unit": r.unit,
                "median": r.median,
                "difference": r.difference,
                "ratio": r.ratio,
                "fastest_ratio": r.fastest_ratio,
                "samples": r.samples,
                "left_out": r.left_out,
            }
            for r in run.results
        ],
    }


def as_markdown(run: Run) -> str:
    """The page docs/results.md: written by this function, never by hand."""
    machine = run.machine
    lines = [
        "# Measured",
        "",
        f"Written by `{run.command}` on {run.date}: change nothing here by hand.",
        "",
        f"- machine: {machine['processors']} processors ({machine['processor']}), "
        f"{machine['memory']} memory, load {machine['load']} when it began",
        f"- system: {machine['system']}, {machine['kernel']}, Python {machine['python']}",
        f"- {run.rounds} rounds (3 for the slow rows); in each round every row is measured once, one after "
        "the other. Times are medians; differences and ratios are medians of the rounds' own, against the "
        "first row. `fastest` is the ratio of the fastest samples: interruptions only ever add.",
    ]
    lines += [f"- no {name} rows: {reason}" for name, reason in run.missing.items()]
    for results in grouped(run.results).values():
        lines += ["", f"## {results[0].title}", "", "| | time | difference | ratio | fastest |"]
        lines += ["|---|---:|---:|---:|---:|"]
        lines += [f"| {' | '.join(cells(result))} |" for result in results]
    return "\n".join(lines) + "\n"


def show(run: Run) -> None:
    """The table, on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Guise against native Linux, {run.date}")
    table.add_column("what")
    table.add_column("time", justify="right")
    table.add_column("difference", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("fastest", justify="right")
    for results in grouped(run.results).values():
        table.add_section()
        table.add_row(f"[bold]{results[0].title}[/bold]", "", "", "", "")
        for result in results:
            table.add_row(*cells(result))
    console = Console()
    console.print(table)
    for name, reason in run.missing.items():
        console.print(f"no {name} rows: {reason}")
