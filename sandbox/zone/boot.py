"""Ready, boot, halt, shut down: from files to running processes and back."""

from __future__ import annotations

import _signal  # not `signal`: see ephemeral.py
import os
import time

from sandbox.zone import ZoneError, ephemeral, holdings, lifecycle, place, reason, store
from sandbox.zone.lifecycle import opened, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.place import Joined
    from sandbox.zone.store import Zone

    Launch = Callable[[Configuration, list[str], Joined], int]
    """Become a program of the zone, given its words; returns only if it cannot, or raises ZoneError."""

PATIENCE = 20.0
"""Seconds that a zone's own shutdown, and then its processes, have to end."""


def ready(zone: Zone) -> list[str]:
    """Make its place, without a program in it; what of its limits this host cannot hold."""
    with opened(zone) as settings:
        require(zone, "ready", "installed")
        with zone.journal("ready", lasting=False):
            return _make_ready(zone, settings, ())[1]


def boot(zone: Zone, launch: Launch, again: Sequence[str] = (), *, anew: bool = False) -> list[str]:
    """Make its place if it is not ready, and start what its configuration says.

    again  the words of a command that does this with `anew`, for when the zone's root reboots it
    anew   end what is left of it before

    What of its limits this host cannot hold.  Raises ZoneError.
    """
    missing: list[str] = []
    with opened(zone) as settings:
        if anew and zone.running() is not None:
            with zone.journal("halt", lasting=False):
                lifecycle.bring_down(zone)
        require(zone, "boot", "installed", "ready")
        with zone.journal("boot", lasting=False):
            running = zone.running()
            if running is None:
                running, missing = _make_ready(zone, settings, again)
            else:
                _wait_for_reboots(zone, again)
            words, ends = boot_command(zone, settings, running)
            if words:
                number = _start(zone, settings, running, words, launch)
                if ends:
                    place.tell_program(zone, number)
            zone.note("running", {**running, "state": "running"})
    return missing


def boot_command(zone: Zone, settings: Configuration, running: Mapping[str, Any]) -> tuple[list[str], bool]:
    """What `boot` runs, and whether the zone ends with it; nothing where there is no such script."""
    words = settings.items("boot")
    if words:
        return words, settings.flag("ends")
    for program, command in (("etc/rc", ["/bin/sh", "/etc/rc", "autoboot"]), ("sbin/init", ["/sbin/init"])):
        if _has(zone, settings, running, program):
            return command, settings.flag("ends")
    return [], False


def _has(zone: Zone, settings: Configuration, running: Mapping[str, Any], name: str) -> bool:
    """Whether it has a file of its own, and not one that it inherits."""
    root = zone.root(settings)
    if settings.text("disk"):  # which only the zone sees
        root = f"/proc/{running['pid']}/root"
        try:
            if os.stat(os.path.dirname(f"{root}/{name}")).st_dev != os.stat(f"{root}/.").st_dev:
                root = ""
        except OSError:
            root = ""
    return any(
        folder and os.path.lexists(os.path.join(folder, name)) for folder in (root, settings.text("lower"))
    )


def _make_ready(
    zone: Zone, settings: Configuration, again: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    made = place.Place(zone, settings)
    try:  # process 1 builds its view meanwhile
        running = {
            "pid": made.pid,
            "start": store.start_time(made.pid),
            "host": store.host_boot(),
            "since": time.time(),
            "state": "ready",
            **holdings.wanted(settings),
        }
        zone.note("running", running)
        _wait_for_reboots(zone, again)
        try:
            holdings.connect(zone, settings, running)
        except ZoneError:
            made.wait()  # had it failed, its reason would be the one to tell
            raise
        made.wait()
        missing = holdings.limit(zone, settings, running)
        made.go()
    finally:
        made.close()
    return running, missing


def _wait_for_reboots(zone: Zone, again: Sequence[str]) -> None:
    if again:
        console = _console(zone)
        try:
            place.boot_again(zone, again, console)
        finally:
            os.close(console)


def _start(
    zone: Zone, settings: Configuration, running: Mapping[str, Any], words: list[str], launch: Launch
) -> int:
    console = _console(zone)
    request = ephemeral.Request(words[0], words[1:])
    try:
        entrance = place.Entrance(zone, running)
    except ZoneError:
        os.close(console)
        raise
    try:
        return place.detach(entrance, request, console, lambda joined: launch(settings, words, joined))
    finally:
        entrance.close()
        os.close(console)


def _console(zone: Zone) -> int:
    path = zone.path("console")
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ZoneError(f"zone {zone.name}: {path} cannot be opened: {reason(error)}") from None


def shut_down(zone: Zone, launch: Launch) -> None:
    """Let it end in its own way: /etc/rc.shutdown, then SIGTERM, and at last the kernel."""
    with opened(zone) as settings:
        require(zone, "shutdown", "running")
        with zone.journal("shutdown", lasting=False):
            _shut_down(zone, settings, launch)


def _shut_down(zone: Zone, settings: Configuration, launch: Launch) -> None:
    running = zone.running()
    if running is None:
        return
    zone.note("running", {**running, "state": "shutting_down"})
    deadline = time.monotonic() + PATIENCE
    first = os.pidfd_open(int(running["pid"]))
    try:
        if _has(zone, settings, running, "etc/rc.shutdown"):
            number = _start(zone, settings, running, ["/bin/sh", "/etc/rc.shutdown"], launch)
            while time.monotonic() < deadline and number in numbers(running):
                time.sleep(0.02)
        _signal.pidfd_send_signal(first, _signal.SIGPWR)
        import select

        select.select([first], [], [], max(1.0, deadline - time.monotonic()))
    except ProcessLookupError:
        pass  # it has ended meanwhile
    finally:
        os.close(first)
    lifecycle.bring_down(zone)


def reboot(zone: Zone, launch: Launch, again: Sequence[str] = ()) -> list[str]:
    """Halt it and boot it."""
    lifecycle.halt(zone, "reboot")
    return boot(zone, launch, again)


def processes(running: Mapping[str, Any]) -> list[int]:
    """The host's numbers of all processes in a running zone."""
    namespace = os.readlink(f"/proc/{running['pid']}/ns/pid")
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == namespace:
                    found.append(int(name))
            except OSError:  # it has ended, or is another user's
                continue
    return sorted(found)


def numbers(running: Mapping[str, Any]) -> list[int]:
    """The zone's own numbers of its processes; none when it has ended."""
    found = []
    try:
        pids = processes(running)
    except FileNotFoundError:
        return []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", "rb") as file:
                found += [int(line.split()[-1]) for line in file if line.startswith(b"NSpid:")]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return found
