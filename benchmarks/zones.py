"""Zones in numbers: how long a boot takes, how many run at once, and what many lives leave.

    python -m benchmarks.zones boot [--times 50]         one zone, booted and halted again and again
    python -m benchmarks.zones many [--zones 300]        so many at once, each with a web server on port 80
    python -m benchmarks.zones cycles [--times 2000]     create, install, boot, halt, uninstall, delete
    python -m benchmarks.zones network [--times 5]       a connection between zones beside one over loopback
    python -m benchmarks.zones neighbour [--times 5]     a server beside a zone that takes all it gets
    python -m benchmarks.zones caps                      what zones get of CPU, memory and threads
    python -m benchmarks.zones cpu [--times 5]           the same work outside and in a zone
    python -m benchmarks.zones overhead [--times 5]      pieces of it: computing, files, the loopback

Needs root, and for `many` Go's tools.  The zones are in a folder of their own, which is removed.  With
`unshare -n` before it, nobody else's links are counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import zone_neighbours
from guise.zone import entering
from personality.supervisor import standby
from sandbox.zone import boot, lifecycle, resources
from sandbox.zone.store import Store, Zone

SERVER = """
package main
import ("fmt"; "net/http"; "os")
func main() {
	name, _ := os.Hostname()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, name) })
	panic(http.ListenAndServe(":80", nil))
}
"""


def residue(zones: Store) -> dict[str, int]:
    """What a zone could leave on the host, counted.  Groups are named after the folder of zones."""
    ours = Zone(zones.folder, "z").identity[1:]
    mounts = Path("/proc/self/mounts").read_text().count("\n")
    inits = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            inits += Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"guise-init\0zone")
    descriptors = len(os.listdir("/proc/self/fd"))
    return {
        "mounts": mounts,
        "groups": sum(name.endswith(ours) for name in resources.groups()),
        "links": len(socket.if_nameindex()),
        "zone processes": inits,
        "descriptors": descriptors,
        "temporary files": len(os.listdir(tempfile.gettempdir())),
    }


@contextlib.contextmanager
def store() -> Iterator[Store]:
    folder = tempfile.mkdtemp(prefix="guise-zones-", dir="/var/tmp")
    try:
        yield Store(folder)
    finally:
        for zone in Store(folder).all():
            if zone.running() is not None:
                lifecycle.halt(zone)
        shutil.rmtree(folder)


def model(folder: Path) -> Path:
    """A small system's files, with a static program that waits."""
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    return folder


def _boots(zones: Store, times: int) -> dict[str, float]:
    zone = lifecycle.create(zones, "z", ["inherit=/usr /bin /lib /lib64", "boot=/bin/sleep 100000"])
    lifecycle.install(zone, [])
    took, halted = [], []
    for _ in range(times + 1):
        start = time.perf_counter()
        boot.boot(zone, entering.at_boot, entering.again(zone))
        middle = time.perf_counter()
        lifecycle.halt(zone)
        took.append((middle - start) * 1e3)
        halted.append((time.perf_counter() - middle) * 1e3)
    lifecycle.uninstall(zone)
    lifecycle.delete(zone)
    return {"boot_ms": statistics.median(took[1:]), "halt_ms": statistics.median(halted[1:])}


def _commands(zones: Store, times: int) -> float:
    """The same with the command line, Python's start included."""
    zone = lifecycle.create(zones, "z", ["inherit=/usr /bin /lib /lib64", "boot=/bin/sleep 100000"])
    lifecycle.install(zone, [])
    took = []
    environment = {**os.environ, "GUISE_ZONES": zones.folder}
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "guise", "zone", "boot", "z"], env=environment, check=True)
        took.append((time.perf_counter() - start) * 1e3)
        lifecycle.halt(zone)
    lifecycle.uninstall(zone)
    lifecycle.delete(zone)
    return statistics.median(took)


