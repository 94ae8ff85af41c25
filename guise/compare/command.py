"""`guise compare`: its command line."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from guise.cli import UsageError, complain
from guise.options import Parser
from guise.output import print_json, print_table
from sandbox.style import Workload

_NOT_HERE = "it was not recorded on this host: --run runs its command"


def main(words: list[str]) -> int:
    """0; 1 when something cannot be read, computed or written, 2 for bad usage."""
    options = _parser().parse_args(words)
    from sandbox.systems import UnknownSystem

    try:
        if options.systems:
            return _list(as_json=options.json)
        if options.plan:
            return _plan(options)
        return _compare(options)
    except UnknownSystem as error:
        raise UsageError(str(error)) from None


def _parser() -> Parser:
    parser = Parser("compare")
    parser.add_argument("workloads", nargs="*")
    parser.add_argument("--system", action="append", default=[])
    parser.add_argument("--events", action="append", default=[])
    parser.add_argument("--systems", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--html")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--plan")
    parser.add_argument("--room", default="")
    parser.add_argument("--target", type=_share, default=0.5)
    parser.add_argument("--percentile", type=_share, default=0.95)
    parser.add_argument("--buffer", type=_share, default=0.0)
    return parser


def _share(word: str) -> float:
    match = re.fullmatch(r"(\d*\.?\d+)(%?)", word)
    if not match:
        raise argparse.ArgumentTypeError(f"{word} is no share: write 0.4 or 40%")
    return float(match[1]) / (100 if match[2] else 1)


def _compare(options: argparse.Namespace) -> int:
    from guise.compare import comparing, terminal, workloads
    from guise.compare.host import this_host
    from guise.compare.report import as_json
    from sandbox import systems
    from sandbox.partition.library import NotInstalled

    if not options.workloads:
        raise UsageError("say what to compare: `guise compare WORKLOAD...`, a profile's file or a classic")
    if options.run and options.no_run:
        raise UsageError("--run and --no-run exclude each other")
    if not options.seconds > 0:
        raise UsageError(f"--seconds takes a number above 0, not {options.seconds:g}")
    chosen = options.system or list(systems.names())
    for name in (*chosen, *options.events):
        systems.load(name)
    try:
        loads = [workloads.find(word) for word in options.workloads]
    except workloads.UnknownWorkload as error:
        return complain(str(error), 1)
    names = list(dict.fromkeys([*chosen, *options.events]))
    try:
        reports = [
            comparing.compare(
                [load], names, this_host(), budget=options.seconds, why_not=_why_not(options, word, load)
            )
            for word, load in zip(options.workloads, loads, strict=True)
        ]
    except NotInstalled as error:
        return complain(str(error), 1)
    report = comparing.together(reports)
    if options.html:
        from guise.compare.page import page

        try:
            Path(options.html).write_text(page(report), encoding="utf-8")
        except OSError as error:
            return complain(f"{options.html} cannot be written: {(error.strerror or str(error)).lower()}", 1)
    if options.json:
        print_json(as_json(report))
    elif not options.html:
        terminal.show(report, tuple(options.events))
    return 0


def _why_not(options: argparse.Namespace, word: str, load: Workload) -> str:
    """Why a workload's command is not run again: a file may come from anywhere."""
    from sandbox.workload import host_mark

    if options.no_run:
        return "--no-run was given"
    if options.run or load.origin == "classic":
        return ""
    if (
        not load.recorded_on
        or load.recorded_on != host_mark()
        or os.stat(word).st_uid not in (os.getuid(), 0)
    ):
        return _NOT_HERE
    return ""


def _list(*, as_json: bool) -> int:
    from sandbox import systems

    found = [systems.load(name) for name in systems.names()]
    if as_json:
        print_json(
            [
                {
                    "name": system.name,
                    "title": system.title,
                    "form": str(system.form),
                    "year": system.year,
                    "how": system.how,
                    "rules": [
                        {"rule": rule.text, "source": rule.source, "label": str(rule.label)}
                        for rule in system.rules
                    ],
                }
                for system in found
            ]
        )
        return 0
    print_table(
        ("name", "style", "system", "rules"),
        (
            (each.name, str(each.form), each.title, _rules([rule.text for rule in each.rules]))
            for each in found
        ),
    )
    return 0


def _rules(texts: Sequence[str]) -> str:
    return "; ".join(texts) or "-"


def _plan(options: argparse.Namespace) -> int:
    from guise.compare import planning

    if options.workloads or options.html:
        raise UsageError("--plan stands alone: it takes a list of servers, no workloads and no --html")
    if len(options.system) > 1:
        raise UsageError("--plan takes one --system, whose limit of guests it keeps")
    system = options.system[0] if options.system else ""
    offered = planning.room(options.room, options.target, options.percentile, options.buffer, system)
    return planning.show(options.plan, offered, as_json=options.json)
