"""How programs get into a running zone: for `guise zone exec` and login, `guise run --zone`, and at boot."""

from __future__ import annotations

import os
import sys

from guise.cli import complain
from guise.zone import accounts
from loader import cache as plans  # before a zone's files cover Guise's own: what the launch takes from there
from loader import identify  # noqa: F401  as well: in the parent, once, and not in each child that becomes a program
from personality.supervisor import launch
from sandbox.zone import ZoneError, place
from sandbox.zone.ephemeral import Request
from sandbox.zone.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.zone.configuration import Configuration
    from sandbox.zone.place import Joined
    from sandbox.zone.store import Zone


def personality(settings: Configuration) -> tuple[str, int]:
    """The kernel that the zone's programs are for, and its release (0: any).

    Raises ZoneError.
    """
    brand = settings.text("brand")
    if brand == "linux":
        return brand, 0
    from guise.cli import UsageError
    from guise.run_command import parse_guest

    try:
        kernel, release = parse_guest(brand)
        return kernel or "", release
    except UsageError as error:
        raise ZoneError(f"zone {settings.name}: brand {brand}: {error}") from None


def start(
    settings: Configuration,
    words: list[str],
    joined: Joined,
    *,
    more: Mapping[str, str] | None = None,
    options: launch.Options | None = None,
    user: str = "",
) -> int:
    """Become a program of the zone.  Raises ZoneError for what its files do not have; never returns."""
    kernel, release = personality(settings)
    options = options or launch.Options()
    if options.kernel is None:
        options.release_of, options.release = kernel, release
    options.surroundings = joined
    plans.default_directory()
    joined.furnish()
    environment = {**place.environment(settings), **(more or {})}
    if user:
        account = accounts.find(user)
        joined.user = account.numbers
        environment |= account.environment
        words = words or [account.shell]
        options.argv0 = options.argv0 or (
            "-" + os.path.basename(account.shell) if words == [account.shell] else None
        )
        joined.start_in(account.home)
    launch.start(words[0], words[1:], environment, options)


def at_boot(settings: Configuration, words: list[str], joined: Joined) -> int:
    """As `start`, for what has nobody to print a sentence to.  Raises ZoneError."""
    try:
        return start(settings, words, joined)
    except launch.LaunchError as error:
        raise ZoneError(f"zone {settings.name}: {error}") from None


def again(zone: Zone) -> list[str]:
    """The command that boots a zone again whose root asked for that."""
    return [sys.executable, "-m", "guise", "zone", "boot", "--again", zone.name]


def running_zone(name: str, verb: str) -> tuple[Zone, Configuration, place.Entrance]:
    """Raises ZoneError when it does not run."""
    from sandbox.zone import lifecycle

    zone = Store().zone(name)
    settings = zone.configuration()
    if zone.running() is None and zone.read("running") is not None:
        with lifecycle.opened(zone):
            pass
    lifecycle.require(zone, verb, "running", "ready")
    running = zone.running()
    if running is None:
        raise ZoneError(f"zone {name} has just ended")
    return zone, settings, place.Entrance(zone, running)


def run(
    name: str, words: list[str], then: Callable[[Configuration, Joined], int], *, directory: str = ""
) -> int:
    """Go on with `then` in a running zone, in a process whose end becomes this one's.  Raises ZoneError."""
    _, settings, entrance = running_zone(name, "a program")
    program = words[0] if words else ""  # the user's shell, which is looked up inside
    joined = place.enter(entrance, Request(program, words[1:], directory=directory))
    joined.settings = settings
    joined.kernel, joined.release = personality(settings)
    plans.default_directory()
    try:
        with place.starting(name):
            return then(settings, joined)
    except launch.LaunchError as error:
        return complain(str(error), error.status)


def execute(name: str, words: list[str], user: str, directory: str) -> int:
    """`guise zone exec`: one program, with our streams and terminal."""

    more = {"TERM": os.environ.get("TERM", "dumb")}

    def become(settings: Configuration, joined: Joined) -> int:
        return start(settings, words, joined, more=more, user=user)

    return run(name, words, become, directory=directory)
