"""What can be done with a zone, from which states, and how what was begun is ended after a crash.

Each verb that changes more than one thing first writes into the zone's journal which verb it is.  `settle`
reads that when the verb's process was killed, or failed, and puts the zone into the state before the verb, or
where that is gone into the one after it.  Every verb settles first, so nobody has to know.
"""

from __future__ import annotations

import _signal  # not `signal`: see ephemeral.py
import contextlib
import os
import select

from sandbox.zone import ZoneError, configuration, disk, files, holdings, store
from sandbox.zone.store import Store, Zone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.install import Report

_ALIVE = ("ready", "running", "shutting_down")
_HINTS = {
    "configured": "install it first (`guise zone install {}`)",
    "incomplete": "uninstall it first (`guise zone uninstall {}`)",
    "installed": "boot it first (`guise zone boot {}`)",
    "ready": "halt it first (`guise zone halt {}`)",
    "running": "halt it first (`guise zone halt {}`)",
    "shutting_down": "wait for its end, or halt it (`guise zone halt {}`)",
}


class WrongState(ZoneError):
    """The verb cannot be done in the state that the zone is in."""


class Deleted(store.UnknownZone):
    """It was being deleted, and now is."""


def require(zone: Zone, verb: str, *states: str) -> str:
    """The zone's state, which is one of these.  Raises WrongState."""
    state = zone.state()
    if state not in states:
        hint = _HINTS[state].format(zone.name)
        if state == "installed" and "configured" in states:
            hint = f"uninstall it first (`guise zone uninstall {zone.name}`)"
        raise WrongState(f"zone {zone.name} is {state}, and {verb} needs it {' or '.join(states)}: {hint}")
    return state


@contextlib.contextmanager
def opened(zone: Zone) -> Iterator[Configuration]:
    """The zone for one verb: locked, settled; its configuration."""
    with held(zone):
        yield zone.configuration()


@contextlib.contextmanager
def held(zone: Zone) -> Iterator[None]:
    """As `opened`, for a verb that must do whatever the configuration says, damaged as it may be."""
    if not zone.exists():
        zone.configuration()  # says that there is none
    with zone.locked():
        settle(zone)
        try:
            yield
        except BaseException:
            settle(zone)
            raise


def install(
    zone: Zone, sources: list[str], kind: str = "", progress: Callable[[str], None] | None = None
) -> Report | None:
    """Fill its root: see sandbox.zone.install.  Without sources it is there, or is made of what it inherits.

    What was made, where there are sources.  Raises ZoneError.
    """
    report = None
    with opened(zone) as settings:
        require(zone, "install", "configured")
        root = zone.root(settings)
        files.check_root(root, os.path.dirname(zone.folder))
        adopted = not files.is_empty(root)
        if adopted and sources:
            raise ZoneError(f"{root} is not empty: empty it, or install without a source to take it as it is")
        if not adopted and not sources and not settings.items("inherit") and not settings.text("lower"):
            raise ZoneError(
                f"zone {zone.name} would be empty: name what to install, or a folder to inherit "
                f"(`guise zone set {zone.name} inherit=/usr`) or to overlay (lower=FOLDER)"
            )
        with zone.journal("install", root=root, adopted=adopted):
            zone.write("state", {"state": "incomplete"})
            if settings.text("disk"):
                disk.make(zone, settings)
            with disk.seen(zone, settings):
                if sources:
                    report = _fill(zone, settings, sources, kind, progress)
                files.add_mount_points(root)
                if settings.text("lower"):
                    os.makedirs(zone.work(settings), 0o700, exist_ok=True)
            zone.write("state", {"state": "installed", "sources": sources, "root": root, "adopted": adopted})
    return report


def _fill(
    zone: Zone,
    settings: Configuration,
    sources: list[str],
    kind: str,
    progress: Callable[[str], None] | None,
) -> Report:
    from sandbox.zone import install as ways

    root = zone.root(settings)
    system = settings.text("brand").partition("-")[0]
    report = ways.install(
        sources,
        root,
        kind=kind,
        platform=None if system == "netbsd" else (system, "amd64"),
        progress=progress,
    )
    words = _words(report.config, "Entrypoint") + _words(report.config, "Cmd")
    if words and not settings.items("boot"):  # what an image is for
        settings.values["boot"], settings.values["ends"] = words, True
        settings.values["env"] = settings.items("env") or _words(report.config, "Env")
        zone.write("configuration", settings.as_data())
    return report


