"""`guise doctor`: what this machine offers, what is missing, what that costs and how to get it."""

from __future__ import annotations

from dataclasses import asdict

from guise.doctor_checks import Check, all_checks
from guise.options import Parser
from guise.output import print_json

_MARKS = {"ok": "ok     ", "limited": "limited", "missing": "missing"}


def main(words: list[str]) -> int:
    """0 when programs can be run, 1 when something `guise run` needs is missing."""
    parser = Parser("doctor")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    checks = all_checks()
    failed = any(check.required and check.state == "missing" for check in checks)
    if options.json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            print("\n".join(_lines(check)))
        print(_conclusion(checks, failed=failed))
    return 1 if failed else 0


def _lines(check: Check) -> list[str]:
    lines = [f"{_MARKS[check.state]}  {check.name}: {check.found}"]
    if check.state != "ok":
        lines.append(f"         what that costs: {check.cost}")
        lines.append(f"         how to get it: {check.remedy}")
    return lines


def _conclusion(checks: list[Check], *, failed: bool) -> str:
    if failed:
        names = [check.name for check in checks if check.required and check.state == "missing"]
        return f"Programs cannot be run yet: {', '.join(names)} missing."
    rest = sum(check.state != "ok" for check in checks)
    if not rest:
        return "Everything is there."
    return (
        "Programs can be run; one thing is limited."
        if rest == 1
        else f"Programs can be run; {rest} things are limited."
    )
