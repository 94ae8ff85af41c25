"""Comparisons as data: what `guise machine run` prints and its --json."""

from __future__ import annotations

from sandbox.machine.costs import Profile
from sandbox.machine.monitors.registry import Comparison


def verdict(comparison: Comparison) -> str:
    """One word or sentence: the same state as the bare run, or not, or why it could not be run."""
    if comparison.same:
        return "same"
    if comparison.unable:
        return f"not run: {comparison.run.ended}"
    first, *rest = comparison.differences
    return f"BROKEN: {first}" + (f", and {len(rest)} more" if rest else "")


def as_data(comparison: Comparison, profile: Profile) -> dict[str, object]:
    """One run: counts, differences, and cycles by the profile (absent on KVM, which is measured instead)."""
    run = comparison.run
    data: dict[str, object] = {
        "guest": run.guest.name,
        "monitor": run.monitor,
        "operations": run.guest.operations,
        "ended": run.ended,
        "same_state": comparison.same,
        "differences": list(comparison.differences),
        "instructions": run.instructions,
        "events": dict(sorted(run.events.items())),
    }
    if run.monitor != "kvm":
        data["cycles"] = round(profile.cycles(run.instructions, run.events))
    return data
