"""What each kernel promises its programs, as data, and what can be derived from it.

One folder per kernel (`linux/`, `freebsd/`) holds tables that a person can read; FORMAT.md describes
them.  `load` reads a kernel's tables; `python -m syscalls.generate` writes the C that the runtime is
built from; `python -m syscalls.check` judges the tables.  This package imports nothing else of ours.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .model import Abi

__all__ = ["HOST", "kernels", "load"]

HOST = "linux"
_HERE = os.path.dirname(os.path.abspath(__file__))
_loaded: dict[str, Abi] = {}


def kernels(root: str | os.PathLike[str] | None = None) -> list[str]:
    """Names of the kernels that have tables, sorted."""
    folders = [entry for entry in os.scandir(root or _HERE) if entry.is_dir()]
    return sorted(f.name for f in folders if any(name.endswith(".tbl") for name in os.listdir(f.path)))


def load(kernel: str) -> Abi:
    """The ABI of `kernel` ("freebsd", "linux"), read once per process.

    Raises `syscalls.model.TableError` for an unknown kernel.
    """
    if kernel not in _loaded:
        from .parse import read  # the parser costs some milliseconds, which few users need

        _loaded[kernel] = read(kernel)
    return _loaded[kernel]
