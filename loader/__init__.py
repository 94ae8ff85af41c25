"""Files in, load plans out: no process, no kernel state.

`plan_for` answers what execve would have to know of a file, `inspect` what a person would.  Importing
this package is light; what makes a plan is imported when there is none yet, and LIEF by `inspect` alone.
"""

from __future__ import annotations

from .cache import PlanCache
from .errors import LoadError
from .launch import kernel_name, plan_for
from .result import GuestImage, HostProgram, PlanResult, Script
from .source import open_program

__all__ = [
    "GuestImage",
    "HostProgram",
    "LoadError",
    "PlanCache",
    "PlanResult",
    "Script",
    "kernel_name",
    "open_program",
    "plan_for",
]
