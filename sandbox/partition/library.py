"""SimPy, the simulation library, imported when something is simulated: most commands never need it."""

from __future__ import annotations

from types import ModuleType


class NotInstalled(RuntimeError):
    """SimPy is missing: one sentence that says how to get it."""


def simpy() -> ModuleType:
    """Raises NotInstalled."""
    try:
        import simpy as library
    except ImportError:
        raise NotInstalled(
            "simulating partitions needs the package simpy: install it with pip install 'guise[compare]'"
        ) from None
    return library
