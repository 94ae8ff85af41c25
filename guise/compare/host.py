"""The computer that we are on, as a host of guests."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sandbox.style import Host

_USUAL = 2.5e9  # hertz, where the kernel does not tell


def this_host() -> Host:
    """Processors that we may use, all memory, and the clock of the first processor."""
    return Host(
        processors=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        hertz=_hertz(),
    )


def _hertz() -> float:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return _USUAL
    found = re.search(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)
    return float(found[1]) * 1e6 if found else _USUAL
