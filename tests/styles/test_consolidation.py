"""Consolidation: HP's sizing rule, peaks in phase, percentiles, packing, and bad lists of servers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.consolidation import packing, servers, sizing

HP = "server,cpu,disk,network\n" + "".join(f"s{number},22%,12%,8%\n" for number in range(10))


def test_the_sizing_paper_of_hp() -> None:
    """HP Integrity VM sizing paper (V): ten servers need 5 processors, 3 disks and 2 adapters."""
    assert sizing.needed([0.22] * 10, 0.50) == 5
    assert sizing.needed([0.12] * 10, 0.40) == 3
    assert sizing.needed([0.08] * 10, 0.40) == 2


def test_a_sum_that_just_fits_is_not_rounded_up() -> None:
    assert sizing.needed([0.1] * 3, 0.3) == 1
    assert sizing.needed([0.1] * 4, 0.3) == 2


def test_the_peaks_count_when_servers_are_busy_together() -> None:
    day = [0.1, 0.1, 0.8, 0.1]
    night = [0.8, 0.1, 0.1, 0.1]
    assert sizing.demand([day, day], 0.95) == (1.6, True)
    total, in_phase = sizing.demand([day, night], 0.95)
    assert not in_phase
    assert total == pytest.approx(0.9)


def test_correlation_tells_together_from_turns() -> None:
    up, down = [0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]
    assert sizing.correlation([up, up, up]) == pytest.approx(1)
    assert sizing.correlation([up, down]) == pytest.approx(-1)
    assert sizing.correlation([up, [0.0, 0.0, 1.0, 1.0]]) == pytest.approx(0)


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_sample_that_enough_do_not_exceed(samples: list[float], share: float) -> None:
    found = sizing.percentile(samples, share)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= math.floor(share * len(samples))


def _read(tmp_path: Path, text: str) -> tuple[servers.Server, ...]:
    file = tmp_path / "servers"
    file.write_text(text)
    return servers.read(file)


def test_the_plan_of_ten_small_servers(tmp_path: Path) -> None:
    room = packing.Room({"cpu": 2, "disk": 1, "network": 1}, target=0.5)
    plan = packing.pack(_read(tmp_path, HP), room)
    # 22 % each and 1.0 units to use: four by CPU; 12 % of a disk and 0.5 to use: four too
    assert [len(host.servers) for host in plan.hosts] == [4, 4, 2]
    assert plan.needs["cpu"].units == 5


def test_every_server_is_placed_once_and_no_host_overflows(tmp_path: Path) -> None:
    text = "server,cpu,memory\n" + "".join(
        f"s{number},{number % 7 * 9 + 3}%,{number % 5 + 1}GiB\n" for number in range(60)
    )
    listed = _read(tmp_path, text)
    room = packing.Room({"cpu": 4, "memory": 16 * 2**30}, target=0.6, buffer=0.1)
    plan = packing.pack(listed, room)
    assert sorted(server.name for host in plan.hosts for server in host.servers) == sorted(
        server.name for server in listed
    )
    for host in plan.hosts:
        assert host.uses("cpu", 0.95) <= 4 * 0.6 / 1.1 + 1e-9
        assert host.uses("memory", 0.95) <= 16 * 2**30 / 1.1 + 1e-9
    fewest = math.ceil(sum(server.samples["memory"][0] for server in listed) / (16 * 2**30 / 1.1))
    assert fewest <= len(plan.hosts) <= fewest * 11 / 9 + 1


def test_servers_that_take_turns_share_a_host_and_those_in_phase_do_not(tmp_path: Path) -> None:
    day = "[0.1, 0.1, 0.4, 0.4]"
    night = "[0.4, 0.4, 0.1, 0.1]"
    room = packing.Room({"cpu": 1}, target=0.5)
    turns = _read(tmp_path, f'[{{"server": "a", "cpu": {day}}}, {{"server": "b", "cpu": {night}}}]')
    assert len(packing.pack(turns, room).hosts) == 1
    together = _read(tmp_path, f'[{{"server": "a", "cpu": {day}}}, {{"server": "b", "cpu": {day}}}]')
    assert len(packing.pack(together, room).hosts) == 2


def test_the_limit_of_a_style_is_kept(tmp_path: Path) -> None:
    room = packing.Room({"cpu": 100, "disk": 100, "network": 100}, most=4)
    assert [len(host.servers) for host in packing.pack(_read(tmp_path, HP), room).hosts] == [4, 4, 2]


def test_a_server_that_fits_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(packing.TooLarge, match=r"big fits onto no host: it needs 0.90 units of cpu"):
        packing.pack(_read(tmp_path, "server,cpu\nbig,90%\n"), packing.Room({"cpu": 1}))


def test_samples_over_time_are_lines_of_the_same_server(tmp_path: Path) -> None:
    listed = _read(tmp_path, "time,server,cpu,memory\n1,a,10%,1G\n2,a,0.3,512MiB\n1,b,.5,0\n2,b,5e-1,0\n")
    assert listed[0].samples == {"cpu": (0.1, 0.3), "memory": (2.0**30, 2.0**29)}
    assert listed[1].samples["cpu"] == (0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not name a column `server`"),
        ("server,cpu\n", "lists no server"),
        ("server,cpu\na\n", "line 2 does not have as many fields"),
        ("server,cpu\na,1,2\n", "line 2 does not have as many fields"),
        ("server,cpu\na,much\n", "'much' for cpu"),
        ("server,cpu\na,-1\n", "'-1' for cpu"),
        ("server,cpu\na,inf\n", "'inf' for cpu"),
        ("server,cpu\n,1\n", "names no server"),
        ("server,gpu\na,1\n", "gpu is no resource"),
        ("server,memory\na,2 lots\n", "2GiB"),
        ("server,cpu\na,1\na,1\nb,1\nb,1\nb,1\n", "different numbers of samples"),
        ("[", "not JSON"),
        ("{}", "no list of servers"),
        ("[3]", "server 1 is no object"),
        ('[{"server": "a", "cpu": [true]}]', "True for cpu"),
    ],
)
def test_a_bad_list_gets_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(servers.ServersError) as error:
        _read(tmp_path, text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
