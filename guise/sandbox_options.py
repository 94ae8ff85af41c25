"""The sandbox of `guise run` and `guise trace`: its options, and how a program gets into it."""

from __future__ import annotations

import os

from guise.cli import NOT_STARTED, UsageError, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.zone.ephemeral import Request, Sandbox
    from sandbox.zone.view import Share

    Enter = Callable[[Callable[[Sandbox], int]], int]

WITH_VALUE = ("--root", "--bind", "--ro", "--rw", "--net", "--zone")
NETWORKS = ("host", "none", "private")


class SandboxOptions:
    """What was said about the sandbox; `wanted` is False with --no-sandbox."""

    __slots__ = ("network", "root", "said", "shares", "wanted", "zone")

    def __init__(self) -> None:
        self.wanted = os.environ.get("GUISE_SANDBOX") != "no" and not _within_one()
        self.root = "/"
        self.shares: list[tuple[str, str]] = []
        self.network = "host"
        self.zone = ""
        self.said = ""  # an option that means nothing for a zone

    def set(self, name: str, value: str) -> None:
        """One of WITH_VALUE.  Raises UsageError."""
        if not value:
            raise UsageError(f"{name} needs a value: `guise run --help` shows one")
        if name == "--net":
            if value not in NETWORKS:
                raise UsageError(
                    f"there is no network {value}: choose {', '.join(NETWORKS[:-1])} or {NETWORKS[-1]}"
                )
            self.network = value
        elif name == "--root":
            self.root = value
        elif name == "--zone":
            self.zone = value
        else:
            if name == "--bind":
                _split(value)
            self.shares.append((name, value))
        self.wanted = True
        self.said = self.said if name == "--zone" else name


def _within_one() -> bool:
    """Whether this process is in a sandbox or zone already: it holds for what we run, and allows no other."""
    try:
        with open("/proc/1/comm", "rb") as name:
            return name.read() == b"guise-init\n"
    except OSError:
        return False


def run(
    options: SandboxOptions,
    program: str,
    arguments: list[str],
    directory: str,
    then: Callable[[Sandbox], int],
) -> int:
    """Go on with `then` in the sandbox, in a process of its own, whose end becomes this one's.

    `directory`: where the program starts, below a root that was named.  What is wrong is said in one
    sentence, and the status returned.  Raises UsageError for what is not there to be shared.
    """
    return prepared(options, program, arguments, directory)(then)


def prepared(options: SandboxOptions, program: str, arguments: list[str], directory: str) -> Enter:
    """The second half of `run`, for a process that shall be left outside.  Raises UsageError."""
    try:
        from sandbox.zone import ephemeral

        if options.zone:
            return _into_zone(options, [program, *arguments], directory)
    except ImportError:
        return lambda _: complain(
            "the sandbox's part in C was not built: `python3 -m sandbox.build`, or install Guise again; "
            "--no-sandbox goes on without",
            NOT_STARTED,
        )
    request = _request(options, program, arguments, directory)
    return lambda then: attempt(lambda: then(ephemeral.enter(request)))


def _into_zone(options: SandboxOptions, words: list[str], directory: str) -> Enter:
    """The same in a running zone, which says itself what is shared.  Raises UsageError."""
    from guise.zone import entering

    if options.said:
        raise UsageError(
            f"{options.said} and --zone exclude each other: `guise zone set` says what a zone sees"
        )
    return lambda then: attempt(
        lambda: entering.run(options.zone, words, lambda _, joined: then(joined), directory=directory)
    )


def attempt(action: Callable[[], int]) -> int:
    """Its result, or the status after a sentence about what the sandbox could not do."""
    from sandbox.zone import ZoneError

    try:
        return action()
    except ZoneError as error:
        return complain(str(error), NOT_STARTED)


def _request(options: SandboxOptions, program: str, arguments: list[str], directory: str) -> Request:
    from loader.cache import default_directory
    from sandbox.zone.ephemeral import Request

    root = os.path.realpath(options.root)
    if not os.path.isdir(root):
        raise UsageError(f"--root {options.root} is no folder: name the one that becomes /")
    return Request(
        program,
        arguments,
        root=root,
        shares=[_share(name, value) for name, value in options.shares],
        network=options.network,
        directory=directory,
        read_only=(default_directory(),),
    )


def _share(name: str, value: str) -> Share:
    from sandbox.zone.view import Share

    source, target, writable = _split(value) if name == "--bind" else (value, value, name == "--rw")
    source = os.path.abspath(source)
    if not os.path.exists(source):
        raise UsageError(f"{name} {value}: {source} does not exist")
    return Share(source, os.path.abspath(target), writable=writable, devices=name != "--bind" or writable)


def _split(value: str) -> tuple[str, str, bool]:
    """SOURCE:TARGET[:ro] as source, target and whether it may be written to.  Raises UsageError."""
    parts = value.split(":")
    if (
        len(parts) not in (2, 3)
        or not parts[0]
        or not parts[1].startswith("/")
        or parts[2:] not in ([], ["ro"], ["rw"])
    ):
        raise UsageError(
            f"--bind takes SOURCE:TARGET or SOURCE:TARGET:ro, with TARGET beginning with /, not {value}"
        )
    return parts[0], parts[1], parts[2:] != ["ro"]
