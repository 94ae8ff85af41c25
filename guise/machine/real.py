"""`guise machine kvm`, `migrate`, `checkpoint` and `resume`: virtual machines on /dev/kvm."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from guise.cli import NOT_STARTED, UsageError, complain
from guise.options import Parser
from guise.output import print_json, print_table, size
from sandbox.machine.kvm import checkpoint, events
from sandbox.machine.kvm.experiment import Journey, live
from sandbox.machine.kvm.machine import Machine
from sandbox.machine.kvm.runner import GuestStopped, Runner
from sandbox.machine.kvm.stream import BrokenStream
from sandbox.machine.kvm.writer import BrokenGuest, Writer, check
from sandbox.migration import Migration, Policy

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def main(action: str, words: list[str]) -> int:
    actions: dict[str, Callable[[list[str]], int]] = {
        "kvm": _events, "migrate": _migrate, "checkpoint": _checkpoint, "resume": _resume,
    }  # fmt: skip
    try:
        return actions[action](words)
    except (BrokenStream, BrokenGuest, GuestStopped, checkpoint.BadCheckpoint) as error:
        return complain(str(error), NOT_STARTED)


def _events(words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    measured, hertz = events.measure(), events.hertz()
    if options.json:
        print_json({
            "below": events.below(), "hertz": hertz, "published_round_trips": events.PUBLISHED,
            "measured": {one.name: {"seconds": one.seconds, "what": one.what} for one in measured},
        })  # fmt: skip
        return 0
    rows = [
        (one.name, f"{one.seconds * 1e6:.2f}", f"{one.seconds * hertz:,.0f}" if hertz else "", one.what)
        for one in measured
    ]
    print_table(("event", "us", "cycles", "what"), rows)
    for name, *_ in events.COUNTED:
        if name not in {one.name for one in measured}:
            print(f"not measured: {name}, which this KVM does not let a guest do in ring 3")
    print(f"this KVM: {events.below()}")
    published = ", ".join(f"{name} {cycles:,}" for name, cycles in events.PUBLISHED.items())
    print(f"round trips that the models use, in cycles (Agesen et al. 2012): {published}")
    return 0


def _writer(parser: Parser) -> None:
    parser.add_argument("--memory", default="64M")
    parser.add_argument("--pages", type=int, default=30)
    parser.add_argument("--wait", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--json", action="store_true")


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not found:
        raise UsageError(f"{text} is no size: write a number, or one with K, M or G, such as 64M")
    return int(found.group(1)) * UNITS[found.group(2)]


def _made(memory: str, pages: int, wait: int) -> Writer:
    try:
        return Writer(_bytes(memory), pages, wait)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _migrate(words: list[str]) -> int:
    parser = Parser("machine")
    _writer(parser)
    parser.add_argument("--least", type=float, default=400)
    parser.add_argument("--most", type=float, default=2000)
    parser.add_argument("--step", type=float, default=200)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args(words)
    if not 0 < options.least <= options.most or options.step < 0 or options.rounds < 1 or options.seconds < 0:
        raise UsageError("rates are Mb/s with 0 < --least <= --most, --step at least 0, --rounds at least 1")
    writer = _made(options.memory, options.pages, options.wait)
    policy = Policy(options.least * 1e6, options.most * 1e6, options.step * 1e6, rounds=options.rounds)
    journey = live(writer, policy, options.seconds)
    if options.json:
        print_json(_as_data(journey))
    else:
        _show(journey)
    return 0 if journey.sound else 1


def _as_data(journey: Journey) -> dict[str, object]:
    def plain(result: Migration) -> dict[str, object]:
        return {
            "rounds": [vars(each) for each in result.rounds], "seconds": result.seconds, "sent": result.sent,
            "last": result.last, "downtime": result.downtime, "converged": result.converged,
        }  # fmt: skip

    return {
        "identical": journey.moved.identical, "sha256": journey.moved.digest,
        "dirty_rate": journey.dirty_rate,
        "pages_written": {"before": journey.before, "arrived": journey.arrived, "after": journey.after},
        "measured": plain(journey.moved.result), "predicted": plain(journey.predicted),
    }  # fmt: skip


def _show(journey: Journey) -> None:
    measured, predicted = journey.moved.result, journey.predicted
    rows = [
        (
            str(number),
            f"{each.rate / 1e6:.0f}",
            size(int(each.sent)),
            f"{each.seconds:.3f}",
            size(int(each.dirty)),
        )
        for number, each in enumerate(measured.rounds, 1)
    ]
    print_table(("round", "Mb/s", "sent", "seconds", "dirty after it"), rows)
    print_table(
        ("", "measured", "model"),
        [
            ("rounds", str(len(measured.rounds)), str(len(predicted.rounds))),
            ("seconds in all", f"{measured.seconds:.3f}", f"{predicted.seconds:.3f}"),
            ("sent in all", size(int(measured.sent)), size(int(predicted.sent))),
            ("last, while stopped", size(int(measured.last)), size(int(predicted.last))),
            ("downtime, ms", f"{measured.downtime * 1e3:.1f}", f"{predicted.downtime * 1e3:.1f}"),
        ],
    )
    state = "bit-identical" if journey.moved.identical else "DIFFERENT"
    print(f"memory on arrival: {state} (SHA-256 {journey.moved.digest[:16]})")
    counts = f"{journey.before:,} before, {journey.arrived:,} on arrival, {journey.after:,} after it ran on"
    print(f"pages written: {counts}")


def _checkpoint(words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("file", type=Path)
    _writer(parser)
    options = parser.parse_args(words)
    writer = _made(options.memory, options.pages, options.wait)
    with Machine(writer.memory) as machine, Runner(machine) as runner:
        writer.start(machine)
        return _run_and_save(machine, runner, options.seconds, options.file, as_json=options.json)


def _resume(words: list[str]) -> int:
    parser = Parser("machine")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    with checkpoint.load(options.file) as machine, Runner(machine) as runner:
        return _run_and_save(machine, runner, options.seconds, options.file, as_json=options.json)


def _run_and_save(machine: Machine, runner: Runner, seconds: float, file: Path, *, as_json: bool) -> int:
    """Run the guest on for a while, stop it, and save it."""
    before = check(machine)
    runner.resume()
    time.sleep(seconds)
    runner.pause()
    after, written = check(machine), checkpoint.save(machine, file)
    if as_json:
        print_json(
            {"pages_before": before, "pages_after": after, "bytes": written, "memory": len(machine.memory)}
        )
    else:
        print(f"pages written: {before:,} before, {after:,} after {seconds:g} s of running")
        print(f"{file}: {size(written)} for {size(len(machine.memory))}; `guise machine resume` runs it on")
    return 0
