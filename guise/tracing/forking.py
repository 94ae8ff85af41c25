"""A child that can be waited for, whoever started this process."""

from __future__ import annotations

import os
import signal


def fork() -> int:
    """os.fork().  Where SIGCHLD is ignored the kernel collects children by itself, and their status is lost:
    this process then takes the default from now on.  The child, which is the program, ignores it as before.
    """
    ignored = signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0 and ignored:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    return child
