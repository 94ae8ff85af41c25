"""`guise inspect`: what a program is, and whether it will run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict

import loader
from guise.cli import complain
from guise.options import Parser
from guise.output import print_json, size
from loader.inspect import CallRow, CallUse, Report, inspect_program
from personality.supervisor import images

REFUSED = 126


def main(words: list[str]) -> int:
    """0 when the program can be started; 126 or 127 as `guise run` would end."""
    parser = Parser("inspect")
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    try:
        descriptor = loader.open_program(options.program)
    except loader.LoadError as error:
        return complain(str(error), error.status)
    try:
        report = inspect_program(descriptor, options.program, rows_of, images.personalities())
    except loader.LoadError as error:
        return complain(str(error), error.status)
    finally:
        os.close(descriptor)
    if options.json:
        print_json(as_data(report))
    else:
        print("\n".join(as_text(report)))
    return REFUSED if report.verdict == "refused" or missing_interpreter(report) else 0


def rows_of(kernel: str) -> Mapping[int, CallRow]:
    """The call table of a kernel.  Raises LookupError for one without tables."""
    import syscalls
    from syscalls.model import TableError

    try:
        return syscalls.load(kernel).by_number
    except TableError as error:
        raise LookupError(str(error)) from None


def missing_interpreter(report: Report) -> bool:
    return bool(report.interpreter) and not os.path.exists(report.interpreter)


def as_data(report: Report) -> dict[str, object]:
    """The report for programs; the calls are split as people ask for them."""
    data: dict[str, object] = asdict(report)
    data["calls"] = {
        "found": [asdict(use) for use in report.calls],
        "unsupported": [asdict(use) for use in report.unsupported],
        "sites": report.call_sites,
        "unknown_sites": report.unknown_sites,
    }
    del data["call_sites"], data["unknown_sites"]
    data["interpreter_exists"] = bool(report.interpreter) and not missing_interpreter(report)
    return data


def as_text(report: Report) -> list[str]:
    lines = [f"{report.path}: {_summary(report)}"]
    if report.kind == "ELF" and report.evidence:
        lines.append(f"  recognised by  {report.evidence}")
    if report.interpreter:
        absent = "  (not on this system)" if missing_interpreter(report) else ""
        lines.append(f"  interpreter    {report.interpreter}{absent}")
    if report.needed:
        lines.append(f"  libraries      {', '.join(report.needed)}")
    if report.segments:
        total = sum(segment.size for segment in report.segments)
        placed = "at the addresses in the file" if report.fixed else "anywhere"
        lines.append(f"  memory         {size(total)} in {len(report.segments)} segments, loaded {placed}")
    if report.verdict != "host" and (report.calls or report.call_sites):
        lines += _call_lines(report)
    lines.append(_verdict(report))
    return lines


def _summary(report: Report) -> str:
    if report.verdict == "script":
        argument = f" {report.argument}" if report.argument else ""
        return f"a script for {report.interpreter}{argument}"
    kernel = loader.kernel_name(report.kernel) if report.kernel else "an unknown kernel"
    release = f" {report.release_name}" if report.release_name else ""
    linking = f"{report.linking} " if report.linking else ""
    stripped = ", stripped" if report.stripped else ""
    machine = f"{report.machine}, {report.bits} bits"
    return f"{linking}{report.kind} program for {kernel}{release}, {machine}{stripped}"


def _call_lines(report: Report) -> list[str]:
    lines = [f"  system calls   {len(report.calls)} found at {report.call_sites} places"]
    if report.unknown_sites:
        lines[0] += f", {report.unknown_sites} places whose call only shows when it runs"
    lines += [f"  unsupported    {_reason(use)}" for use in report.unsupported]
    return lines


def _reason(use: CallUse) -> str:
    return f"{use.name} ({use.number}): {use.reason or 'not served'}"


def _verdict(report: Report) -> str:
    if report.verdict == "refused":
        return f"It cannot be run: {report.problem}."
    if missing_interpreter(report):
        return f"It cannot be started here: {report.interpreter} is missing."
    if report.verdict == "host":
        return "It is a program of this system and needs no Guise."
    if report.verdict == "script":
        return "It runs if its interpreter does."
    if report.unsupported:
        return (
            "It can be started; where it makes an unsupported call, the call fails as on a kernel without it."
        )
    return "It can be started, and every call found in it is supported."
