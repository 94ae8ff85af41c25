"""Zones beside each other in numbers: what one can do, what it may take, and what a neighbour feels of that.

Verbs of `benchmarks.zones`: `network`, `neighbour`, `caps`, `cpu` and `overhead`.  The programs are in
Python, the last verb's aside: guests in the zones, and native on the host where they are compared with that.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from guise.zone import entering
from sandbox.zone import boot, lifecycle
from sandbox.zone.resources import Group
from sandbox.zone.store import Store, Zone

PORT = 5001
ROUNDS = 5
SECONDS = 5.0
CAPS = ("cpu-cap=1", "max-lwps=100", "memory=256M", "swap=0")  # as one would give them to a stranger's zone

SINK = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
block = bytearray(1 << 18)
while True:
    connection = server.accept()[0]
    while connection.recv_into(block):
        pass
    connection.sendall(b"k")
    connection.close()
"""
SOURCE = """
import socket, sys, time
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
block, sent, start = bytes(1 << 18), 0, time.perf_counter()
while time.perf_counter() < start + 2:
    sent += connection.send(block)
connection.shutdown(socket.SHUT_WR)
connection.recv(1)
print(sent / (time.perf_counter() - start))
"""
ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    connection = server.accept()[0]
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while block := connection.recv(4096):
        connection.sendall(block)
"""
BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
EAT = """
import mmap, os, time

def eat():
    kept = []
    while True:
        kept.append(mmap.mmap(-1, 1 << 20))
        kept[-1].write(b"x" * (1 << 20))

"""
HOG = f"""{EAT}
while True:
    if os.fork() == 0:
        eat()
    os.wait()
"""
FILLER = """
import os
block = b"x" * (1 << 20)
while True:
    for number in range(8):
        file = os.open(f"/filled{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for _ in range(64):
            os.write(file, block)
        os.fsync(file)
        os.close(file)
"""
SPIN = """
import os
os.fork()
while True:
    pass
"""
GROW = f"""{EAT}
if os.fork() == 0:
    eat()
os.wait()
time.sleep(1000)
"""
MULTIPLY = """
import os, time
while True:
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except OSError:
        time.sleep(1000)
"""
COMPUTE = """
import hashlib, os, zlib
total = sum(i * i % 97 for i in range(4_000_000))
text = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100_000))
zlib.compress(text, 6)
used = os.times()
print(used.user + used.system)
"""


@contextlib.contextmanager
def _zone(zones: Store, name: str, program: str, *orders: str, words: str = "") -> Iterator[Zone]:
    """A zone that has the host's programs, and runs one of Python's."""
    shared = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc") if os.path.isdir(path)]
    shared += [path for path in {sys.prefix, sys.base_prefix} if not path.startswith("/usr/")]
    settings = [f"inherit={' '.join(shared)}", f"boot={sys.executable} /program.py {words}", *orders]
    zone = lifecycle.create(zones, name, settings)
    lifecycle.install(zone, [])
    root = Path(zone.root(zone.configuration()))
    (root / "program.py").write_text(program)
    boot.boot(zone, entering.at_boot)
    try:
        yield zone
    finally:
        with contextlib.suppress(lifecycle.WrongState):
            lifecycle.halt(zone)
        lifecycle.uninstall(zone)
        lifecycle.delete(zone)


def _address(zone: Zone) -> str:
    return str((zone.running() or {})["address"]).partition("/")[0]


def _said(words: list[str], zones: Store) -> float:
    environment = {**os.environ, "GUISE_ZONES": zones.folder}
    return float(subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout)


def _inside(zone: Zone, *words: str) -> list[str]:
    return [sys.executable, "-m", "guise", "zone", "exec", zone.name, *words]


def _connected(address: str) -> socket.socket:
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = socket.create_connection((address, PORT), 10)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection


def network(zones: Store, rounds: int) -> dict[str, object]:
    """One connection from zone to zone, and one over the host's loopback, in turn."""
    words = f"0.0.0.0 {PORT}"
    outside, inside = [], []
    with (
        _zone(zones, "one", SINK, "net=bridge", words=words) as one,
        _zone(zones, "two", "import time; time.sleep(1000)", "net=bridge") as two,
        subprocess.Popen([sys.executable, "-c", SINK, "127.0.0.1", str(PORT)]) as sink,
    ):
        source = Path(two.root(two.configuration())) / "source.py"
        source.write_text(SOURCE)
        for address in ("127.0.0.1", _address(one)):
            _connected(address).close()
        for _ in range(rounds):
            native = [sys.executable, str(source), "127.0.0.1", str(PORT)]
            outside.append(_said(native, zones))
            guest = _inside(two, sys.executable, "/source.py", _address(one), str(PORT))
            inside.append(_said(guest, zones))
        sink.kill()
    return {
        "loopback_gigabytes_a_second": round(statistics.median(outside) / 1e9, 2),
        "zone_to_zone_gigabytes_a_second": round(statistics.median(inside) / 1e9, 2),
        "ratio": round(statistics.median(inside) / statistics.median(outside), 3),
    }


def _round_trips(connection: socket.socket, seconds: float) -> list[float]:
    """Milliseconds of each, one every two milliseconds."""
    took = []
    until = time.perf_counter() + seconds
    while (start := time.perf_counter()) < until:
        connection.sendall(b"x" * 64)
        connection.recv(4096)
        took.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.002)
    return took


