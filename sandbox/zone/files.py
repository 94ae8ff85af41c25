"""The files of a zone's root as wholes: copied, moved, removed, by cp(1) and rm(1)."""

from __future__ import annotations

import errno
import os

from sandbox.zone import ZoneError, store
from sandbox.zone.surroundings import SYSTEM

MOUNT_POINTS = ("dev", "proc", "tmp")


def check_root(path: str, zones: str) -> None:
    """Raises ZoneError for a folder that must not become a zone's, and be removed with it."""
    real = os.path.realpath(path)
    home = os.path.realpath(os.path.expanduser("~"))
    if real in (*SYSTEM, "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", home) or (
        os.path.realpath(zones) + "/"
    ).startswith(real + "/"):
        raise ZoneError(f"{path} cannot be a zone's root: choose a folder that holds nothing else")


def is_empty(path: str) -> bool:
    """Whether a folder is missing, or has nothing in it.  Raises ZoneError."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError as error:
        raise ZoneError(f"{path} cannot be looked into: {store.failure(error)}") from None


def copy(source: str, target: str) -> None:
    """All of a folder, blocks shared where the file system can; `target` may be missing.

    Raises ZoneError.
    """
    if not os.path.isdir(source):
        raise ZoneError(f"{source} is no folder: name one that holds a system's files")
    try:
        os.makedirs(target, 0o755, exist_ok=True)
    except OSError as error:
        raise ZoneError(f"{target} cannot be made: {store.failure(error)}") from None
    run(["cp", "-a", "--reflink=auto", "-T", "--", source, target], f"{source} cannot be copied")


def move(source: str, target: str) -> None:
    """Rename, or copy to another file system; then the source is still there.  Raises ZoneError."""
    try:
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise ZoneError(f"{source} cannot be moved to {target}: {store.failure(error)}") from None
        copy(source, target)


def remove(path: str) -> None:
    """A folder with all that is below it on its file system, if it is there.  Raises ZoneError."""
    if os.path.lexists(path):
        run(["rm", "-rf", "--one-file-system", "--", path], f"{path} cannot be removed")


def add_mount_points(root: str) -> None:
    """What every root has to have; those that are there stay as they are.  Raises ZoneError."""
    try:
        os.makedirs(root, 0o755, exist_ok=True)
        for name in MOUNT_POINTS:
            path = os.path.join(root, name)
            if not os.path.lexists(path):
                os.mkdir(path)
                os.chmod(path, 0o1777 if name == "tmp" else 0o755)
    except OSError as error:
        raise ZoneError(f"the zone's root cannot be made: {store.failure(error)}") from None


def run(words: list[str], failure: str) -> None:
    """A tool of the host's.  Raises ZoneError: `failure`, and the first line that it said."""
    import subprocess  # a third of what a boot imports, which does not come here

    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
        )  # fmt: skip
    except OSError as error:
        raise ZoneError(f"{failure}: {words[0]}: {store.failure(error)}") from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").splitlines() or [f"{words[0]} was ended"]
        raise ZoneError(f"{failure}: {lines[0].removeprefix(words[0] + ': ')}")
