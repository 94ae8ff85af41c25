"""`guise machine guests`, `run` and `cost`: the same guest kernels on every monitor, compared and counted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from guise.cli import UsageError
from guise.machine import experiment
from guise.options import Parser
from guise.output import print_json, print_table
from sandbox.machine.costs import PROFILES, Profile
from sandbox.machine.kvm.machine import why_not
from sandbox.machine.monitors import report
from sandbox.machine.monitors.registry import BY_NAME, MONITORS, SIMULATED, Comparison, compare
from sandbox.machine.nanobenchmarks import ROWS, per_operation
from sandbox.machine.x86.guests import GUESTS, Guest


def main(action: str, words: list[str]) -> int:
    if action == "guests":
        return _guests(words)
    return _run(words) if action == "run" else _cost(words)


def _guests(words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("guest", nargs="?")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    if options.guest is not None:
        return _listing(_named([options.guest])[0], options.json)
    if options.json:
        print_json(
            [
                {"name": guest.name, "what": guest.what, "operations": guest.operations}
                for guest in GUESTS.values()
            ]
        )
    else:
        rows = [(guest.name, str(guest.operations), guest.what) for guest in GUESTS.values()]
        print_table(("guest", "operations", "what it does"), rows)
        print_table(("monitor", "how"), [(monitor.name, monitor.what) for monitor in MONITORS])
    return 0


def _listing(guest: Guest, as_json: bool) -> int:
    """A guest kernel's source beside its bytes."""
    code = guest.code
    sites = {site.address for site in code.sites}
    starts = [*sorted(code.listing), code.base + len(code.data)]
    lines = [
        (address, code.data[address - code.base : following - code.base].hex(), code.listing[address])
        for address, following in pairwise(starts)
    ]
    if as_json:
        print_json(
            [{"address": at, "bytes": data, "text": text, "site": at in sites} for at, data, text in lines]
        )
        return 0
    labels = {address: name for name, address in code.labels.items()}
    rows = [
        (f"{at:#x}", data, "*" if at in sites else "", labels.get(at, ""), text) for at, data, text in lines
    ]
    print_table(("address", "bytes", "site", "label", "instruction"), rows)
    return 0


def _named(names: list[str]) -> list[Guest]:
    for name in names:
        if name not in GUESTS:
            raise UsageError(f"there is no guest kernel {name}: there are {', '.join(GUESTS)}")
    return [GUESTS[name] for name in names or GUESTS]


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise UsageError(f"there is no cost profile {name}: there are {', '.join(PROFILES)}")
    return PROFILES[name]


def _run(words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("guests", nargs="*")
    parser.add_argument("--monitor", action="append", default=[])
    parser.add_argument("--profile", default="prescott")
    parser.add_argument("--isa", choices=("x86", "s390x"), default="x86")
    parser.add_argument("--events", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    if options.isa == "s390x":
        return experiment.run_s390(options.guests, as_json=options.json)
    for name in options.monitor:
        if name not in BY_NAME:
            raise UsageError(f"there is no monitor {name}: there are {', '.join(BY_NAME)}")
    guests, profile = _named(options.guests), _profile(options.profile)
    absent = None if options.monitor else why_not()
    monitors = options.monitor or [*SIMULATED, *(["kvm"] if absent is None else [])]
    found = [comparison for guest in guests for comparison in compare(guest, monitors)]
    if options.json:
        print_json([report.as_data(comparison, profile) for comparison in found])
    else:
        _show(found, profile, options.events)
        if absent is not None:
            print(f"without kvm: {absent}")
    return 0


def _show(found: Iterable[Comparison], profile: Profile, with_events: bool) -> None:
    rows = []
    for comparison in found:
        run = comparison.run
        entries = sum(count for name, count in run.events.items() if enters(name))
        is_kvm, is_bare = run.monitor == "kvm", run.monitor == "bare"
        cycles = "" if is_kvm else f"{profile.cycles(run.instructions, run.events):,.0f}"
        counted = "" if is_kvm else f"{run.instructions:,}"
        rows.append(
            (
                run.guest.name,
                run.monitor,
                counted,
                "" if is_bare else f"{entries:,}",
                cycles,
                report.verdict(comparison),
            )
        )
        if with_events:
            rows += [
                ("", f"  {name}", "", f"{count:,}", "", "") for name, count in sorted(run.events.items())
            ]
    title = f"cycles by the profile {profile.name}: {profile.what}"
    columns = ("guest", "monitor", "instructions", "entries", "cycles", "final state")
    print_table(columns, rows, title)
    print(title)


NO_ENTRY = ("translated instruction", "ring entry", "validated update", "direct", "system call", "exception")


def enters(event: str) -> bool:
    """Whether an event brought the monitor in, rather than being part of one or the guest's own affair."""
    return not event.startswith(NO_ENTRY)


def _cost(words: list[str]) -> int:
    """What one operation costs on each monitor, by counted events and a cost profile."""
    parser = Parser("machine")
    parser.add_argument("--profile", default="prescott")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    profile = _profile(options.profile)
    monitors = [name for name in SIMULATED if name != "bare"]
    counted = {row: {name: per_operation(row, name) for name in ("bare", *monitors)} for row in ROWS}
    if options.json:
        print_json({
            row: {
                name: {"events": dict(one.events), "instructions": one.instructions,
                       "cycles": profile.cycles(one.instructions, one.events)}
                for name, one in by_monitor.items()
            }
            for row, by_monitor in counted.items()
        })  # fmt: skip
        return 0
    rows = [
        (row, *(f"{profile.cycles(one.instructions, one.events):,.0f}" for one in by_monitor.values()))
        for row, by_monitor in counted.items()
    ]
    print_table(("cycles of one", "bare", *monitors), rows)
    print(f"by the profile {profile.name}: {profile.what}")
    return 0
