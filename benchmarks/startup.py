"""From the command line to the guest's first instruction and its end, against a bare Python start.

Guise starts as a Python program, so `python3 -c pass` is the part of it that nothing here can save.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.measure import BASELINE, Result, Sampler, in_turn
from benchmarks.programs import build
from benchmarks.variants import GUESTS, run

NAME = "startup"
TITLE = "start-up, against python3 -c pass"


def _timed(command: list[str], folder: Path, more: Mapping[str, str] | None = None) -> float:
    start = time.perf_counter()
    run(command, folder, more)
    return (time.perf_counter() - start) * 1000


def measure(rounds: int, folder: Path) -> list[Result]:
    """Whole runs of a program that ends at once, in ms: plans cached, and with an empty cache."""
    program = build("exit").guest
    caches = folder / "caches"
    caches.mkdir(exist_ok=True)
    kept = {"XDG_CACHE_HOME": str(caches / "kept")}

    def warm(prefix: tuple[str, ...]) -> Callable[[], float]:
        return lambda: _timed([*prefix, str(program), "1"], folder, kept)

    def cold() -> float:
        with tempfile.TemporaryDirectory(dir=caches) as empty:
            return _timed([*GUESTS[0].prefix, str(program), "1"], folder, {"XDG_CACHE_HOME": empty})

    run([*GUESTS[0].prefix, str(program), "1"], folder, kept)
    samplers = [
        Sampler(BASELINE, lambda: _timed([sys.executable, "-c", "pass"], folder)),
        Sampler("guise-warm", warm(GUESTS[0].prefix)),
        Sampler("guise-ptrace-warm", warm(GUESTS[1].prefix)),
        Sampler("guise-cold", cold),
    ]
    return in_turn(NAME, TITLE, "ms", samplers, rounds, frozenset({"guise-ptrace-warm"}))
