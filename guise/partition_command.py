"""`guise partition SCRIPT`: simulate partitions of one computer, with moves and faults as a script says."""

from __future__ import annotations

from pathlib import Path

from guise.cli import complain
from guise.options import Parser
from guise.output import print_json, print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.partition.domain import DomainOutcome
    from sandbox.partition.play import Played


def main(words: list[str]) -> int:
    """0; 1 for a script that cannot be read, understood or carried out."""
    parser = Parser("partition")
    parser.add_argument("script")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    from sandbox.partition import library, play, scenario
    from sandbox.style import RuleError
    from sandbox.systems import UnknownSystem

    try:
        script = scenario.read(Path(options.script))
        outcome = play.play_domain(script) if script.kinds else play.play(script)
    except OSError as error:
        return complain(f"{options.script} cannot be read: {(error.strerror or str(error)).lower()}", 1)
    except (scenario.ScenarioError, RuleError, UnknownSystem) as error:
        return complain(f"{options.script}: {error}", 1)
    except library.NotInstalled as error:
        return complain(str(error), 1)
    if isinstance(outcome, play.Played):
        _show(outcome, as_json=options.json)
    else:
        _show_domain(outcome, as_json=options.json)
    return 0


def _show(played: Played, *, as_json: bool) -> None:
    rows = [
        {
            "partition": usage.name,
            "effective": usage.effective,
            "engines": usage.effective / played.outcome.seconds,
            "overhead": usage.overhead,
            "dispatches": usage.switches,
            "bursts": usage.bursts,
            "latency_mean": usage.latency,
            "latency_longest": usage.longest,
            "stopped": usage.stopped,
            "bursts_after_the_last_fault": played.after[usage.name],
        }
        for usage in played.outcome.usage.values()
    ]
    if as_json:
        log = [{"at": at, "what": what} for at, what in played.log]
        print_json({"seconds": played.outcome.seconds, "partitions": rows, "log": log})
        return
    for at, what in played.log:
        print(f"{at:8.3f} s  {what}")
    columns = (
        "partition",
        "engines used",
        "overhead",
        "dispatches",
        "bursts",
        "interrupt latency",
        "longest",
        "at the end",
    )
    print_table(
        columns,
        (
            (
                usage.name,
                f"{usage.effective / played.outcome.seconds:.3f}",
                f"{usage.overhead:.2%}",
                f"{usage.switches:,}",
                f"{usage.bursts:,}",
                f"{usage.latency * 1e6:,.0f} us",
                f"{usage.longest * 1e3:,.2f} ms",
                "running" if usage.stopped is None else f"stopped at {usage.stopped:g} s",
            )
            for usage in played.outcome.usage.values()
        ),
    )


def _show_domain(outcome: DomainOutcome, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json(asdict(outcome))
        return
    print(
        f"{outcome.guests:,} guests on {outcome.engines} engines for {outcome.seconds:,.0f} s: "
        f"{outcome.busy:.1%} busy, at most {outcome.most_active:,} guests at once"
    )
    print_table(
        ("guests", "bursts", "work", "stretch", "slowest burst"),
        (
            (
                served.name,
                f"{served.bursts:,}",
                f"{served.work:,.0f} s",
                f"{served.stretch:.2f} x",
                f"{served.slowest:.2f} s",
            )
            for served in outcome.served.values()
        ),
    )
