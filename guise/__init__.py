"""Guise runs programs built for another kernel on this one.

    import guise
    done = guise.run("./esbuild-for-freebsd", ["--version"], capture_output=True)
    print(done.stdout, done.returncode)

The names are loaded on first use: importing `guise` costs a command-line start almost nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = [
    "Call", "CallEvent", "CompletedGuest", "EndEvent", "Event", "GuestFailed", "GuestTimeout", "LostEvent",
    "Sandbox", "SignalEvent", "StartEvent", "Trace", "__version__", "intercept", "run", "trace",
]  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guise.api import CompletedGuest, GuestFailed, GuestTimeout, Sandbox, run
    from guise.trace_api import (
        Call,
        CallEvent,
        EndEvent,
        Event,
        LostEvent,
        SignalEvent,
        StartEvent,
        Trace,
        intercept,
        trace,
    )


def __getattr__(name: str) -> object:
    if name in __all__:
        import importlib

        of_runs = name in ("CompletedGuest", "GuestFailed", "GuestTimeout", "run")
        value: object = getattr(importlib.import_module("guise.api" if of_runs else "guise.trace_api"), name)
        return value
    raise AttributeError(f"module 'guise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
