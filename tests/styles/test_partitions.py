"""Partitions: what the dispatcher does to shares, latency and caches, checked on behaviour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.partition.dispatcher import simulate
from sandbox.partition.domain import Costs, Domain, Kind
from sandbox.partition.model import Dispatching, Engines, Load, Partition
from sandbox.partition.multiprocessor import Work, gain
from sandbox.partition.shares import divide
from sandbox.partition.warmth import Cache

BUSY = Load(burst=0.05)
KIB = 1024


def _overhead(hardware: Engines, partitions: list[Partition], seconds: float = 4) -> float:
    usage = simulate(hardware, partitions, seconds).usage.values()
    return sum(each.dispatched - each.effective - each.idle for each in usage) / sum(
        each.effective for each in usage
    )


def test_dedicated_engines_cost_a_tenth_of_a_percent() -> None:
    """PR/SM (V): about 0.1 % dedicated.  A dedicated engine is never switched: only intercepts are left."""
    parts = [Partition(name, BUSY, dedicated=True) for name in "ab"]
    assert 0.0005 < _overhead(Engines(2, fixed=0.001), parts) < 0.002


def test_sharing_costs_more_the_more_often_engines_change_hands() -> None:
    """PR/SM (V): up to 12 % shared."""
    found = []
    for burst in (0.05, 0.01, 0.002):
        load = Load(burst, think=4 * burst, working_set=128 * KIB)
        parts = [Partition(f"p{number}", load) for number in range(15)]
        found.append(_overhead(Engines(4, Dispatching.EVENT, fixed=0.001), parts))
    assert 0.001 < found[0] < found[1] < found[2] < 0.12


def test_nothing_is_lost_and_nothing_is_made() -> None:
    parts = [Partition(f"p{number}", BUSY, processors=2) for number in range(3)]
    outcome = simulate(Engines(3), parts, 5)
    used = sum(each.dispatched for each in outcome.usage.values())
    assert used <= 15
    assert used > 15 - 3 * 0.0125 - 0.01  # busy engines never idle; only the last slices are unfinished


def test_weights_divide_and_idle_shares_go_to_the_others() -> None:
    three, one = Partition("three", BUSY, 2, weight=300), Partition("one", BUSY, 2, weight=100)
    usage = simulate(Engines(2), [three, one], 10).usage
    assert usage["three"].effective / usage["one"].effective == pytest.approx(3, rel=0.05)
    alone = simulate(Engines(2), [Partition("one", BUSY, 2, weight=100)], 4).usage["one"]
    assert alone.effective == pytest.approx(8, rel=0.02)


def test_a_cap_holds_although_engines_are_free() -> None:
    hardware = Engines(2, Dispatching.WINDOW)
    for entitlement in (0.1, 0.5, 1.3):
        capped = Partition("c", BUSY, 2, entitlement=entitlement, capped=True)
        usage = simulate(hardware, [capped], 10).usage["c"]
        assert usage.dispatched / 10 == pytest.approx(entitlement, rel=0.02)


def test_an_entitlement_is_met_against_any_weight() -> None:
    hardware = Engines(2, Dispatching.WINDOW)
    small = Partition("small", BUSY, 2, weight=1, entitlement=0.8)
    greedy = Partition("greedy", BUSY, 2, weight=255, entitlement=0.2)
    usage = simulate(hardware, [small, greedy], 10).usage
    assert usage["small"].dispatched / 10 >= 0.8 * 0.95
    assert usage["greedy"].dispatched > usage["small"].dispatched  # of the rest it gets nearly all


def test_timer_dispatching_wastes_waits_and_makes_others_late() -> None:
    load = Load(burst=0.0005, think=0.002, working_set=64 * KIB)
    parts = [Partition(f"p{number}", load) for number in range(8)]
    timer = simulate(Engines(2, Dispatching.TIMER), parts, 4)
    event = simulate(Engines(2, Dispatching.EVENT), parts, 4)
    assert event.effective > 1.5 * timer.effective
    late = max(each.latency for each in event.usage.values())
    assert late < min(each.latency for each in timer.usage.values()) / 10
    assert all(each.idle > each.effective for each in timer.usage.values())
    assert all(each.idle == 0 for each in event.usage.values())


def test_a_waiting_partition_with_few_rivals_answers_sooner_with_its_own_engine() -> None:
    load = Load(burst=0.001, think=0.01)
    rivals = [Partition(f"busy{number}", BUSY) for number in range(4)]
    shared = simulate(Engines(2), [Partition("io", load), *rivals], 4).usage["io"].latency
    own = simulate(Engines(3), [Partition("io", load, dedicated=True), *rivals], 4).usage["io"].latency
    assert own < shared


def test_a_cold_cache_costs_time_and_a_small_working_set_little() -> None:
    def warm_up(working_set: float) -> float:
        load = Load(burst=0.001, think=0.001, working_set=working_set)
        parts = [Partition(f"p{number}", load) for number in range(6)]
        return sum(each.warm_up for each in simulate(Engines(2), parts, 2).usage.values())

    assert warm_up(0) == 0
    assert warm_up(16 * KIB) < warm_up(512 * KIB) / 10


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(1, 2**20)), max_size=50))
def test_a_cache_never_owes_more_than_the_working_set(turns: list[tuple[int, float]]) -> None:
    cache = Cache(2**20)
    for who, working_set in turns:
        assert 0 <= cache.missing(who, working_set) <= min(working_set, 2**20)
        cache.load(who, working_set)
        assert cache.missing(who, working_set) == 0


def test_splitting_an_n_way_gains_up_to_ten_percent() -> None:
    """PR/SM (V): up to +10 % for dedicated 1-ways.  It grows with n and comes from locks and cold caches."""
    gains = [gain(engines, Work(), 2.0) for engines in (1, 2, 4, 10)]
    assert gains[0] == 0
    assert sorted(gains) == gains
    assert 0.03 < gains[-1] < 0.10
    nothing_shared = Work(locked=0.0, working_set=0.0)
    assert abs(gain(4, nothing_shared, 2.0)) < 0.02
    assert gain(4, Work(working_set=0.0, locked=0.05), 2.0) > 0.005
    assert gain(4, Work(locked=0.0), 2.0) > 0.005


@given(
    st.one_of(st.just(0.0), st.floats(1e-3, 100)),
    st.lists(st.tuples(st.integers(0, 20), st.floats(1, 255), st.floats(0.01, 4)), min_size=1, max_size=6),
)
def test_shares_are_fair_and_use_what_there_is(
    capacity: float, claims: list[tuple[int, float, float]]
) -> None:
    rates = divide(capacity, claims)
    used = sum(members * rate for (members, _, _), rate in zip(claims, rates, strict=True))
    wanted = sum(members * cap for members, _, cap in claims)
    assert used == pytest.approx(min(capacity, wanted), rel=1e-6, abs=1e-6)
    levels = [
        rate / weight
        for (members, weight, cap), rate in zip(claims, rates, strict=True)
        if members and rate < cap * (1 - 1e-9)
    ]
    # whoever is below the cap is at one level
    assert max(levels, default=0) - min(levels, default=0) <= 1e-6 * max(levels, default=0)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_domain_agrees_with_the_slices(seed: int) -> None:
    """Two models of the same thing: rates alone, and every dispatch, here for 12 guests on 4 engines."""
    load = Load(burst=0.1, think=0.2)
    sliced = simulate(
        Engines(4, slice=0.005, switch=1e-9),
        [Partition(f"g{number}", load) for number in range(12)],
        60,
        seed,
    )
    rates = Domain(4, [Kind("g", 12, 0.1, 0.2)], Costs(switch=0), seed).run(60)
    assert rates.busy == pytest.approx(sliced.effective / 60 / 4, rel=0.08)


def test_a_domain_shares_by_weight_only_when_it_is_short() -> None:
    kinds = [Kind("heavy", 50, 1.0, 1.0, weight=300), Kind("light", 50, 1.0, 1.0, weight=100)]
    short = Domain(20, kinds, Costs(switch=0)).run(300)
    assert short.busy == pytest.approx(1, abs=0.01)
    assert short.served["light"].stretch > 1.5 * short.served["heavy"].stretch
    plenty = Domain(100, kinds, Costs(switch=0)).run(300)
    assert plenty.served["light"].stretch == pytest.approx(1, abs=1e-6)
    assert plenty.served["heavy"].stretch == pytest.approx(1, abs=1e-6)


def test_a_cap_slows_a_burst_by_its_inverse() -> None:
    capped = Domain(10, [Kind("half", 5, 1.0, 3.0, cap=0.5)], Costs(switch=0)).run(400)
    assert capped.served["half"].stretch == pytest.approx(2, abs=1e-6)


def test_idle_guests_that_tick_take_engines_from_the_others() -> None:
    kinds = [Kind("g", 2000, 0.02, 10.0)]
    quiet = Domain(4, kinds, Costs(ticks=0)).run(100)
    ticking = Domain(4, kinds, Costs(ticks=100, tick=5e-6)).run(100)
    assert ticking.served["g"].stretch > quiet.served["g"].stretch


@pytest.mark.slow
def test_ten_thousand_guests() -> None:
    """The size, for two minutes of the hour: the engines are as busy as the load says."""
    kinds = [Kind("web", 9000, 0.12, 30), Kind("database", 1000, 0.1, 10)]
    outcome = Domain(64, kinds, Costs(ticks=10)).run(120)
    expected = sum(kind.guests * kind.burst / (kind.burst + kind.think) for kind in kinds) / 64
    assert outcome.guests == 10_000
    assert outcome.busy == pytest.approx(expected, rel=0.05)
    assert sum(served.bursts for served in outcome.served.values()) > 40_000
