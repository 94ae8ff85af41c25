"""What tracing costs: `python -m benchmarks.tracing`, in one run beside strace.

One cheap call, traced and not, and esbuild's FreeBSD build bundling a project.  Times are in turn, so that
what disturbs the machine disturbs all of them; CPU time beside the clock where the machine is busy.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import application, machine, operations
from benchmarks.measure import BASELINE, NotMeasured, Result
from benchmarks.variants import ROOT, Variant, run

_RESULTS = f"--rw={ROOT / 'build' / 'benchmarks'}"  # beside the project that a program works in
_TRACE = (sys.executable, "-m", "guise", "trace", _RESULTS)
_UNTRACED = Variant("guise", "untraced", (sys.executable, "-m", "guise", "run", _RESULTS, "--"), guest=True)


def _traced(name: str, title: str, folder: Path, *options: str) -> Variant:
    file = folder / f"{name}.guise"
    return Variant(name, title, (*_TRACE, "-o", str(file), *options, "--"), guest=True)


def variants(folder: Path) -> list[Variant]:
    """Native, untraced and traced guests, and strace on the native program."""
    strace = ("strace", "-f", "-o", "/dev/null")
    return [
        Variant(BASELINE, "native Linux", ()),
        _UNTRACED,
        _traced("traced", "guise trace, everything recorded", folder),
        _traced("unwanted", "guise trace, other calls wanted", folder, "-e", "execve"),
        _traced(
            "condition", "guise trace, a condition on the result that fails", folder, "-e", "result=-1"
        ),
        Variant("strace", "strace -f", strace, slow=True),
        Variant(
            "strace-bpf", "strace -f --seccomp-bpf -e getppid", (*strace, "--seccomp-bpf", "-e", "getppid"),
            slow=True,
        ),
        Variant(
            "strace-bpf-unwanted", "strace -f --seccomp-bpf -e execve, other calls wanted",
            (*strace, "--seccomp-bpf", "-e", "execve"), slow=True,
        ),
    ]  # fmt: skip


def _available(found: list[Variant], folder: Path) -> list[Variant]:
    """Those that run here at all."""
    kept = []
    for variant in found:
        try:
            if variant.prefix[:1] == ("strace",):
                run([*variant.prefix, "/bin/true"], folder)
        except NotMeasured as error:
            print(f"{variant.title}: {error}", file=sys.stderr)
            continue
        kept.append(variant)
    return kept


def _table(results: list[Result], names: dict[str, str], against: dict[str, str], unit: str) -> list[str]:
    by_name = {result.variant: result for result in results}
    lines = [f"| | {unit} | more than untraced |", "|---|---:|---:|"]
    for name, title in names.items():
        result = by_name.get(name)
        if result is None or result.median is None:
            lines.append(f"| {title} | not measured | |")
            continue
        base = by_name.get(against.get(name, ""))
        more = ""
        if base is not None and base.median is not None:
            pairs = zip(result.samples, base.samples, strict=False)
            more = f"{statistics.median(mine - other for mine, other in pairs):+,.0f}"
        lines.append(f"| {title} | {result.median:,.0f} | {more} |")
    return lines


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-application", action="store_true", help="leave esbuild out")
    parser.add_argument("--output", type=Path, help="write the tables there")
    options = parser.parse_args(words)
    build = ROOT / "build" / "benchmarks"
    build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trace-", dir=build) as name:
        folder = Path(name)
        found = _available(variants(folder), folder)
        against = {v.name: _UNTRACED.name if v.guest else BASELINE for v in found}
        against = {name: other for name, other in against.items() if name != other}
        titles = {v.name: v.title for v in found}
        calls = operations.measure("null_call", found, options.rounds, 100, folder)
        lines = [*_table(calls, titles, against, "ns per getppid"), ""]
        if not options.no_application:
            try:
                chosen = [v for v in found if v.name in (BASELINE, "guise", "traced")]
                work = application.measure(chosen, options.rounds, folder)
                for which in (application.NAME, f"{application.NAME}-processor"):
                    of = [result for result in work if result.benchmark == which]
                    lines += [
                        of[0].title,
                        "",
                        *_table(of, {v.name: v.title for v in chosen}, against, "ms"),
                        "",
                    ]
            except NotMeasured as error:
                lines.append(f"esbuild was not measured: {error}")
    text = "\n".join([str(machine.describe()), "", *lines])
    print(text)
    if options.output:
        options.output.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
