"""Limits and networks of zones: what `guise zone` makes of the host's groups and links, and takes away."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from sandbox.zone import resources
from sandbox.zone.network.link import outside_name
from sandbox.zone.resources.hierarchy import hierarchies
from sandbox.zone.store import Zone

from .bench import Zones, python_folders

SERVER = """
import socket
server = socket.create_server(("", 80))
while True:
    connection = server.accept()[0]
    connection.sendall(b"hello")
    connection.close()
"""


@pytest.fixture
def zones(zones: Zones) -> Iterator[Zones]:
    """As everywhere, and no link is left afterwards either."""
    yield zones
    zones.close()
    assert not _links(zones), "a link is left"


def _links(zones: Zones) -> list[str]:
    """Links of our zones on the host: others may have zones as well."""
    ours = {outside_name(Zone(str(zones.folder), name).identity) for name in ("one", "two")}
    return [name for _, name in socket.if_nameindex() if name in ours]


def _groups(zones: Zones) -> list[str]:
    return [name for name in resources.groups() if name.startswith(("limited-", "killed-"))]


def _needs_groups() -> None:
    found = {controller for one in hierarchies() for controller in one.controllers}
    if not {"pids", "memory"} <= found:
        pytest.skip("this host gives no groups for memory and pids")


def test_limits_hold_change_and_go(zones: Zones) -> None:
    _needs_groups()
    zones.sparse("limited", "max-lwps=12", "memory=200M")
    zones("boot", "limited")
    assert len(_groups(zones)) == 1
    script = "i=0; while [ $i -lt 30 ]; do sleep 100 >/dev/null 2>&1 & i=$((i+1)); done; echo all"
    assert "all" not in zones.run("exec", "limited", "sh", "-c", script).stdout
    (row,) = json.loads(zones("stat", "--json", "limited"))
    assert row["cpu_seconds_ever"] > 0
    assert 0 < row["memory_bytes"] <= row["memory_peak_bytes"] <= 200 << 20
    zones("set", "limited", "max-lwps=1")
    assert "(max-lwps)" in zones.refuses("exec", "limited", "true")
    zones("set", "limited", "max-lwps=100")
    assert zones.run("exec", "limited", "sh", "-c", script).stdout == "all\n"
    zones("halt", "limited")
    assert _groups(zones) == []


def test_a_killed_zones_group_goes(zones: Zones) -> None:
    _needs_groups()
    zones.sparse("killed", "max-lwps=50")
    zones("boot", "killed")
    os.kill(json.loads(zones("list", "--json"))[0]["id"], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while zones.state("killed") != "installed":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    zones("verify", "--repair")
    assert _groups(zones) == []


def test_limits_out_of_range(zones: Zones) -> None:
    zones("create", "a")
    assert "10000" in zones.refuses("set", "a", "cpu-shares=1000000")


def test_a_view_that_cannot_be_built_leaves_no_link(zones: Zones) -> None:
    """The network is made while process 1 builds its view."""
    zones.sparse("one", "net=bridge", "fs=/etc/passwd:/usr")
    assert "/usr" in zones.refuses("boot", "one")
    assert _links(zones) == []
    assert zones.state("one") == "installed"
    assert {"running", "journal", "control", "again"}.isdisjoint(os.listdir(zones.folder / "one"))


def test_zones_on_a_bridge_find_each_other(zones: Zones) -> None:
    for name in ("one", "two"):
        zones.sparse(name, "net=bridge", *python_folders())
    server = zones.folder / "one/root/server.py"
    server.write_text(SERVER)
    zones("set", "one", "port=127.0.0.1:18080:80", f"boot={sys.executable} /server.py")
    zones("boot", "one", "two")
    assert zones("exec", "two", "cat", "/etc/hosts").count("10.89.") == 2
    ask = "import socket; print(socket.create_connection(('one', 80), 20).recv(9))"
    asked = zones.run("exec", "two", sys.executable, "-c", ask)
    deadline = time.monotonic() + 30
    while asked.stdout != "b'hello'\n":
        assert time.monotonic() < deadline, asked
        asked = zones.run("exec", "two", sys.executable, "-c", ask)
    with socket.create_connection(("127.0.0.1", 18080), 20) as connection:
        assert connection.recv(9) == b"hello"
    (row,) = json.loads(zones("stat", "--json", "one"))
    assert row["received_bytes"] > 0
    assert row["sent_bytes"] > 0
    zones("halt", "--all")
    assert _links(zones) == []
