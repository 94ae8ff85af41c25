"""How a process ended, in words.

Nothing has to be carried through: the launcher becomes the guest, so that whoever waits for it
waits for the guest itself.  What is left is to say what a wait status means.
"""

from __future__ import annotations

import os
import signal


def describe(returncode: int) -> str:
    """A return code as subprocess has it (-N: killed by signal N) as half a sentence."""
    if returncode == 0:
        return "succeeded"
    if returncode > 0:
        return f"ended with status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return f"was ended by {name}"


def returncode(wait_status: int) -> int:
    """A wait status as a return code.  Raises ValueError for one of a process that has not ended."""
    return os.waitstatus_to_exitcode(wait_status)