def neighbour(zones: Store, rounds: int) -> dict[str, object]:
    """Round trips to a server in zone `one`: alone, and beside a zone that takes all that its caps allow."""
    found: dict[str, object] = {}
    with _zone(zones, "one", ECHO, "net=bridge", words=f"0.0.0.0 {PORT}") as one:
        connection = _connected(_address(one))
        _round_trips(connection, 1)
        for name, program in (("fork bomb", BOMB), ("memory hog", HOG), ("disk filler", FILLER)):
            alone: list[float] = []
            beside: list[float] = []
            for _ in range(rounds):
                alone += _round_trips(connection, SECONDS / rounds)
                with _zone(zones, "two", program, *CAPS):
                    time.sleep(1)  # until it takes all that it can get
                    beside += _round_trips(connection, SECONDS / rounds)
                time.sleep(0.2)
            found[name] = _compared(alone, beside)
        connection.close()
    return found


def _compared(alone: list[float], beside: list[float]) -> dict[str, float]:
    median, others = statistics.median(alone), statistics.median(beside)
    slow, slower = (statistics.quantiles(one, n=100)[98] for one in (alone, beside))
    return {
        "alone_ms": round(median, 3), "beside_ms": round(others, 3), "ratio": round(others / median, 2),
        "alone_p99_ms": round(slow, 3), "beside_p99_ms": round(slower, 3),
        "p99_ratio": round(slower / slow, 2),
    }  # fmt: skip


def caps(zones: Store) -> dict[str, object]:
    """What zones get of what they are given, as a part of it."""
    with _zone(zones, "spin", SPIN, "cpu-cap=0.5") as zone:
        group = Group(zone.identity)
        time.sleep(1)
        before, start = group.usage().cpu or 0.0, time.monotonic()
        time.sleep(SECONDS)
        cpu = ((group.usage().cpu or 0.0) - before) / (time.monotonic() - start)
    with _zone(zones, "grow", GROW, "memory=128M", "swap=0") as zone:
        group = Group(zone.identity)
        memory = _settled(lambda: group.usage().memory_kills or 0) and (group.usage().memory_peak or 0)
    with _zone(zones, "many", MULTIPLY, "max-lwps=50") as zone:
        group = Group(zone.identity)
        lwps = _settled(lambda: (group.usage().lwps or 0) // 50) and (group.usage().lwps or 0)
    return {
        "cpu_cap_half": round(cpu / 0.5, 3),
        "memory_128M": round(memory / (128 << 20), 3),
        "max_lwps_50": round(lwps / 50, 3),
    }


def _settled(reached: Callable[[], int]) -> bool:
    """Whether a count is above 0 within half a minute."""
    deadline = time.monotonic() + 30
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def cpu(zones: Store, rounds: int) -> dict[str, object]:
    """CPU seconds of the same work, outside and in a zone, in turn."""
    outside, inside = [], []
    with _zone(zones, "one", "import time; time.sleep(1000)") as one:
        (Path(one.root(one.configuration())) / "compute.py").write_text(COMPUTE)
        for _ in range(rounds):
            outside.append(_said([sys.executable, "-c", COMPUTE], zones))
            inside.append(_said(_inside(one, sys.executable, "/compute.py"), zones))
    return {
        "outside_cpu_seconds": round(statistics.median(outside), 3),
        "in_a_zone_cpu_seconds": round(statistics.median(inside), 3),
        "ratio": round(statistics.median(inside) / statistics.median(outside), 3),
    }


def overhead(zones: Store, rounds: int) -> dict[str, object]:
    """Pieces of everyday work as a guest without a sandbox, and in a zone on the same file system, in turn.

    For each the fastest nanoseconds and their ratio, and the median of the pairs' ratios, which is noisier.
    """
    pairs: dict[str, list[tuple[float, float]]] = {}
    with _zone(zones, "one", "import time; time.sleep(1000)") as one:
        root = Path(one.root(one.configuration()))
        source = Path(__file__).with_name("zone_overhead.c")
        subprocess.run(["cc", "-O1", "-pthread", "-o", root / "overhead", source], check=True)
        (root / "work").mkdir()
        plain = [sys.executable, "-m", "guise", "run", "--no-sandbox", "--as", "linux"]
        for _ in range(rounds):
            outside = _pieces([*plain, str(root / "overhead"), str(root / "work")], zones)
            inside = _pieces(_inside(one, "/overhead", "/work"), zones)
            for name, took in outside.items():
                pairs.setdefault(name, []).append((took, inside[name]))
    return {
        name: {
            "outside_ns": round(min(before for before, _ in both)),
            "in_a_zone_ns": round(min(after for _, after in both)),
            "ratio": round(min(after for _, after in both) / min(before for before, _ in both), 3),
            "ratio_of_pairs": round(statistics.median(after / before for before, after in both), 3),
        }
        for name, both in pairs.items()
    }


def _pieces(words: list[str], zones: Store) -> dict[str, float]:
    environment = {**os.environ, "GUISE_ZONES": zones.folder}
    said = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
    return {name: float(took) for name, took in map(str.split, said.splitlines())}
