"""Installing a zone's root: from a folder, tar archives, an OCI image, or Debian's own packages.

What comes from outside is not trusted.  Every name is looked up with the new root as "/" (openat2 with
RESOLVE_IN_ROOT), so nothing that an archive says can reach a file outside of it; digests are compared with
what was read; device nodes come into being only where that was asked for.  Whatever fails, or is interrupted,
leaves the place as it was.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox.zone import ZoneError
from sandbox.zone.install.remove import remove
from sandbox.zone.install.root import DEVICES, Report, Root, reason

__all__ = ["KINDS", "Progress", "Report", "install", "recognise", "remove"]

KINDS = ("folder", "archive", "image", "debian")

Progress = Callable[[str, int, int], None]
"""progress(what, done, total): what is being read, and how many of how many bytes of it (0: not known)."""

_STEP = 5  # per cent between two sentences

Source = str | os.PathLike[str]


def recognise(source: Source) -> str:
    """Which of KINDS a path is.  Raises ZoneError for what is none."""
    path = Path(source)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ZoneError(f"{path} cannot be read: {reason(error)}") from None
    if stat.S_ISDIR(mode):
        return "image" if (path / "oci-layout").is_file() and (path / "index.json").is_file() else "folder"
    if not stat.S_ISREG(mode):
        raise ZoneError(f"{path} is no folder, archive or image: nothing can be installed from it")
    from sandbox.zone.install import image

    return "image" if image.is_archive(path) else "archive"


def install(
    source: Source | Sequence[Source],
    root: Source,
    *,
    kind: str = "",
    devices: str = "skip",
    platform: tuple[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Fill `root`, which is missing or empty, from `source`; several archives go one over the other.

    kind      one of KINDS; "" looks at the source.  For "debian" the source is SUITE or SUITE@MIRROR.
    devices   what to do with device nodes: one of DEVICES ("make" is for archives that are trusted).
    progress  is told how far it is, in a few words, now and then.
    platform  (system, processor) of an image that is there for several, in OCI's words: ("freebsd", "amd64").

    Raises ZoneError; after that, and after KeyboardInterrupt, the root is as it was before.
    """
    if devices not in DEVICES:
        raise ValueError(f"devices is one of {', '.join(DEVICES)}")
    if kind and kind not in KINDS:
        raise ZoneError(f"{kind} is no way to install: choose one of {', '.join(KINDS)}")
    sources = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    if not sources:
        raise ZoneError("there is nothing to install from: name a folder, an archive or an image")
    kinds = [kind or recognise(one) for one in sources]
    if len(sources) > 1 and set(kinds) != {"archive"}:
        raise ZoneError("only archives can be installed one over the other")
    place = os.path.abspath(root)
    made = _make_place(place)
    done = False
    try:
        report = Report()
        for one, how in zip(sources, kinds, strict=True):
            _install_one(os.fspath(one), how, place, report, devices, platform, _speak(progress))
        done = True
        return report
    except OSError as error:
        where = f" at {os.fsdecode(error.filename)}" if isinstance(error.filename, (str, bytes)) else ""
        raise ZoneError(f"{place} cannot be installed{where}: {reason(error)}") from None
    finally:
        if not done:
            _undo(place, made)


def _install_one(
    source: str,
    kind: str,
    place: str,
    report: Report,
    devices: str,
    platform: tuple[str, str] | None,
    progress: Progress,
) -> None:
    if kind == "debian":
        from sandbox.zone.install import debian

        debian.install(source, place, progress)
        return
    with Root(place, report, devices=devices) as target:
        if kind == "folder":
            from sandbox.zone.install import folder

            folder.install(source, target, progress)
        elif kind == "archive":
            from sandbox.zone.install import archive

            archive.install(source, target, progress)
        else:
            from sandbox.zone.install import image

            image.install(source, target, platform, progress)


def _speak(say: Callable[[str], None] | None) -> Progress:
    """Few words from many numbers."""
    if say is None:
        return lambda _what, _done, _total: None
    last = ("", -1)

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last
        step = 100 * done // total // _STEP * _STEP if total else done >> 26
        if (what, step) != last:
            last = (what, step)
            say(f"{what}: {step} %" if total else what)

    return progress


def _make_place(place: str) -> bool:
    """Whether the folder was made; one that is there must be empty.  Raises ZoneError."""
    try:
        os.mkdir(place, 0o755)
    except FileExistsError:
        try:
            if os.listdir(place):
                raise ZoneError(f"{place} is not empty: a root is installed into a new folder")
        except OSError as error:
            raise ZoneError(f"{place} cannot be installed into: {reason(error)}") from None
        return False
    except OSError as error:
        raise ZoneError(f"{place} cannot be made: {reason(error)}") from None
    return True


def _undo(place: str, made: bool) -> None:
    """Take back what there is, as far as it goes: what went wrong before is what the user has to hear."""
    with contextlib.suppress(ZoneError):
        remove(place, keep_top=not made)
