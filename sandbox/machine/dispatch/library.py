"""SimPy, with one sentence when it is absent."""

from __future__ import annotations

from types import ModuleType

from sandbox.machine.extras import optional


def simpy() -> ModuleType:
    """Raises NotInstalled."""
    return optional("simpy", "simulating schedules")
