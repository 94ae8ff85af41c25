"""Measuring in turn: one sample of each variant per round, the medians of the rounds' ratios.

Whatever slows the machine down for a while slows native and guest alike within a round, so the
ratio of a round is good even where its times are not.  Interruptions only ever add, so the ratio of
the fastest samples is shown beside it: where the two are far apart, the machine was busy.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

BASELINE = "native"


class NotMeasured(Exception):
    """This variant cannot be measured here: one sentence that says why."""


@dataclass(frozen=True)
class Sampler:
    """One way of doing a benchmark's work: `take` does it once and returns a time."""

    variant: str
    take: Callable[[], float]


@dataclass
class Result:
    """A benchmark's times for one variant; `left_out` says why there are none."""

    benchmark: str
    title: str
    variant: str
    unit: str
    samples: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)
    fastest_ratio: float | None = None
    left_out: str | None = None

    @property
    def median(self) -> float | None:
        """Of the times, in `unit`."""
        return statistics.median(self.samples) if self.samples else None

    @property
    def ratio(self) -> float | None:
        """Median of the rounds' ratios against the baseline."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def difference(self) -> float | None:
        """Median of the rounds' differences from the baseline, in `unit`."""
        return statistics.median(self.differences) if self.differences else None


def in_turn(
    benchmark: str, title: str, unit: str, samplers: Sequence[Sampler], rounds: int, few: frozenset[str]
) -> list[Result]:
    """Measure the samplers round by round; those named in `few` take part in the first three rounds only.

    A sampler that raises NotMeasured is left out from then on, and its result says why.
    """
    results = {s.variant: Result(benchmark, title, s.variant, unit) for s in samplers}
    for number in range(rounds):
        base: float | None = None
        for sampler in samplers:
            result = results[sampler.variant]
            if result.left_out is not None or (number >= 3 and sampler.variant in few):
                continue
            try:
                value = sampler.take()
            except NotMeasured as error:
                result.left_out = str(error)
                result.samples.clear()
                result.ratios.clear()
                result.differences.clear()
                continue
            result.samples.append(value)
            if sampler.variant == BASELINE:
                base = value
            if base:
                result.ratios.append(value / base)
                result.differences.append(value - base)
    base_result = results.get(BASELINE)
    for result in results.values():
        if base_result is not None and base_result.samples and result.samples:
            result.fastest_ratio = min(result.samples) / min(base_result.samples)
    return list(results.values())
