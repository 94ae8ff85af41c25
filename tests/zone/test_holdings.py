"""Limits and networks of zones: what `guise zone` makes of the host's groups and links, and takes away."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.zone import ZoneError, resources
from sandbox.zone.network.link import outside_name
from sandbox.zone.resources import IoLimit
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


def test_limits_of_a_disk_hold_change_and_go(zones: Zones) -> None:
    controller = next((one for one in hierarchies() if {"blkio", "io"} & set(one.controllers)), None)
    if controller is None:
        pytest.skip("this host gives no groups for disks")
    disk = IoLimit(str(zones.directory), reads=1)
    try:
        number = disk.number()
    except ZoneError as error:
        pytest.skip(str(error))
    zones.sparse("limited", f"io-limits={zones.directory}:read=8M,writes=50")
    zones("boot", "limited")
    folder = Path(controller.folder(Zone(str(zones.folder), "limited").identity))
    kinds = ("read_bps", "write_bps", "read_iops", "write_iops")

    def held() -> list[str]:
        if controller.version == 2:
            return (folder / "io.max").read_text().split()
        return [(folder / f"blkio.throttle.{kind}_device").read_text().strip() for kind in kinds]

    if controller.version == 2:
        assert held() == [number, f"rbps={8 << 20}", "wbps=max", "riops=max", "wiops=50"]
    else:
        assert held() == [f"{number} {8 << 20}", "", "", f"{number} 50"]
    zones("set", "limited", f"io-limits={zones.directory}:write=1M")
    assert str(1 << 20) in " ".join(held())
    assert str(8 << 20) not in " ".join(held())
    zones("set", "limited", "io-limits=")
    assert "".join(held()) == ""
    done = zones.run("set", "limited", "io-limits=/proc:read=1M")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done
    assert "goes on without io-limits: /proc is on no disk" in done.stderr
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
    zones("set", "one", "address6=fd00:89::7/64" if socket.has_dualstack_ipv6() else "address6=")
    zones("set", "one", "port=127.0.0.1:18080:80", f"boot={sys.executable} /server.py")
    zones("boot", "one", "two")
    known = zones("exec", "two", "cat", "/etc/hosts")
    assert known.count("10.89.") == 2
    assert ("fd00:89::7\tone\n" in known) is socket.has_dualstack_ipv6()
    (address,) = [line.split()[0] for line in known.splitlines() if line.endswith("two")]
    zones.sparse("three", "net=bridge", f"address={address}/16")
    assert f"zone two has the address {address}" in zones.refuses("boot", "three")
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
