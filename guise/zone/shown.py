"""What `guise zone` shows: zones, their configuration, their processes, and what they use."""

from __future__ import annotations

import os
import time

from guise.cli import UsageError, complain
from guise.output import print_json, print_table, size
from sandbox.zone import ZoneError, boot, lifecycle
from sandbox.zone.configuration import PROPERTIES
from sandbox.zone.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.zone.store import Zone

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def info(zone: Zone, *, as_json: bool) -> int:
    """The configuration with its defaults."""
    settings = zone.configuration()
    if as_json:
        print_json({"name": zone.name, "state": zone.state(), **settings.values})
        return 0
    print(f"name: {zone.name}")
    for name, value in settings.values.items():
        if isinstance(value, list):
            lines = [" ".join(value)] if PROPERTIES[name].kind == "words" and value else value
            for line in lines:
                print(f"{name}: {line}")
        elif value != "":
            print(f"{name}: {('no', 'yes')[value] if isinstance(value, bool) else value}")
    return 0


def zones(options: dict[str, str], names: list[str]) -> int:
    """Those that run; with -i also those installed, with -c those configured.  Named ones are all shown."""
    status = 0
    chosen = []
    for zone in [Store().zone(name) for name in names] or Store().all():
        try:
            settings = zone.configuration()
            running = zone.running()
            state = zone.state()
        except ZoneError as error:
            status = complain(str(error), 1)
            continue
        hidden = state == "configured" and "-c" not in options
        hidden = hidden or (state in ("installed", "incomplete") and not {"-c", "-i"} & set(options))
        if names or not hidden or "--json" in options:
            chosen.append((zone, settings, state, int(running["pid"]) if running else None))
    if "--json" in options:
        print_json(
            [
                {
                    "id": pid,
                    "name": zone.name,
                    "state": state,
                    "path": zone.root(settings),
                    "brand": settings.text("brand"),
                    "ip": settings.text("net"),
                }
                for zone, settings, state, pid in chosen
            ]
        )
    elif "-p" in options:
        for zone, settings, state, pid in chosen:
            path = zone.root(settings).replace("\\", "\\\\").replace(":", "\\:")
            fields = (
                str(pid or "-"),
                zone.name,
                state,
                path,
                "",
                settings.text("brand"),
                settings.text("net"),
            )
            print(":".join(fields))
    elif "-v" in options:
        print_table(
            ("ID", "NAME", "STATUS", "PATH", "BRAND", "IP"),
            [
                (
                    str(pid or "-"),
                    zone.name,
                    state,
                    zone.root(settings),
                    settings.text("brand"),
                    settings.text("net"),
                )
                for zone, settings, state, pid in chosen
            ],
        )
    else:
        for zone, *_ in chosen:
            print(zone.name)
    return status


def _running(names: list[str]) -> list[tuple[Zone, dict[str, object]]]:
    """Raises ZoneError for a named one that does not run."""
    found = []
    for zone in [Store().zone(name) for name in names] or Store().all():
        if names:
            zone.configuration()
            lifecycle.require(zone, "this", "ready", "running", "shutting_down")
        running = zone.running()
        if running is not None:
            found.append((zone, running))
    return found


class _Process:
    __slots__ = ("command", "inside", "pid", "resident", "seconds", "started", "threads", "user", "zone")

    def __init__(self, zone: str, pid: int) -> None:
        """Raises OSError when it has ended."""
        self.zone = zone
        self.pid = pid
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            head, _, tail = file.read().rpartition(")")
        fields = tail.split()
        self.command = head.partition("(")[2]
        self.seconds = (int(fields[11]) + int(fields[12])) / _TICK
        self.threads = int(fields[17])
        self.started = int(fields[19]) / _TICK
        self.resident = int(fields[21]) * _PAGE
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.inside = int(status["NSpid"].split()[-1])
        self.user = int(status["Uid"].split()[1])
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            self.command = file.read().rstrip("\0").replace("\0", " ") or f"[{self.command}]"


def _processes(zone: Zone, running: dict[str, object]) -> list[_Process]:
    found = []
    try:
        pids = boot.processes(running)
    except OSError:
        return []  # it has just ended
    for pid in pids:
        try:
            found.append(_Process(zone.name, pid))
        except (OSError, KeyError):
            continue  # it has just ended
    return found


def processes(names: list[str], *, as_json: bool) -> int:
    """All processes of running zones, with the host's number and the zone's."""
    found = [one for zone, running in _running(names) for one in _processes(zone, running)]
    if as_json:
        print_json([{name: getattr(one, name) for name in _Process.__slots__} for one in found])
        return 0
    print_table(
        ("ZONE", "PID", "INSIDE", "USER", "TIME", "RSS", "COMMAND"),
        [
            (
                one.zone, str(one.pid), str(one.inside), str(one.user), f"{one.seconds:.2f}",
                size(one.resident), one.command,
            )
            for one in found
        ],
    )  # fmt: skip
    return 0


def statistics(words: list[str], *, as_json: bool) -> int:
    """What running zones use; with INTERVAL [COUNT] behind the names, again and again."""
    numbers = [word for word in words if word.replace(".", "", 1).isdigit()]
    names = [word for word in words if word not in numbers]
    if len(numbers) > 2 or any(float(number) <= 0 for number in numbers):
        raise UsageError("guise zone stat takes zones, then INTERVAL in seconds, then how often")
    times = 1 if not numbers else int(float(numbers[1])) if len(numbers) == 2 else 0
    done = 0
    while True:
        _print_statistics(names, as_json=as_json)
        done += 1
        if done == times:
            return 0
        time.sleep(float(numbers[0]))


def _accounted(zone: Zone, running: dict[str, object]) -> dict[str, object]:
    """What the host counts for the zone: also what has ended; None for what it does not count."""
    counted: dict[str, object] = {}
    if running.get("group"):
        from sandbox.zone.resources import Group

        usage = Group(zone.identity).usage()
        counted = {
            "cpu_seconds_ever": usage.cpu,
            "memory_bytes": usage.memory,
            "memory_peak_bytes": usage.memory_peak,
            "read_bytes": usage.read_bytes,
            "written_bytes": usage.written_bytes,
        }
    if running.get("bridge"):
        from sandbox.zone import network

        received, sent = network.traffic(zone.identity) or (None, None)
        counted |= {"received_bytes": received, "sent_bytes": sent}
    return counted


def _print_statistics(names: list[str], *, as_json: bool) -> None:
    rows = []
    for zone, running in _running(names):
        found = _processes(zone, running)
        rows.append(
            {
                "zone": zone.name,
                "state": running["state"],
                "seconds": round(time.time() - float(str(running["since"])), 3),
                "processes": len(found),
                "lwps": sum(one.threads for one in found),
                "cpu_seconds": round(sum(one.seconds for one in found), 2),
                "resident_bytes": sum(one.resident for one in found),
                **_accounted(zone, running),
            }
        )
    if as_json:
        print_json(rows)
        return
    print_table(
        ("ZONE", "STATE", "UP", "PROCESSES", "LWPS", "CPU", "RSS"),
        [
            (
                str(row["zone"]),
                str(row["state"]),
                f"{row['seconds']:.0f}",
                str(row["processes"]),
                str(row["lwps"]),
                f"{row['cpu_seconds']:.2f}",
                size(int(str(row["resident_bytes"]))),
            )
            for row in rows
        ],
    )
