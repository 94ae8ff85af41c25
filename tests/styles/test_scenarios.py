"""Scripts of partitions: boards that move while everything runs, parts that fail, and bad scripts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox import systems
from sandbox.partition import faults, scenario
from sandbox.partition.play import Played, play, play_domain
from sandbox.style import RuleError

EXAMPLES = Path(sandbox.__file__).parents[1] / "examples" / "partitions"

BOARDS = """
system = "sun-domains"
seconds = 60
[[board]]
name = "b0"
engines = 2
memory = "4GiB"
domain = "a"
[[board]]
name = "b1"
engines = 2
memory = "4GiB"
domain = "b"
[[board]]
name = "b2"
engines = 2
memory = "4GiB"
domain = "b"
[[partition]]
name = "a"
processors = 4
memory = "3GiB"
load = { burst_ms = 50 }
[[partition]]
name = "b"
processors = 4
memory = "2GiB"
load = { burst_ms = 50 }
"""
MOVE = '[[action]]\nat = 10\nmove = "b1"\nto = "a"\n'


def _play(text: str) -> Played:
    return play(scenario.parse(tomllib.loads(text)))


def test_a_board_takes_its_engines_along_while_both_run() -> None:
    stay, moved = _play(BOARDS), _play(BOARDS + MOVE)
    assert stay.outcome.usage["a"].effective == pytest.approx(120, rel=0.01)
    arrived = next(at for at, what in moved.log if what == "board b1 is in a")
    left = next(at for at, what in moved.log if "has left" in what)
    assert 10 < left < arrived < 60
    gained = moved.outcome.usage["a"].effective - stay.outcome.usage["a"].effective
    lost = stay.outcome.usage["b"].effective - moved.outcome.usage["b"].effective
    assert gained == pytest.approx(2 * (60 - arrived), rel=0.02)
    assert lost == pytest.approx(2 * (60 - left), rel=0.02)


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ('[[action]]\nat=1\nmove="b0"\nto="b"\n', "cannot leave a: it would have no board"),
        ('[[action]]\nat=1\nmove="b9"\nto="a"\n', "there is no board b9"),
        ('[[action]]\nat=1\nmove="b1"\nto="c"\n', "there is no domain c"),
        ('[[action]]\nat=1\nmove="b1"\nto="b"\n', "is in b already"),
        (MOVE + MOVE.replace("10", "11"), "is on its way already"),
        ('[[action]]\nat=99\nmove="b1"\nto="a"\n', "comes after the end"),
        ('[[action]]\nat=1\nfail="monitor"\n', "has no part monitor"),
        ('[[action]]\nat=1\nfail="board b9"\n', "nobody owns board b9"),
        ('[[action]]\nat=1\nfail="guest kernel"\n', "so say whose"),
        ('[[action]]\nat=1\nfail="engine 77"\n', "nobody owns engine 77"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(actions: str, says: str) -> None:
    with pytest.raises(RuleError) as error:
        _play(BOARDS + actions)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_memory_in_use_keeps_a_board() -> None:
    with pytest.raises(RuleError, match=r"cannot leave b: it uses 5.0 GiB and would have 4.0 GiB"):
        _play(BOARDS.replace("2GiB", "5GiB") + MOVE)
    with pytest.raises(RuleError, match=r"a cannot start: it uses 9.0 GiB"):
        _play(BOARDS.replace("3GiB", "9GiB"))


def test_cells_of_npar_do_not_move_while_running() -> None:
    with pytest.raises(RuleError, match="only while its partition is down"):
        _play(BOARDS.replace("sun-domains", "npar") + MOVE)


def _survivors(text: str) -> set[str]:
    """Who still finished work after the fault, by the simulation itself."""
    played = _play(text)
    for name, usage in played.outcome.usage.items():
        assert (usage.stopped is None) == (played.after[name] > 0), name
    return {name for name, count in played.after.items() if count}


@pytest.mark.parametrize(
    ("fault", "alive"),
    [
        ("board b0", {"b"}),
        ("guest kernel b", {"a"}),
        ("engine 0", {"b"}),
        ("memory a", {"b"}),
        ("centerplane", set()),
    ],
)
def test_domains_of_boards_fail_alone_except_with_the_centerplane(fault: str, alive: set[str]) -> None:
    assert _survivors(BOARDS + f'[[action]]\nat=20\nfail="{fault}"\n') == alive


SHARED = """
system = "{system}"
seconds = 4
[hardware]
engines = 2
[[partition]]
name = "a"
load = {{ burst_ms = 5, think_ms = 2 }}
[[partition]]
name = "b"
load = {{ burst_ms = 5, think_ms = 2 }}
[[action]]
at = 1
fail = "{fault}"
"""


@pytest.mark.parametrize(
    ("system", "fault", "alive"),
    [
        ("lpar", "guest kernel a", {"b"}),
        ("lpar", "engine 0", {"a", "b"}),  # a spare takes over
        ("lpar", "monitor", set()),
        ("xen", "guest kernel a", {"b"}),
        ("xen", "monitor", set()),
        ("xen", "service partition", set()),
        ("vmware-workstation", "monitor a", {"b"}),
        ("vmware-workstation", "host kernel", set()),
        ("uml", "monitor b", {"a"}),
        ("zone", "process a", {"b"}),
        ("zone", "host kernel", set()),
        ("zone", "engine 0", set()),
    ],
)
def test_who_survives_what(system: str, fault: str, alive: set[str]) -> None:
    assert _survivors(SHARED.format(system=system, fault=fault)) == alive


def test_a_zone_has_no_kernel_of_its_own_to_fail() -> None:
    with pytest.raises(RuleError, match="has no part guest kernel"):
        faults.victims(systems.load("zone"), "guest kernel", "a", {}, ["a"])


def test_rules_bind_in_scripts_too(tmp_path: Path) -> None:
    file = tmp_path / "script.toml"
    text = SHARED.format(system="pseries", fault="monitor")
    file.write_text(text.replace('name = "a"', 'name = "a"\nentitlement = 0.05'))
    with pytest.raises(RuleError, match=r"at least 0\.10 processing units"):
        scenario.read(file)
    guest = SHARED.format(system="virtual-pc", fault="monitor a")
    file.write_text(guest.replace('name = "b"', 'name = "b"\nbits = 64'))
    with pytest.raises(RuleError, match="b has bits: 64, but guests are 32-bit"):
        scenario.read(file)
    file.write_text(
        guest.replace("virtual-pc", "uml").replace('name = "b"', 'name = "b"\nkernel = "freebsd"')
    )
    with pytest.raises(RuleError, match="b has the kernel freebsd, but the guest's kernel is Linux"):
        scenario.read(file)
    file.write_text(text.replace("[hardware]", "[hardware]\nwindow_ms = 20"))
    with pytest.raises(RuleError, match="window is 10 ms"):
        scenario.read(file)


@pytest.mark.parametrize("name", sorted(file.name for file in EXAMPLES.glob("*.toml")))
def test_the_examples_can_be_read(name: str) -> None:
    assert scenario.read(EXAMPLES / name).seconds > 0


def test_a_script_of_many_guests() -> None:
    script = scenario.parse(
        {
            "system": "zvm",
            "seconds": 50,
            "hardware": {"engines": 4},
            "guests": [{"name": "g", "count": 300, "burst_ms": 20, "think_ms": 2000}],
        }
    )
    outcome = play_domain(script)
    assert outcome.guests == 300
    assert outcome.busy == pytest.approx(300 * 0.02 / 2.02 / 4, rel=0.1)


GOOD: dict[str, Any] = tomllib.loads(SHARED.format(system="lpar", fault="monitor"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"system": None}, "system in the script is missing"),
        ({"seconds": 0}, "seconds in the script is 0, and has to be at least"),
        ({"seconds": True}, "is not a number"),
        ({"secondz": 3}, "did you mean seconds?"),
        ({"hardware": {}}, "engines in [hardware] is missing"),
        ({"hardware": {"engines": 1e9}}, "at most 100000"),
        ({"partition": []}, "either [[partition]] tables or [[guests]]"),
        ({"partition": {"name": "a"}}, "written as [[partition]]"),
        ({"partition": [{"name": "shared", "load": {"burst_ms": 1}}]}, "cannot be named shared"),
        ({"partition": [{"name": "a", "load": {"burst_ms": 1}}] * 2}, "two partitions a"),
        ({"partition": [{"name": "a", "load": 3}]}, "is no table"),
        ({"partition": [{"name": "a", "load": {}}]}, "burst_ms in load of [[partition]] 1 is missing"),
        ({"partition": [{"name": "a", "load": {"burst_ms": 1}, "capped": 1}]}, "neither true nor false"),
        ({"partition": [{"name": "a", "load": {"burst_ms": 1}, "memory": "much"}]}, "no size"),
        ({"action": [{"at": 1}]}, 'needs either "move" with "to", or "fail"'),
        ({"action": [{"at": 1, "move": "b"}]}, 'needs either "move" with "to", or "fail"'),
        ({"board": [{"name": "b", "engines": 1, "domain": "x"}]}, "no partition has that name"),
    ],
)
def test_a_bad_script_gets_one_sentence(change: dict[str, Any], says: str) -> None:
    data = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(scenario.ScenarioError) as error:
        scenario.parse(data)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_script(tmp_path: Path) -> None:
    for content in (b"\xff\xfe", b"[[[", b"= 3"):
        file = tmp_path / "script.toml"
        file.write_bytes(content)
        with pytest.raises(scenario.ScenarioError, match="not TOML"):
            scenario.read(file)
