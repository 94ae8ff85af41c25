"""How many processors, disks and adapters a set of servers needs together.

HP's sizing paper for Integrity VM: the sum of the utilisations over the utilisation to aim at,
rounded up; with peaks in place of averages where the servers are busy at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

IN_PHASE = 0.5  # mean correlation between servers from which on their peaks are taken to coincide


def needed(utilisations: Sequence[float], target: float) -> int:
    """Units of a resource for servers that use such shares of one unit each, aiming at `target` of each.

    Raises ValueError for a target that is not above 0 and at most 1, and for a negative utilisation.
    """
    if not 0 < target <= 1:
        raise ValueError(f"the utilisation to aim at is a share above 0 and at most 1, not {target:g}")
    if any(share < 0 or not math.isfinite(share) for share in utilisations):
        raise ValueError("a utilisation is a share of at least 0")
    return math.ceil(round(sum(utilisations) / target, 9))


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def correlation(series: Sequence[Sequence[float]]) -> float:
    """How much the servers are busy at the same time: the share of the sum's variance that is common.

    1 when all go up and down together, 0 when they are independent, below 0 when they take turns;
    averaged over all pairs, weighted by how much each varies.
    """
    if len(series) < 2:
        return 1.0
    deviations = [_deviations(samples) for samples in series]
    own = [sum(value * value for value in each) for each in deviations]
    together = [sum(values) for values in zip(*deviations, strict=True)]
    common = sum(value * value for value in together) - sum(own)
    most = sum(math.sqrt(one) for one in own) ** 2 - sum(own)
    return common / most if most > 0 else 1.0


def demand(series: Sequence[Sequence[float]], share: float) -> tuple[float, bool]:
    """What the servers need together, by percentile, and whether they are in phase.

    In phase the peaks are added; otherwise the percentile of the sum is taken, which is less.
    """
    in_phase = correlation(series) >= IN_PHASE
    if in_phase:
        return sum(max(samples) for samples in series), True
    return percentile([sum(values) for values in zip(*series, strict=True)], share), False


def _deviations(samples: Sequence[float]) -> list[float]:
    middle = fmean(samples)
    return [value - middle for value in samples]
