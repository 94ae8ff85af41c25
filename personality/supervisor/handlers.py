"""Which Python function serves which call of which kernel.

A personality registers its handlers itself, in personality/<kernel>/__init__.py; nothing here
names a kernel.  A registration holds the function's place and not the function, so that a guest
which only asks for the number of processors does not load the code that lists network interfaces.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from personality.supervisor.call import Convention
    from personality.supervisor.guest import Guest

    # Arguments are the guest's registers, unsigned.  The answer is the result, or the result and
    # the second one.  Failures are raised: OSError with a host errno, or GuestError.
    Answer = int | tuple[int, int]
    Handler = Callable[["Guest", tuple[int, ...]], Answer]


class GuestError(Exception):
    """An errno that only the guest's kernel has, by the guest's number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"guest errno {number}")
        self.number = number

    @property
    def value(self) -> int:
        """What goes over the wire: GUEST_ERRNO(n) of personality/runtime/runtime.h."""
        return -(8192 - self.number)


class Registration:
    """Where the handler of one call lives."""

    __slots__ = ("call", "function", "module")

    def __init__(self, call: str, module: str, function: str) -> None:
        self.call = call
        self.module = module
        self.function = function


_calls: dict[str, dict[int, Registration]] = {}
_releases: dict[str, Callable[[str], int]] = {}
_conventions: dict[str, Callable[[], Convention]] = {}
_loaded: dict[tuple[str, int], Handler] = {}


def register(
    kernel: str,
    calls: Mapping[int, tuple[str, str, str]],
    release: Callable[[str], int] | None = None,
    convention: Callable[[], Convention] | None = None,
) -> None:
    """Announce a kernel's handlers: number -> (call, module, function).

    `release` turns a release as a user writes it ("14.1") into the kernel's own number, and raises
    ValueError with a sentence for one that it does not know.  `convention` makes what a tracer has to
    know of the kernel's registers.
    """
    _calls[kernel] = {number: Registration(*place) for number, place in calls.items()}
    if release is not None:
        _releases[kernel] = release
    if convention is not None:
        _conventions[kernel] = convention


def load_personality(kernel: str) -> bool:
    """Import a kernel's package, which registers itself.  False: there is none of that name."""
    if kernel not in _calls:
        if not kernel.isidentifier() or kernel in ("supervisor", "runtime"):
            return False
        try:
            importlib.import_module(f"personality.{kernel}")
        except ModuleNotFoundError as error:
            if error.name != f"personality.{kernel}":
                raise
            return False
    return kernel in _calls


def registrations(kernel: str) -> dict[int, Registration]:
    """All calls of a kernel that Python serves, by number."""
    return dict(_calls[kernel]) if load_personality(kernel) else {}


def release_number(kernel: str, release: str) -> int:
    """A release in the kernel's own notation.  Raises ValueError with a sentence."""
    parse = _releases.get(kernel) if load_personality(kernel) else None
    if parse is None:
        raise ValueError(f"there is no choice of release for {kernel}: say --as {kernel}")
    return parse(release)


def convention(kernel: str) -> Convention | None:
    """How a kernel is called; None when it has no personality here."""
    make = _conventions.get(kernel) if load_personality(kernel) else None
    return None if make is None else make()


def find(kernel: str, number: int) -> Handler | None:
    """The handler of a call, imported on first use; None when nobody registered one."""
    handler = _loaded.get((kernel, number))
    if handler is None and load_personality(kernel):
        place = _calls[kernel].get(number)
        if place is not None:
            handler = getattr(importlib.import_module(place.module), place.function)
            _loaded[kernel, number] = handler
    return handler
