"""Single operations: each program times its own loop, so that starting it is not part of the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import NotMeasured, Result, Sampler, in_turn
from benchmarks.programs import build
from benchmarks.variants import Variant, run

OPERATIONS = {
    "null_call": "null call (getppid)",
    "null_call_unpatched": "null call from a site that cannot be patched",
    "read_4k": "read 4 KiB",
    "write_4k": "write 4 KiB",
    "open_close": "open + close",
    "stat": "stat",
    "pipe_ping_pong": "pipe ping-pong between two processes",
    "map_unmap": "mmap + munmap of 64 KiB, one page touched",
    "thread_create_join": "thread create + join",
    "fork_exec": "fork + exec + wait of a static program",
    "signal_delivery": "signal to oneself: kill, handler, return",
}


def _sampler(name: str, variant: Variant, milliseconds: int, folder: Path) -> Sampler:
    def take() -> float:
        pair = build(name)
        program = pair.guest if variant.guest else pair.host
        said = run([*variant.prefix, str(program), str(milliseconds), str(folder / "file")], folder)
        try:
            return int(said.split()[0]) / 1000
        except (IndexError, ValueError):
            raise NotMeasured(f"it printed {said!r} instead of a time") from None

    return Sampler(variant.name, take)


def measure(
    name: str, variants: Sequence[Variant], rounds: int, milliseconds: int, folder: Path
) -> list[Result]:
    """One operation with every variant, in ns per operation."""
    (folder / "file").write_bytes(bytes(8192))
    samplers = [_sampler(name, variant, milliseconds, folder) for variant in variants]
    few = frozenset(v.name for v in variants if v.slow)
    return in_turn(name, OPERATIONS[name], "ns", samplers, rounds, few)
