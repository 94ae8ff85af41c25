"""`guise machine virtualizable`, and `run --isa s390x`: where trap-and-emulate works, and where it cannot."""

from __future__ import annotations

from guise.cli import UsageError
from guise.options import Parser
from guise.output import print_json, print_table
from sandbox.machine.s390.guests import GUESTS
from sandbox.machine.s390.machine import Machine, TrapAndEmulate, differences
from sandbox.machine.virtualizable import s390, x86
from sandbox.machine.virtualizable.model import Finding, Verdict, judge

ARCHITECTURES = ("x86", "s390x")


def main(_action: str, words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("isa", nargs="?", choices=ARCHITECTURES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    verdicts = [verdict for isa in ARCHITECTURES if options.isa in (None, isa) for verdict in _judge(isa)]
    if options.json:
        print_json([_as_data(verdict) for verdict in verdicts])
        return 0
    for verdict in verdicts:
        if not verdict.name.startswith(s390.S370):
            columns = ("instruction", "since", "privileged", "traps", "control", "behaviour", "")
            print_table(columns, [_row(finding) for finding in verdict.findings], verdict.name)
    for verdict in verdicts:
        print(verdict.sentence())
    for name, reason in {**x86.DEVIATIONS, **s390.DEVIATIONS}.items():
        print(f"note: {name}: {reason}")
    return 0


def _judge(isa: str) -> list[Verdict]:
    if isa == "x86":
        return [judge(x86.X86())]
    laboratory = s390.S390()
    return [judge(laboratory), judge(laboratory, [s390.S370], f"{s390.S370}'s instructions of it")]


def _row(finding: Finding) -> tuple[str, ...]:
    return (
        finding.instruction.text, finding.instruction.since, "yes" if finding.privileged else "",
        "yes" if finding.traps else "", ", ".join(finding.control), finding.behaviour,
        "SENSITIVE, DOES NOT TRAP" if finding.violates else "",
    )  # fmt: skip


def _as_data(verdict: Verdict) -> dict[str, object]:
    return {
        "architecture": verdict.name,
        "virtualizable": verdict.virtualizable,
        "instructions": [
            {
                "text": one.instruction.text, "bytes": one.instruction.code.hex(),
                "since": one.instruction.since,
                "privileged": one.privileged, "traps": one.traps, "sensitive": one.sensitive,
                "control": list(one.control), "behaviour": one.behaviour, "violates": one.violates,
            }
            for one in verdict.findings
        ],
    }  # fmt: skip


def run_s390(names: list[str], *, as_json: bool) -> int:
    """Run z/Architecture kernels bare and under trap-and-emulate, and compare."""
    for name in names:
        if name not in GUESTS:
            raise UsageError(f"there is no guest kernel {name} for s390x: there are {', '.join(GUESTS)}")
    data, rows = [], []
    for guest in [GUESTS[name] for name in names or GUESTS]:
        bare, trapped = Machine().run(guest), TrapAndEmulate().run(guest)
        found = differences(bare, trapped)
        data.append({
            "guest": guest.name, "ended": trapped.ended, "same_state": not found, "differences": found,
            "instructions": bare.instructions, "events": dict(trapped.events),
        })  # fmt: skip
        verdict = f"BROKEN: {found[0]}" if found else "same"
        rows.append(
            (guest.name, f"{bare.instructions:,}", f"{trapped.events.total():,}", verdict, guest.what)
        )
    if as_json:
        print_json(data)
    else:
        print_table(("guest", "instructions", "entries", "final state", "what it does"), rows)
    return 0
