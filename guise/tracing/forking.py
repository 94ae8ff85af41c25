"""A child that can be waited for, whoever started this process."""

from __future__ import annotations

import _signal  # the enums of `signal` take longer than all the rest
import os


def fork() -> int:
    """os.fork().  Where SIGCHLD is ignored the kernel collects children by itself, and their status is lost:
    this process then takes the default from now on.  The child, which is the program, ignores it as before.
    """
    ignored = _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN
    if ignored:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    child = os.fork()
    if child == 0 and ignored:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
    return child
