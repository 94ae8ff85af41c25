"""How cold an engine's cache is for a logical processor that comes back to it."""

from __future__ import annotations

import math


class Cache:
    """One engine's cache: who ran there, and how much others have brought in since.

    Lines that others load fall anywhere, so after loading `x` bytes into a cache of `size` a share
    exp(-x / size) of the old lines is left (random replacement; set-associative caches are near it).
    """

    __slots__ = ("_loaded", "_marks", "_size")

    def __init__(self, size: float) -> None:
        self._size = size
        self._loaded = 0.0
        self._marks: dict[object, float] = {}

    def missing(self, who: object, working_set: float) -> float:
        """Bytes of its working set that it will have to load again."""
        wanted = min(working_set, self._size)
        mark = self._marks.get(who)
        if mark is None or self._size <= 0:
            return wanted
        return wanted * -math.expm1(-(self._loaded - mark) / self._size)

    def load(self, who: object, working_set: float) -> float:
        """It runs now: returns the bytes that it loads, which push out others' lines but not its own."""
        missing = self.missing(who, working_set)
        self._loaded += missing
        self._marks[who] = self._loaded
        return missing
