"""`python -m benchmarks`: measure, show a table, and write JSON or the page that docs/ keeps."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import application, machine, operations, report, startup, summary, zone_work
from benchmarks.measure import NotMeasured, Result
from benchmarks.variants import ROOT, Variant, available

NAMES = (application.NAME, *operations.OPERATIONS, startup.NAME, zone_work.NAME)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 short rounds: a look, not a result")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, help="rounds to measure (15; 3 with --quick)")
    parser.add_argument("--no-tools", action="store_true", help="leave strace, proot, runsc and bwrap out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write docs/results.md or the like")
    parser.add_argument(
        "--save", action="store_true", help="write docs/results.md, docs/results.json and README.md's numbers"
    )
    return parser


def _one(name: str, variants: list[Variant], rounds: int, quick: bool, folder: Path) -> list[Result]:
    try:
        if name == application.NAME:
            return application.measure(variants, rounds, folder)
        if name == startup.NAME:
            return startup.measure(rounds, folder)
        if name == zone_work.NAME:
            return zone_work.measure((rounds + 2) // 3, folder)
        return operations.measure(name, variants, rounds, 20 if quick else 100, folder)
    except NotMeasured as error:
        title = operations.OPERATIONS.get(name, name)
        return [Result(name, title, "native", "", left_out=str(error))]


def _command(options: argparse.Namespace) -> str:
    """The command line again, without where the results went."""
    words = ["python -m benchmarks"]
    words += ["--quick"] if options.quick else []
    words += [f"--rounds {options.rounds}"] if options.rounds else []
    words += ["--no-tools"] if options.no_tools else []
    return " ".join(words + [f"--only {name}" for name in options.only or []])


def _save(run: report.Run) -> None:
    data = report.as_json(run)
    (ROOT / "docs" / "results.json").write_text(json.dumps(data, indent=1) + "\n")
    (ROOT / "docs" / "results.md").write_text(report.as_markdown(run))
    readme = ROOT / "README.md"
    readme.write_text(summary.insert(readme.read_text(), data))


def main(words: list[str] | None = None) -> int:
    """The exit status: 1 when a Guise row could not be measured."""
    options = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what was made is removed
    rounds = options.rounds or (3 if options.quick else 15)
    host = machine.describe()
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    variants, missing = available()
    if options.no_tools:
        variants = [v for v in variants if v.name.startswith(("native", "guise"))]
        missing = {}
    results: list[Result] = []
    # Inside the tree: a tool that shows its program another /tmp still finds it.
    build = ROOT / "build" / "benchmarks"
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=build) as folder:
        for name in options.only or NAMES:
            print(f"measuring {name}", file=sys.stderr, flush=True)
            results += _one(name, variants, rounds, options.quick, Path(folder))
    run = report.Run(_command(options), date, host, rounds, results, missing)
    report.show(run)
    if options.save:
        _save(run)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(run), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(report.as_markdown(run))
    return int(any(r.left_out and r.variant.startswith("guise") for r in results))


if __name__ == "__main__":
    sys.exit(main())
