"""Pre-copy: what converges, what does not, and what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.migration import HotSet, Policy, migrate

MB = 1e6


def test_an_idle_guest_is_sent_once_and_stops_for_its_pause_only() -> None:
    moved = migrate(64 * MB, HotSet(0, 0), Policy(), pause=0.05)
    assert len(moved.rounds) == 1
    assert moved.sent == 64 * MB
    assert moved.seconds == pytest.approx(8 * 64 / 100 + 0.05)
    assert moved.downtime == pytest.approx(0.05)


def test_a_small_write_set_converges_and_a_large_fast_one_does_not() -> None:
    small = migrate(512 * MB, HotSet(0.1 * MB, 1 * MB), Policy())
    assert small.converged
    large = migrate(512 * MB, HotSet(256 * MB, 1000 * MB), Policy())
    assert not large.converged
    assert large.downtime > 1
    assert small.downtime < 0.02


def test_the_rate_follows_the_dirty_rate_within_its_bounds() -> None:
    moved = migrate(800 * MB, HotSet(100 * MB, 20 * MB), Policy(skip=False))
    policy = Policy()
    rates = [each.rate for each in moved.rounds]
    assert rates[0] == policy.least
    assert all(policy.least <= rate <= policy.most for rate in rates)
    for before, after in zip(moved.rounds, moved.rounds[1:], strict=False):
        assert after.rate == max(policy.least, 8 * before.dirty / before.seconds + policy.step)


def test_skipping_pages_that_are_dirty_again_sends_less() -> None:
    hot = HotSet(100 * MB, 20 * MB)
    assert migrate(800 * MB, hot, Policy()).sent < migrate(800 * MB, hot, Policy(skip=False)).sent


@given(st.floats(1, 4000), st.floats(0, 1), st.floats(0, 2000))
def test_everything_arrives_and_it_ends(memory: float, hot: float, rate: float) -> None:
    moved = migrate(memory * MB, HotSet(hot * memory * MB, rate * MB), Policy())
    assert len(moved.rounds) <= Policy().rounds
    assert moved.sent >= memory * MB * 0.999
    assert 0 <= moved.last <= memory * MB
    assert moved.downtime <= moved.seconds


def test_a_guest_without_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="without memory"):
        migrate(0, HotSet(0, 0), Policy())
