"""`guise run`: become a guest.

Options stand before the program; everything after its name belongs to the guest, dashes included.
"""

from __future__ import annotations

import gc
import os

from guise import sandbox_options
from guise.cli import UsageError, complain
from personality.supervisor import launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from sandbox.zone.ephemeral import Sandbox

ENGINES = ("native", "ptrace")
HOST_PROGRAMS = ("guest", "native")


class Settings:
    """A parsed `guise run` command line."""

    __slots__ = (
        "argv0",
        "clear_environment",
        "directory",
        "engine",
        "environment",
        "guest",
        "host_programs",
        "patch",
        "program",
        "sandbox",
        "unset",
        "verbose",
        "words",
    )

    def __init__(self) -> None:
        self.engine = "native"
        self.host_programs = "guest"
        self.guest: str | None = None
        self.environment: dict[str, str] = {}
        self.unset: list[str] = []
        self.clear_environment = False
        self.directory: str | None = None
        self.argv0: str | None = None
        self.patch = True
        self.verbose = False
        self.sandbox = sandbox_options.SandboxOptions()
        self.program = ""
        self.words: list[str] = []


WITH_VALUE = (
    "--engine", "--as", "--env", "--unset-env", "--cwd", "--argv0", "--host-programs",
    *sandbox_options.WITH_VALUE,
)  # fmt: skip


def main(words: list[str]) -> int:
    """Returns only when the guest could not be started: 126 or 127 as a shell, 2 for bad usage."""
    gc.disable()  # what a launch leaves behind goes with its execve; a supervisor collects again
    settings = parse(words)
    try:
        kernel, release = parse_guest(settings.guest)
        environment = _environment(settings)
        foreign = settings.sandbox.wanted and (settings.sandbox.root != "/" or bool(settings.sandbox.zone))
        if settings.directory is not None and not foreign:
            _enter(settings.directory)
        options = launch.Options(
            engine=settings.engine,
            kernel=kernel,
            release=release,
            patch=settings.patch,
            argv0=settings.argv0,
            verbose=settings.verbose,
            host_guests=settings.host_programs == "guest",
        )
        if settings.sandbox.wanted:
            return sandbox_options.run(
                settings.sandbox,
                settings.program,
                settings.words,
                settings.directory or "",
                lambda sandbox: _start(settings, environment, options, sandbox),
            )
        launch.start(settings.program, settings.words, environment, options)
    except launch.LaunchError as error:
        return complain(str(error), error.status)


def _start(
    settings: Settings, environment: dict[str, str], options: launch.Options, sandbox: Sandbox
) -> NoReturn:
    sandbox.furnish()
    options.surroundings = sandbox
    if options.kernel is None:
        options.release_of, options.release = sandbox.kernel, sandbox.release
    environment = {**sandbox.environment(environment), **settings.environment}
    launch.start(settings.program, settings.words, environment, options)


def parse(words: list[str]) -> Settings:
    """Raises UsageError with a sentence."""
    settings = Settings()
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in WITH_VALUE:
            if not equals:
                if not rest:
                    raise UsageError(f"{name} needs a value: `guise run --help` shows one")
                value = rest.pop(0)
            _set(settings, name, value)
        elif equals:
            raise UsageError(f"{word} is no option of `guise run`: `guise run --help` lists them")
        elif word == "--clear-env":
            settings.clear_environment = True
        elif word == "--no-patch":
            settings.patch = False
        elif word == "--no-sandbox":
            settings.sandbox.wanted = False
        elif word in ("-v", "--verbose"):
            settings.verbose = True
        else:
            raise UsageError(
                f"{word} is no option of `guise run`: `guise run --help` lists them, and options "
                "of the program stand after its name"
            )
    if not rest:
        raise UsageError("say which program to run: `guise run PROGRAM [ARGUMENTS]`")
    settings.program, settings.words = rest[0], rest[1:]
    return settings


def _set(settings: Settings, name: str, value: str) -> None:
    if name == "--engine":
        if value not in ENGINES:
            raise UsageError(f"there is no engine {value}: choose {' or '.join(ENGINES)}")
        settings.engine = value
    elif name == "--host-programs":
        if value not in HOST_PROGRAMS:
            raise UsageError(f"--host-programs takes {' or '.join(HOST_PROGRAMS)}, not {value}")
        settings.host_programs = value
    elif name == "--as":
        settings.guest = value
    elif name == "--env":
        key, equals, content = value.partition("=")
        if not key or not equals:
            raise UsageError(f"--env takes NAME=VALUE, not {value}")
        settings.environment[key] = content
    elif name == "--unset-env":
        settings.unset.append(value)
    elif name == "--cwd":
        settings.directory = value
    elif name in sandbox_options.WITH_VALUE:
        settings.sandbox.set(name, value)
    else:
        settings.argv0 = value


def parse_guest(wanted: str | None) -> tuple[str | None, int]:
    """`freebsd` or `freebsd-14.1` as kernel and release number (0: not said).  Raises UsageError."""
    if wanted is None:
        return None, 0
    from personality.supervisor import handlers

    kernel, dash, release = wanted.partition("-")
    if not handlers.load_personality(kernel):
        raise UsageError(f"Guise has no kernel named {kernel}: `guise calls` lists those it has")
    if not dash:
        return kernel, 0
    try:
        return kernel, handlers.release_number(kernel, release)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _environment(settings: Settings) -> dict[str, str]:
    environment = {} if settings.clear_environment else dict(os.environ)
    for name in settings.unset:
        environment.pop(name, None)
    environment.update(settings.environment)
    environment.pop("GUISE", None)
    return environment


def _enter(directory: str) -> None:
    try:
        os.chdir(directory)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise launch.LaunchError(
            f"--cwd {directory}: {reason}: name a directory you may enter", 126
        ) from None
