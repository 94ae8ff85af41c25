"""Zones on a bridge: they reach each other and the host, ports are published, nothing stays behind.

All of it in a network namespace of the test's own; the zones are plain processes in namespaces of theirs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.zone import ZoneError, kernel
from sandbox.zone.network import (
    Link,
    Port,
    attach,
    detach,
    free_address,
    leftovers,
    names,
    publish,
    traffic,
)  # fmt: skip
from sandbox.zone.network.netlink import Routes

SERVER = """
import http.server, os, socket, sys
from sandbox.zone import kernel
kernel.unshare("net")
print("ready", flush=True)
sys.stdin.readline()
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    def do_GET(self):
        body = f"{sys.argv[1]} to {self.client_address[0].removeprefix('::ffff:')}".encode()
        self.send_response(200); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
server = Server(("", 80), Answer)
print("serving", flush=True)
server.serve_forever()
"""


@pytest.fixture(autouse=True)
def own_network() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    kernel.unshare("net")
    kernel.loopback_up()
    try:
        yield
        assert [name for _, name in socket.if_nameindex()] == ["lo"]
    finally:
        kernel.set_namespace(before, "net")
        os.close(before)


class Zone:
    def __init__(self, name: str, address: str, server: str = SERVER, address6: str = "") -> None:
        self.name, self.address = name, address.split("/")[0]
        self.process = subprocess.Popen(
            [sys.executable, "-c", server, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(kernel.__file__).parents[2])},
        )  # fmt: skip
        self.say("ready")
        self.attached = attach(name, self.process.pid, Link(address, address6=address6))
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.say("serving")

    def say(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{word}\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def get(address: str, port: int = 80) -> str:
    with socket.create_connection((address, port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b""))
    return text.decode().rpartition("\r\n")[2]


def get_from(zone: Zone, address: str) -> str:
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{zone.process.pid}/ns/net", os.O_RDONLY)
    try:
        kernel.set_namespace(there, "net")
        return get(address)
    finally:
        kernel.set_namespace(here, "net")
        os.close(here)
        os.close(there)


def test_zones_reach_each_other_and_leave_nothing() -> None:
    one, two = Zone("one", "10.89.0.2/24"), Zone("two", "10.89.0.3/24")
    try:
        assert get("10.89.0.2") == "one to 10.89.0.1"
        assert get_from(one, "10.89.0.3") == "two to 10.89.0.2"
        assert get_from(two, "127.0.0.1") == "two to 127.0.0.1"
        assert leftovers() == ["one", "two"]
        received = traffic("one")
        assert received is not None
        assert min(received) > 100
        detach("one")
        assert leftovers() == ["two"]
        assert traffic("one") is None
        assert get("10.89.0.3") == "two to 10.89.0.1"
    finally:
        for zone in (one, two):
            detach(zone.name)
            detach(zone.name)
            zone.end()


def test_ports_are_published_for_as_long_as_the_zone_runs() -> None:
    zone = Zone("web", "10.89.0.2/24")
    try:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            busy = taken.getsockname()[1]
            with pytest.raises(ZoneError, match="address already in use"):
                publish(zone.process.pid, zone.address, [Port(busy, 80, "127.0.0.1")])
        forwarder = publish(zone.process.pid, zone.address, [Port.parse("127.0.0.1:8080:80"), Port(8081, 81)])
        assert forwarder is not None
        assert get("127.0.0.1", 8080) == "web to 10.89.0.1"
        answers = [get("127.0.0.1", 8080) for _ in range(20)]
        assert set(answers) == {"web to 10.89.0.1"}
        with pytest.raises(ConnectionError):
            assert get("127.0.0.1", 8081) != ""
        watched = os.pidfd_open(forwarder)
    finally:
        zone.end()
        detach("web")
    # It ends by itself; it is this process's child until somebody looks.
    assert os.waitid(os.P_PIDFD, watched, os.WEXITED) is not None
    os.close(watched)
    with pytest.raises(ConnectionRefusedError):
        get("127.0.0.1", 8080)


def test_a_zone_that_was_killed_takes_its_interface_along() -> None:
    zone = Zone("gone", "10.89.0.2/24")
    zone.end()
    until = time.monotonic() + 60
    while "gone" in leftovers():  # the kernel takes namespaces down when it has time
        assert time.monotonic() < until
        time.sleep(0.01)
    again = Zone("gone", "10.89.0.2/24")
    assert get("10.89.0.2") == "gone to 10.89.0.1"
    detach("gone")
    again.end()


def test_zones_come_and_go_at_once() -> None:
    """Each time the last one goes, the bridge does: those that come must not meet that."""
    script = """
import subprocess, sys
from sandbox.zone import kernel
from sandbox.zone.network import Link, attach, detach
me = sys.argv[1]
for _ in range(4):
    child = subprocess.Popen([sys.executable, "-c",
        "from sandbox.zone import kernel; kernel.unshare('net'); print(1, flush=True); open(0).read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    attach("zone" + me, child.pid, Link(f"10.89.0.{int(me) + 2}/24"))
    detach("zone" + me)
    child.communicate()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(kernel.__file__).parents[2])}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(n)], env=environment, stderr=subprocess.PIPE, text=True
        )
        for n in range(3)
    ]
    assert [(child.communicate(timeout=200)[1], child.returncode) for child in children] == [("", 0)] * 3


def test_what_cannot_be_attached_leaves_nothing() -> None:
    with pytest.raises(ZoneError, match="has the host's network"):
        attach("x", os.getpid(), Link("10.89.0.2/24"))
    with pytest.raises(ZoneError, match="no network"):
        attach("x", 1 << 22, Link("10.89.0.2/24"))
    zone = Zone("x", "10.89.0.2/24")
    try:
        with pytest.raises(ZoneError, match="already"):
            attach("x", zone.process.pid, Link("10.89.0.3/24"))
    finally:
        detach("x")
        zone.end()


