"""How fast the processor's time-stamp counter ticks, so that guests can read times from it.

Only where the counter is the same on all processors and never changes its pace: the processor says so itself
(CPUID 80000007H, EDX bit 8), and the host uses it for its own clock.
"""

from __future__ import annotations

from personality import _core

_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_FIRST, _LONGEST = 5_000_000, 2_000_000_000  # ns between the two readings that a rate is made from


class Ticks:
    """Compares the counter with CLOCK_MONOTONIC, over longer and longer times, and then again and again."""

    def __init__(self) -> None:
        self._pair = _core.ffi.new("unsigned long[2]")
        self._usable = _is_trusted() and _core.lib.core_ticks(self._pair) == 0
        self._begin = tuple(self._pair)
        self._next = _FIRST

    def rate(self) -> int:
        """ns per tick times 2**32 when there is something new to say, else 0."""
        if not self._usable or _core.lib.core_ticks(self._pair) != 0:
            return 0
        ticks, ns = (now - then for now, then in zip(self._pair, self._begin, strict=True))
        if ns < self._next or ticks <= 0:
            return 0
        if self._next >= _LONGEST:
            self._begin = tuple(self._pair)
        self._next = min(2 * self._next, _LONGEST)
        return int((ns << 32) // ticks)


def _is_trusted() -> bool:
    try:
        with open(_SOURCE) as file:
            return file.read().strip() == "tsc"
    except OSError:
        return False
