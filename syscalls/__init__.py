"""What each kernel promises its programs, as data, and what can be derived from it.

One folder per kernel (`linux/`, `freebsd/`) holds tables that a person can read; FORMAT.md describes
them.  `load` reads a kernel's tables; `python -m syscalls.generate` writes the C that the runtime is
built from; `python -m syscalls.check` judges the tables.  This package imports nothing else of ours.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Abi

__all__ = ["load"]


@cache
def load(kernel: str) -> Abi:
    """The ABI of `kernel` ("freebsd", "linux"), read once per process.

    Raises `syscalls.model.TableError` for an unknown kernel.
    """
    from .parse import read  # the parser costs some milliseconds, which few users need

    return read(kernel)
