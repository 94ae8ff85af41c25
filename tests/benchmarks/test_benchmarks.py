"""Medians of paired rounds, rows that are left out, and one short real run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import report
from benchmarks.measure import NotMeasured, Result, Sampler, in_turn

ROOT = Path(__file__).resolve().parents[2]


def _series(*values: float) -> Callable[[], float]:
    left = list(values)
    return lambda: left.pop(0)


def _refuses() -> float:
    raise NotMeasured("it is not there")


def test_ratios_are_taken_round_by_round() -> None:
    # The machine got ten times slower for a round: the ratios do not notice.
    samplers = [Sampler("native", _series(10, 100, 12)), Sampler("guise", _series(11, 110, 13.2))]
    native, guise = in_turn("b", "title", "ns", samplers, 3, frozenset())
    assert native.ratio == 1
    assert guise.ratio is not None
    assert abs(guise.ratio - 1.1) < 1e-9
    assert guise.median == 13.2
    assert guise.difference is not None
    assert abs(guise.difference - 1.2) < 1e-9
    assert guise.fastest_ratio is not None
    assert abs(guise.fastest_ratio - 1.1) < 1e-9


def test_slow_variants_take_part_in_three_rounds() -> None:
    samplers = [Sampler("native", _series(*[1.0] * 9)), Sampler("slow", _series(*[5.0] * 3))]
    results = in_turn("b", "title", "ns", samplers, 9, frozenset({"slow"}))
    assert [len(r.samples) for r in results] == [9, 3]


def test_what_cannot_be_measured_says_why() -> None:
    samplers = [Sampler("native", _series(1, 1)), Sampler("tool", _refuses)]
    _, tool = in_turn("b", "title", "ns", samplers, 2, frozenset())
    assert (tool.median, tool.ratio, tool.left_out) == (None, None, "it is not there")
    assert report.cells(tool) == ("tool", "", "", "it is not there", "")


def test_page_names_command_machine_and_missing_tools() -> None:
    results = [
        Result("b", "an operation", "native", "ns", [100.0], [1.0], [0.0], 1.0),
        Result("b", "an operation", "guise", "ns", [1234.0], [12.34], [1134.0], 11.5),
    ]
    machine = {"processor": "p", "processors": "2", "memory": "1 GiB", "kernel": "k", "system": "s"}
    run = report.Run(
        "python -m benchmarks", "2024-01-02", {**machine, "python": "3.11", "load": "0.1"}, 5, results,
        {"proot": "proot is not installed"},
    )  # fmt: skip
    page = report.as_markdown(run)
    assert "| Guise, engine native | 1,234 ns | +1,134 ns | 12.34 x | 11.50 x |" in page
    assert "`python -m benchmarks` on 2024-01-02" in page
    assert "no proot rows: proot is not installed" in page


def test_a_short_run(tmp_path: Path) -> None:
    words = ["--quick", "--rounds=1", "--no-tools", "--only=null_call", "--only=startup"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words, f"--json={tmp_path}/out.json"],
        cwd=ROOT, capture_output=True, text=True, timeout=280, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "null call (getppid)" in done.stdout
    results = json.loads((tmp_path / "out.json").read_text())["results"]
    assert all(r["left_out"] is None and r["median"] > 0 for r in results)
    assert {r["variant"] for r in results if r["benchmark"] == "null_call"} == {
        "native",
        "guise",
        "guise-ptrace",
    }