def test_what_the_kernel_refuses_is_raised() -> None:
    with Routes() as routes:
        routes.add_bridge("one")
        index = socket.if_nametoindex("one")
        routes.change(index, alias="what it is for")
        routes.add_address(index, bytes((10, 89, 0, 1)), 24)
        assert routes.alias(index) == "what it is for"
        assert routes.aliases() == ["what it is for"]
        for code, change in (
            (errno.EEXIST, lambda: routes.add_bridge("one")),
            (errno.EEXIST, lambda: routes.add_address(index, bytes((10, 89, 0, 1)), 24)),
            (errno.ENETUNREACH, lambda: routes.add_default_route(bytes((10, 90, 0, 1)))),
            (errno.ENODEV, lambda: routes.delete(index + 100)),
            (errno.ENODEV, lambda: routes.alias(index + 100)),
        ):
            with pytest.raises(OSError, match=os.strerror(code)) as caught:
                change()
            assert caught.value.errno == code
        routes.delete(index)  # the socket goes on after errors
        assert routes.aliases() == []


def test_addresses_and_ports_are_checked() -> None:
    for address in (
        "10.89.0.2",
        "10.89.0.0/24",
        "10.89.0.1/24",
        "10.89.0.255/24",
        "10.89.0.2/31",
        "x",
        "::2/64",
    ):
        with pytest.raises(ZoneError):
            Link(address)
    for address in (
        "fd00::2",
        "fd00::/64",
        "fd00::1/64",
        "fe80::2/64",
        "ff02::2/64",
        "fd00::2/127",
        "10.89.0.2/24",
    ):
        with pytest.raises(ZoneError):
            Link("10.89.0.2/24", address6=address)
    for bridge in ("", "a/b", "..", "sixteen-letters!"):
        with pytest.raises(ZoneError):
            Link("10.89.0.2/24", bridge)
    for port in ("80", "0:80", "80:70000", "host:80:80", "300.1.1.1:80:80", "80:80/sctp", "[::x]:80:80", ""):
        with pytest.raises(ZoneError):
            Port.parse(port)
    assert free_address("10.89.0.0/29", ["10.89.0.2/29", "10.89.0.3"]) == "10.89.0.4/29"
    with pytest.raises(ZoneError, match="every address"):
        free_address("10.89.0.0/30", ["10.89.0.2"])


def test_names_are_changed_in_place(tmp_path: Path) -> None:
    hosts = str(tmp_path / "hosts")
    with names(hosts) as known:
        known["one"] = ["10.89.0.2", "fd00::2"]
    with open(hosts) as seen:
        with names(hosts) as known:
            assert known == {"one": ["10.89.0.2", "fd00::2"]}
            known["a-long-name"] = ["10.89.0.9"]
        assert (
            seen.read()
            == "127.0.0.1\tlocalhost\n::1\tlocalhost\n10.89.0.9\ta-long-name\n10.89.0.2\tone\nfd00::2\tone\n"
        )
    with names(hosts) as known:
        del known["a-long-name"]
    assert Path(hosts).read_text().endswith("\n10.89.0.2\tone\nfd00::2\tone\n")
    (tmp_path / "link").symlink_to("/etc/hosts")
    with pytest.raises(ZoneError, match="cannot name"), names(str(tmp_path / "link")):
        pass


def test_datagrams_are_passed_on_and_answered() -> None:
    """Each sender's answers come back to it, from the address that it asked."""
    echo = (
        "import socket, sys\nfrom sandbox.zone import kernel\nkernel.unshare('net')\n"
        "print('ready', flush=True)\nsys.stdin.readline()\n"
        "here = socket.socket(type=socket.SOCK_DGRAM)\nhere.bind(('', 53))\nprint('serving', flush=True)\n"
        "while True:\n    data, sender = here.recvfrom(70000)\n    here.sendto(data[::-1], sender)\n"
    )
    zone = Zone("names", "10.89.0.2/24", echo)
    try:
        assert publish(zone.process.pid, zone.address, [Port.parse("5353:53/udp")]) is not None
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            busy = Port(taken.getsockname()[1], 53, "127.0.0.1", "udp")
            with pytest.raises(ZoneError, match="already in use"):
                publish(zone.process.pid, zone.address, [busy])
        for family, address in ((socket.AF_INET, "127.0.0.9"), (socket.AF_INET6, "::1")):
            with contextlib.ExitStack() as opened:
                senders = [opened.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(20)]
                for number, sender in enumerate(senders):
                    sender.settimeout(20)
                    sender.connect((address, 5353))  # it takes only what comes from there
                    sender.send(b"%d:" % number)
                for number, sender in enumerate(senders):
                    assert sender.recv(99) == (b"%d:" % number)[::-1]
                senders[0].send(b"x" * 60000)
                assert senders[0].recv(70000) == b"x" * 60000
    finally:
        zone.end()
        detach("names")


def test_addresses_of_ipv6() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this kernel has no IPv6")
    one = Zone("one", "10.89.0.2/24", address6="fd00:89::2/64")
    two = Zone("two", "10.89.0.3/24", address6="fd00:89::3/64")
    plain = Zone("plain", "10.89.0.4/24")
    try:
        assert get("fd00:89::2") == "one to fd00:89::1"
        assert get_from(one, "fd00:89::3") == "two to fd00:89::2"
        assert get_from(two, "10.89.0.4") == "plain to 10.89.0.3"
    finally:
        for zone in (one, two, plain):
            detach(zone.name)
            zone.end()
