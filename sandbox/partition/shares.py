"""Dividing engines by weight, with caps: what a cap leaves over goes to the rest."""

from __future__ import annotations

from collections.abc import Sequence


def divide(capacity: float, claims: Sequence[tuple[int, float, float]]) -> list[float]:
    """The rate of one member of each claim (members, weight, cap): weighted max-min fairness.

    Rates are min(cap, level * weight) with the one level at which all members together use `capacity`, or
    everybody its cap.  A claim without members still gets the rate that a first member would see, at most.
    """
    order = sorted(range(len(claims)), key=lambda at: claims[at][2] / claims[at][1])
    rates = [0.0] * len(claims)
    left = max(capacity, 0.0)
    weights = sum(members * weight for members, weight, _ in claims)
    level = float("inf")
    for at in order:
        members, weight, cap = claims[at]
        level = left / weights if weights > 0 else float("inf")
        rates[at] = min(cap, level * weight)
        left -= members * rates[at]
        weights -= members * weight
        if weights < 1e-12:
            weights = 0.0
    return rates
