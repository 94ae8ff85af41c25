"""The few numbers that README.md shows: taken from docs/results.json, so that they cannot drift apart."""

from __future__ import annotations

from typing import Any

from benchmarks.report import number

BEGIN, END = "<!-- measured: written by python -m benchmarks --save -->\n", "<!-- end of measured -->\n"


def table(data: dict[str, Any]) -> str:
    """Both engines against native Linux, one line per benchmark, from what `--json` wrote."""
    machine = data["machine"]
    lines = [
        f"Against native Linux in one run ({data['date']}, {machine['processors']} processors, "
        f"{machine['processor']}, {machine['kernel']}, load {machine['load']}; all of it in "
        "[docs/results.md](docs/results.md)):",
        "",
        "| | native Linux | engine native | engine ptrace |",
        "|---|---:|---:|---:|",
    ]
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for result in data["results"]:
        rows.setdefault(result["benchmark"], {})[result["variant"]] = result
    for name, row in rows.items():
        if name == "startup":
            native, guise, ptrace = row.get("native"), row.get("guise-warm"), row.get("guise-ptrace-warm")
        else:
            native, guise, ptrace = row.get("native"), row.get("guise"), row.get("guise-ptrace")
        if native is None or guise is None:
            continue
        title = native["title"].removesuffix("; wall time, output identical")
        lines.append(f"| {title} | {_time(native)} | {_ratio(guise)} | {_ratio(ptrace)} |")
    return "\n".join(lines) + "\n"


def _time(result: dict[str, Any]) -> str:
    return f"{number(result['median'])} {result['unit']}" if result["median"] is not None else "not measured"


def _ratio(result: dict[str, Any] | None) -> str:
    if result is None or result["ratio"] is None:
        return "not measured"
    sign = "-" if result["difference"] < 0 else "+"
    return f"{result['ratio']:.2f} x ({sign}{number(abs(result['difference']))} {result['unit']})"


def insert(page: str, data: dict[str, Any]) -> str:
    """The page with its block replaced.  Raises ValueError when it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no block for the measured numbers")
    return before + begin + "\n" + table(data) + "\n" + end + after
