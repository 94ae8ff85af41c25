"""A supervisor that nobody asks anything gives its memory back.

Most guests make their cold calls when they start, and then none for hours, while Python takes 9 MB that are
nobody else's.  After PATIENCE seconds the supervisor executes a program of a few pages in its own place: it
waits for the next request, and then executes a supervisor again.  The process stays the same: number,
descriptors, rights.  What handlers remember goes along in a file in memory.

Without a tracer, and in a sandbox, which brings the small program.
"""

from __future__ import annotations

import marshal
import os
import sys

from personality.supervisor import numbers, remembered, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATIENCE = 10
"""Seconds without a request; GUISE_STANDBY has others.  Coming back takes some 50 ms of processor time."""

_STATE = 4  # the descriptor behind wire.CONTROL
_BACK = "import marshal,os,sys;s=marshal.loads(os.pread(4,1<<24,0));os.close(4);sys.path[:]=s['path'];"
_BACK += "from personality.supervisor import session;session.come_back(s)"


def patience() -> int:
    chosen = os.environ.get("GUISE_STANDBY", "")
    return int(chosen) if chosen.isdecimal() and len(chosen) < 10 else PATIENCE


def stand_by(waiter: list[str], settings: list[Any]) -> None:
    """Never returns, except where it cannot be done: then nothing has changed.

    waiter    the words of the small program: see launch.Surroundings
    settings  what session.come_back makes the server of
    """
    if not sys.executable:
        return
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    state = {
        "path": [here, *(entry for entry in sys.path if os.path.isabs(entry))],
        "remembered": remembered.put_away(),
        "waiter": waiter,
        "apart": numbers.are_apart(),
        "settings": settings,
    }
    words = [*waiter, str(wire.CONTROL), sys.executable, "-I", "-S", "-c", _BACK]
    try:
        file = os.memfd_create("guise-state")
        os.write(file, marshal.dumps(state))
        if file != _STATE:
            os.dup2(file, _STATE)
            os.close(file)
        os.set_inheritable(_STATE, True)
        os.set_inheritable(wire.CONTROL, True)
        if numbers.are_apart():
            os.set_inheritable(numbers.PLACE, True)
        os.execv(waiter[0], words)
    except OSError:
        os.set_inheritable(wire.CONTROL, False)
        if numbers.are_apart():
            os.set_inheritable(numbers.PLACE, False)
