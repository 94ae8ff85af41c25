"""Where zones are kept: a folder for each, with its configuration, its state, its lock and its journal.

    zones/NAME/configuration    JSON, what `guise zone set` changes
    zones/NAME/state            JSON: configured, incomplete or installed, and how it was installed
    zones/NAME/running          JSON, while it is ready or running: its process 1's number and time of start
    zones/NAME/journal          JSON, while a verb is under way: which, and what it has to undo or to end
    zones/NAME/lock, control    a file for flock(2), and a FIFO that process 1 listens to
    zones/NAME/again            a FIFO that process 1 writes to when its root wants a reboot
    zones/NAME/root, work       its files, unless they are elsewhere; what an overlay needs
    zones/NAME/disk, mounted    a file system with both, where it has a disk of its own
    zones/NAME/console          what its boot command printed

A file is written beside its place and renamed, so that there is the old one or the new one.  Whether a zone
runs is asked of the kernel each time: a process has this number and time of start, in this boot of the host.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re

from sandbox.zone import ZoneError, configuration, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sandbox.zone.configuration import Configuration

STATES = ("configured", "incomplete", "installed", "ready", "running", "shutting_down")


_UNFINISHED = r"\.(configuration|journal)\.[0-9]+"  # what `Zone._put` renames
_MENDING = {
    "configuration": "mend it, or `guise zone delete {}`",
    "state": "mend it, or remove it, and the zone is configured and its files stay",
    "running": "mend it, or remove it when nothing of the zone runs any more",
    "journal": "mend it, or remove it and look for what the last command has left",
}
"""What can be done about a file that is damaged."""


class UnknownZone(ZoneError):
    """There is no zone of that name."""


def default_folder() -> str:
    """$GUISE_ZONES; for root /var/lib/guise/zones, for others a folder of their own."""
    chosen = os.environ.get("GUISE_ZONES", "")
    if chosen:
        return os.path.abspath(chosen)
    return _standard_folder()


def _standard_folder() -> str:
    if os.geteuid() == 0:
        return "/var/lib/guise/zones"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "guise", "zones")


class Zone:
    """One zone's folder."""

    __slots__ = ("folder", "name", "store")

    def __init__(self, zones: str, name: str) -> None:
        self.name = name
        self.store = zones
        self.folder = os.path.join(zones, name)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    @property
    def identity(self) -> str:
        """A name that no other zone of this host has, for what the kernel keeps by name."""
        if self.store == _standard_folder():
            return self.name
        import zlib

        return f"{self.name}-{zlib.crc32(os.fsencode(os.path.realpath(self.store))):08x}"

    def exists(self) -> bool:
        return os.path.exists(self.path("configuration"))

    def is_remnant(self) -> bool:
        """Whether its folder has only what the start of a creation and the end of a deletion have there."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return False
        return all(name in ("lock", "journal") or re.fullmatch(_UNFINISHED, name) for name in names)

    def configuration(self) -> Configuration:
        """Raises ZoneError."""
        data = self.read("configuration")
        if data is None:
            raise UnknownZone(f"there is no zone {self.name}: `guise zone list -c` shows those there are")
        return configuration.from_data(data, self.path("configuration"), self.name)

    def root(self, settings: Configuration) -> str:
        if settings.text("disk"):
            return self.path("mounted/root")  # see disk.py
        return settings.text("root") or self.path("root")

    def work(self, settings: Configuration) -> str:
        """What an overlay needs, on the file system of its root."""
        return self.path("mounted/work" if settings.text("disk") else "work")

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON file of the zone, or None.  Raises ZoneError for one that is damaged."""
        try:
            with open(self.path(name), encoding="utf-8") as file:
                text = file.read()
            if not text and name in ("running", "journal"):
                return None  # a note that a crash of the host has emptied
            data = json.loads(text)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise ZoneError(
                f"zone {self.name}: {self.path(name)} may not be read: become its owner"
            ) from None
        except ValueError as error:
            raise self.damaged(name, str(error)) from None
        if not isinstance(data, dict):
            raise self.damaged(name, "it holds no JSON object")
        return data

    def damaged(self, name: str, why: str) -> ZoneError:
        """The error for a file that says nothing that can be used."""
        return ZoneError(f"{self.path(name)} is damaged ({why}): {_MENDING[name].format(self.name)}")

    def write(self, name: str, data: dict[str, Any]) -> None:
        """Raises ZoneError."""
        self._put(name, json.dumps(data, indent=1) + "\n", lasting=True)

    def note(self, name: str, data: dict[str, Any]) -> None:
        """As `write`, for what the next boot of the host makes worthless: not forced to the disk."""
        self._put(name, json.dumps(data), lasting=False)

    def _put(self, name: str, text: str, *, lasting: bool) -> None:
        fresh = self.path(f".{name}.{os.getpid()}")
        try:
            with open(fresh, "w", encoding="utf-8") as file:
                file.write(text)
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            os.rename(fresh, self.path(name))
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(fresh)
            if isinstance(error, OSError):
                path = self.path(name)
                raise ZoneError(f"zone {self.name}: {path} cannot be written: {reason(error)}") from None
            raise

    def forget(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(name))

    def recorded_state(self) -> str:
        """configured, incomplete or installed."""
        data = self.read("state")
        if data is None:
            return "incomplete" if "state" in (self.read("journal") or {}) else "configured"
        state = str(data.get("state", "configured"))
        return state if state in STATES[:3] else "incomplete"

    def running(self) -> dict[str, Any] | None:
        """What is known of its process 1, if that is alive."""
        data = self.read("running")
        if data is None:
            return None
        kinds = {"pid": int, "start": int, "host": str, "state": str}
        if any(not isinstance(data.get(name), kind) for name, kind in kinds.items()):
            raise self.damaged("running", "it does not say which process it is about")
        return data if data["host"] == host_boot() and start_time(data["pid"]) == data["start"] else None

    def state(self) -> str:
        running = self.running()
        if running is not None:
            return str(running["state"])
        return self.recorded_state()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """No other command changes the zone meanwhile.  Raises ZoneError."""
        try:
            lock = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            raise UnknownZone(
                f"there is no zone {self.name}: `guise zone list -c` shows those there are"
            ) from None
        except OSError as error:
            raise ZoneError(f"zone {self.name} may not be changed: {failure(error)}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def journal(self, verb: str, *, lasting: bool = True, needed: bool = True, **more: Any) -> Iterator[None]:
        """What is done inside can be repaired when this process is killed; it is done when this returns.

        An exception leaves the journal, so that the caller repairs: see `repair`.  `lasting`: it changes what
        is there after a boot of the host, and the journal is forced to the disk before.  Not `needed`: what
        is done can be repaired without it, and is done on a full disk as well.  Raises ZoneError.
        """
        try:
            (self.write if lasting else self.note)("journal", {"verb": verb, **more})
        except ZoneError:
            if needed:
                raise
        yield
        self.forget("journal")

    @contextlib.contextmanager
    def uninstalling(self) -> Iterator[None]:
        """As `journal`, and the zone is configured afterwards.

        The note is the state's own file, renamed, with all that is needed to go on: that takes no space, and
        its lack may be why the zone is uninstalled.  Raises ZoneError.
        """
        try:
            os.rename(self.path("state"), self.path("journal"))
        except OSError as error:
            raise ZoneError(f"zone {self.name} may not be changed: {failure(error)}") from None
        yield
        self.forget("journal")


def verb_of(journal: dict[str, Any]) -> str:
    """Which verb is under way."""
    return "uninstall" if "state" in journal else str(journal.get("verb"))  # see Zone.uninstalling


class Store:
    """The folder of all zones."""

    __slots__ = ("folder",)

    def __init__(self, folder: str = "") -> None:
        self.folder = folder or default_folder()

    def zone(self, name: str) -> Zone:
        """The zone of that name, which need not exist.  Raises ZoneError for what cannot be a name."""
        return Zone(self.folder, configuration.check_name(name))

    def all(self) -> list[Zone]:
        try:
            names = sorted(os.listdir(self.folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            raise ZoneError(f"{self.folder} may not be read: become its owner, or set GUISE_ZONES") from None
        zones = [Zone(self.folder, name) for name in names if configuration.NAME.fullmatch(name)]
        return [zone for zone in zones if zone.exists()]

    def create(self, settings: Configuration) -> Zone:
        """Raises ZoneError when there is one."""
        zone = Zone(self.folder, settings.name)
        try:
            os.makedirs(self.folder, mode=0o755, exist_ok=True)
            os.mkdir(zone.folder, 0o700)
        except FileExistsError:
            if zone.exists():
                raise ZoneError(
                    f"there is a zone {zone.name} already: `guise zone delete {zone.name}` first"
                ) from None
        except OSError as error:
            raise ZoneError(f"no zone can be kept in {self.folder}: {failure(error)}") from None
        with zone.locked():
            if zone.exists():
                raise ZoneError(f"there is a zone {zone.name} already: `guise zone delete {zone.name}` first")
            for left in ("journal", "state", "running"):  # of one whose deletion was interrupted
                zone.forget(left)
            try:
                zone.write("configuration", settings.as_data())
            except ZoneError:  # no space: there was none, and there is none
                zone.forget("lock")
                with contextlib.suppress(OSError):
                    os.rmdir(zone.folder)
                raise
        return zone

    def sweep(self) -> None:
        """Remove folders of zones whose creation or deletion was interrupted; none of them has files."""
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            zone = Zone(self.folder, name)
            if configuration.NAME.fullmatch(name) and zone.is_remnant():
                with contextlib.suppress(ZoneError, OSError), zone.locked():
                    if zone.is_remnant():
                        for left in os.listdir(zone.folder):
                            zone.forget(left)
                        os.rmdir(zone.folder)


def host_boot() -> str:
    """A name for this boot of the host."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def start_time(pid: int) -> int:
    """When a process started, in ticks since boot, in which two of one number differ; 0: there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESRCH):
            return 0
        raise
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])


def failure(error: OSError) -> str:
    """As `reason`, behind the file that it happened to."""
    return f"{error.filename}: {reason(error)}" if error.filename else reason(error)
