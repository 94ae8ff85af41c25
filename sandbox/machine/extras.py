"""The optional packages: one sentence when they are absent."""

from __future__ import annotations

import importlib
from types import ModuleType

HOW = "pip install 'guise[machine]'"


class NotInstalled(RuntimeError):
    """An optional package is missing: the message names it and says how to get it."""


def optional(module: str, purpose: str) -> ModuleType:
    """Import unicorn or capstone.  Raises NotInstalled with one sentence."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise NotInstalled(f"{purpose} needs the package {package}: {HOW} ({error})") from None
