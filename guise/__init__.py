"""Guise runs programs built for another kernel on this one.

    import guise
    done = guise.run("./esbuild-for-freebsd", ["--version"], capture_output=True)
    print(done.stdout, done.returncode)

The names are loaded on first use: importing `guise` costs a command-line start almost nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["CompletedGuest", "GuestFailed", "GuestTimeout", "__version__", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guise.api import CompletedGuest, GuestFailed, GuestTimeout, run


def __getattr__(name: str) -> object:
    if name in __all__:
        from guise import api

        value: object = getattr(api, name)
        return value
    raise AttributeError(f"module 'guise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