def _unshared(pids: list[int]) -> int:
    """Bytes that are these processes' alone."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Clean", "Private_Dirty")):
                    total += int(line.split()[1]) << 10
    return total


def _named_as(process: int) -> list[int]:
    """Processes that have their host's name with that one: supervisors, too, which are none of the zone's."""
    name = os.readlink(f"/proc/{process}/ns/uts")
    found = []
    for pid in (int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        with contextlib.suppress(OSError):  # it has ended
            if os.readlink(f"/proc/{pid}/ns/uts") == name:
                found.append(pid)
    return found


def _beside(zone: Zone, program: Path, *, itself: bool = False) -> int:
    """Unshared bytes of a zone's processes: of its program, or of all others, and of who serves it."""
    running = zone.running()
    if running is None:
        raise SystemExit(f"zone {zone.name} has ended")
    pids = _named_as(running["pid"])
    guests = {
        pid for pid in pids if f"/{program.name}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    }
    return _unshared([pid for pid in pids if (pid in guests) == itself])


def _many(zones: Store, count: int, work: Path) -> dict[str, object]:
    (work / "server.go").write_text(SERVER)
    server = work / "server"
    subprocess.run(
        ["go", "build", "-o", server, work / "server.go"], check=True,
        env={**os.environ, "GOOS": "freebsd", "GOARCH": "amd64", "CGO_ENABLED": "0"},
    )  # fmt: skip
    made: list[Zone] = []
    for number in range(count):
        orders = ["brand=freebsd", "net=bridge", "boot=/server", f"fs={server}:/server:ro"]
        orders += [f"address=10.89.{number // 250}.{number % 250 + 2}/16"]
        zone = lifecycle.create(zones, f"web{number}", [*orders, "readonly=no"])
        lifecycle.install(zone, [str(model(work / "model")) if number == 0 else str(work / "model")])
        made.append(zone)
    took = []
    for zone in made:
        start = time.perf_counter()
        boot.boot(zone, entering.at_boot, entering.again(zone))
        took.append((time.perf_counter() - start) * 1e3)
    at_first = _beside(made[-1], server)
    answered = 0
    for number, zone in enumerate(made):
        address = f"10.89.{number // 250}.{number % 250 + 2}"
        answered += _answer(address) == zone.name
    time.sleep(standby.PATIENCE + 5)  # until supervisors that are not asked anything have become small
    unshared = [_beside(zone, server) for zone in made]
    servers = [_beside(zone, server, itself=True) for zone in made]
    start = time.perf_counter()
    for zone in made:
        lifecycle.halt(zone)
    halted = time.perf_counter() - start
    for zone in made:
        lifecycle.uninstall(zone)
        lifecycle.delete(zone)
    return {
        "zones": count,
        "answered": answered,
        "boot_ms": round(statistics.median(took), 1),
        "boot_ms_longest": round(max(took), 1),
        "unshared_mb_beside_the_program": round(statistics.median(unshared) / 1e6, 2),
        "unshared_mb_just_after_boot": round(at_first / 1e6, 2),
        "unshared_mb_of_the_program": round(statistics.median(servers) / 1e6, 2),
        "halt_ms": round(halted * 1e3 / count, 1),
    }


def _answer(address: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, 80), 10) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                text = b""
                while part := connection.recv(4096):
                    text += part
            return text.decode().split()[-1]
        except OSError:
            time.sleep(0.05)
    return ""


def _cycles(zones: Store, times: int, work: Path) -> dict[str, float]:
    files = str(model(work / "model"))
    start = time.perf_counter()
    for _ in range(times):
        zone = lifecycle.create(zones, "z", ["inherit=/usr /bin /lib /lib64", "boot=/bin/sleep 100000"])
        lifecycle.install(zone, [files])
        boot.boot(zone, entering.at_boot, entering.again(zone))
        lifecycle.halt(zone)
        lifecycle.uninstall(zone)
        lifecycle.delete(zone)
    return {"cycles": times, "ms_each": round((time.perf_counter() - start) * 1e3 / times, 1)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = ("boot", "many", "cycles", "network", "neighbour", "caps", "cpu", "overhead")
    parser.add_argument("what", choices=verbs)
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--zones", type=int, default=300)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work, store() as zones:
        before = residue(zones)
        if options.what == "boot":
            found: dict[str, object] = {**_boots(zones, options.times or 50)}
            found["boot_ms_of_the_command"] = _commands(zones, options.times or 20)
        elif options.what == "many":
            found = _many(zones, options.zones, Path(work))
        elif options.what == "network":
            found = zone_neighbours.network(zones, options.times or zone_neighbours.ROUNDS)
        elif options.what == "neighbour":
            found = zone_neighbours.neighbour(zones, options.times or zone_neighbours.ROUNDS)
        elif options.what == "caps":
            found = zone_neighbours.caps(zones)
        elif options.what == "cpu":
            found = zone_neighbours.cpu(zones, options.times or zone_neighbours.ROUNDS)
        elif options.what == "overhead":
            found = zone_neighbours.overhead(zones, options.times or zone_neighbours.ROUNDS)
        else:
            found = {**_cycles(zones, options.times or 2000, Path(work))}
        found["left"] = sorted(zone.name for zone in zones.all())
        after = residue(zones)
    found["before"], found["after"] = before, after
    print(json.dumps(found, indent=1))
    return 0 if before == after else 1


if __name__ == "__main__":
    sys.exit(main())