def _words(config: Mapping[str, object], name: str) -> list[str]:
    words = config.get(name)
    return [str(word) for word in words] if isinstance(words, list) else []


def clone(zone: Zone, model: Zone) -> Report | None:
    """Install it with a copy of another zone's files, which must not run; what was made."""
    if zone.folder == model.folder:  # its lock is held while it is copied
        raise ZoneError(f"zone {zone.name} cannot be a copy of itself: name another zone behind it")
    with model.locked():
        settle(model)
        require(model, "clone", "installed")
        settings = model.configuration()
        lower = settings.text("lower")
        if zone.configuration().text("lower") != lower:
            raise ZoneError(f"zones {zone.name} and {model.name} differ in lower: set lower={lower} first")
        with disk.seen(model, settings):
            return install(zone, [model.root(settings)])


def uninstall(zone: Zone) -> None:
    """Remove its files; those that were there before `install` stay."""
    with held(zone):
        require(zone, "uninstall", "installed", "incomplete")
        state = zone.read("state") or {}
        with zone.uninstalling():
            _remove_files(zone, state)


def delete(zone: Zone) -> None:
    """Forget its configuration, and with it the zone."""
    with held(zone):
        require(zone, "delete", "configured")
        with contextlib.suppress(ZoneError):
            zone.write("journal", {"verb": "delete"})  # without space for it, a kill leaves it configured
        _forget(zone)


def move(zone: Zone, target: str) -> None:
    """Put its root elsewhere."""
    with opened(zone) as settings:
        require(zone, "move", "installed")
        if settings.text("disk"):
            raise ZoneError(f"zone {zone.name} keeps its files on a disk of its own, which is not moved")
        source, target = zone.root(settings), os.path.abspath(target)
        files.check_root(target, os.path.dirname(zone.folder))
        if not files.is_empty(target):
            raise ZoneError(f"{target} is not empty: name a folder that is empty or missing")
        state = zone.read("state") or {}
        with zone.journal("move", source=source, target=target):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(target)
            files.move(source, target)
            settings.change([f"root={target}"])
            zone.write("state", {**state, "root": target})
            zone.write("configuration", settings.as_data())
            files.remove(source)


def change(zone: Zone, orders: list[str]) -> list[str]:
    """Change properties as `guise zone set` does, limits of a running zone at once; what this host cannot do.

    Raises ZoneError.
    """
    with opened(zone) as settings:
        state = zone.state()
        before = [settings.text(name) for name in ("root", "lower", "disk")]
        processors = settings.text("dedicated-cpus")
        settings.change(orders)
        after = [settings.text(name) for name in ("root", "lower", "disk")]
        if before != after and state != "configured":
            raise WrongState(
                f"zone {zone.name} is {state}: `guise zone move {zone.name} FOLDER` moves its root, and "
                "lower and disk are for a zone that is not installed (a clone's disk may be larger)"
            )
        disk.check(settings)
        holdings.limits(settings)
        if settings.text("dedicated-cpus") != processors:  # else it may come from a host that has them
            holdings.check_processors(settings)
        zone.write("configuration", settings.as_data())
        running = zone.running()
        if running is None:
            return []
        from sandbox.zone import boot

        return holdings.change(zone, settings, running, boot.processes(running))


def verify(zone: Zone) -> list[str]:
    """What is wrong with the zone, one sentence each; changes nothing."""
    settings = zone.configuration()
    wrong = []
    journal = zone.read("journal")
    if journal is not None and not _is_locked(zone):
        wrong.append(
            f"{store.verb_of(journal)} was interrupted: `guise zone verify --repair {zone.name}` ends it"
        )
    if zone.read("running") is not None and zone.running() is None and not _is_locked(zone):
        wrong.append(f"it ended by itself: `guise zone verify --repair {zone.name}` tidies up")
    named = [("lower", settings.text("lower"))] if settings.text("lower") else []
    named += [("inherit", item.partition(":")[0]) for item in settings.items("inherit")]
    named += [("fs", item.split(":")[0]) for item in settings.items("fs")]
    named += [("device", item) for item in settings.items("device")]
    named += [("io-limits", configuration.io_limit(item)[0]) for item in settings.items("io-limits")]
    wrong += [
        f"{name} names {path}, which does not exist" for name, path in named if not os.path.exists(path)
    ]
    root = zone.root(settings)
    there = os.path.isfile(zone.path("disk")) if settings.text("disk") else os.path.isdir(root)
    if zone.recorded_state() == "installed" and not there:
        wrong.append(f"its root {root} is missing: `guise zone uninstall {zone.name}`, and install it again")
    try:
        files.check_root(root, os.path.dirname(zone.folder))
    except ZoneError as error:
        wrong.append(str(error))
    return wrong


def settle(zone: Zone) -> str:
    """End what was interrupted; what was done, or "".  The zone is locked.  Raises ZoneError."""
    journal = zone.read("journal")
    done = ""
    if journal is not None:
        verb = store.verb_of(journal)
        if verb in ("install", "uninstall"):
            _remove_files(zone, journal)
            zone.forget("state")
            done = f"{verb} was interrupted: its files were removed"
        elif verb == "delete":
            _forget(zone)
            raise Deleted(f"there is no zone {zone.name} any more: its deletion was completed")
        elif verb == "move":
            if not {"source", "target"} <= set(journal):
                raise zone.damaged("journal", "it does not say what was moved")
            done = _settle_move(zone, str(journal["source"]), str(journal["target"]))
        else:
            bring_down(zone)
            done = f"{verb} was interrupted: it was halted"
        zone.forget("journal")
    if zone.read("running") is not None and zone.running() is None:
        bring_down(zone)
        done = done or "it had ended by itself: what it left was removed"
    return done


def bring_down(zone: Zone) -> None:
    """End all of its processes, and remove what the host keeps for it.  Raises ZoneError."""
    running = zone.running()
    if running is not None:
        kill(int(running["pid"]))
    holdings.release(zone, zone.read("running") or {})
    zone.forget("running")
    zone.forget("control")
    zone.forget("again")


def kill(pid: int) -> None:
    """End a process, and wait until it is gone with all of its namespace.  Raises ZoneError."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            _signal.pidfd_send_signal(process, _signal.SIGKILL)
        if not select.select([process], [], [], 60)[0]:
            raise ZoneError(f"process {pid} does not end: it waits for the host's kernel; try again")
    except PermissionError:
        raise ZoneError("the zone is another user's: become that user, or root") from None
    finally:
        os.close(process)


def halt(zone: Zone, verb: str = "halt") -> None:
    """End it at once, for a verb."""
    with held(zone):
        require(zone, verb, *_ALIVE)
        with zone.journal("halt", lasting=False, needed=False):  # the zone may be what fills the disk
            bring_down(zone)


def _settle_move(zone: Zone, source: str, target: str) -> str:
    settings = zone.configuration()
    if zone.root(settings) == target:
        files.remove(source)
        return "move was interrupted: it was completed"
    if os.path.isdir(source):
        files.remove(target)  # a copy, perhaps not all of it
        return "move was interrupted: its root is where it was"
    state = zone.read("state") or {}
    settings.change([f"root={target}"])
    zone.write("state", {**state, "root": target})
    zone.write("configuration", settings.as_data())
    return "move was interrupted: it was completed"


def _remove_files(zone: Zone, installed: Mapping[str, object]) -> None:
    """`installed`: what its state, or the journal of its installation, says."""
    root = str(installed.get("root", ""))
    if root and not installed.get("adopted"):
        files.check_root(root, os.path.dirname(zone.folder))
        files.remove(root)
    for name in ("work", "disk", "mounted"):
        files.remove(zone.path(name))


def _forget(zone: Zone) -> None:
    """Remove the zone's folder.  Without its configuration it is none; `Store.sweep` removes what is left."""
    for name in os.listdir(zone.folder):
        if name not in ("configuration", "journal", "lock"):
            files.remove(zone.path(name))
    for name in ("configuration", "journal", "lock"):
        zone.forget(name)
    os.rmdir(zone.folder)


def _is_locked(zone: Zone) -> bool:
    import fcntl

    try:
        lock = os.open(zone.path("lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def create(zones: Store, name: str, orders: list[str], data: object = None, where: str = "") -> Zone:
    """Raises ZoneError."""
    settings = (
        configuration.Configuration(name)
        if data is None
        else configuration.from_data(data, where, configuration.check_name(name))
    )
    settings.change(orders)
    disk.check(settings)
    holdings.limits(settings)
    holdings.check_processors(settings)
    return zones.create(settings)
