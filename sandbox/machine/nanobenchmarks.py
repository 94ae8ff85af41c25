"""What one operation of Adams and Agesen's nanobenchmarks makes each monitor do, counted by running it.

K. Adams and O. Agesen, "A Comparison of Software and Hardware Techniques for x86 Virtualization",
ASPLOS 2006, measured six operations; six guest kernels do them.  Each runs twice, with n and with 2n
rounds: the difference is exactly what n rounds cost, without start-up, translation and first touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sandbox.machine.monitors.registry import execute
from sandbox.machine.x86.guests import GUESTS

# The paper's name -> the guest kernel.
ROWS: Mapping[str, str] = {
    "syscall": "syscall",
    "in": "port",
    "callret": "callret",
    "pgfault": "pagefault",
    "divzero": "divide",
    "ptemod": "pte",
}
ROUNDS = 8  # a whole number of batches; more would give the same differences
# The paper's columns: software (VMware's binary translation) and hardware (first-generation VT-x).
COLUMNS: Mapping[str, str] = {"native": "bare", "software": "translation", "hardware": "assist"}


@dataclass(frozen=True)
class PerOperation:
    """Events and guest instructions of one operation; fractions come from batches."""

    row: str
    monitor: str
    events: Mapping[str, float]
    instructions: float


@cache
def per_operation(row: str, monitor: str) -> PerOperation:
    """Count one row on one monitor.  Raises KeyError for names outside ROWS, NotInstalled without Unicorn."""
    guest = GUESTS[ROWS[row]].repeated(ROUNDS)
    once, twice = execute(guest, monitor), execute(guest.repeated(2 * ROUNDS), monitor)
    if once.ended != "exit" or twice.ended != "exit":
        raise ValueError(f"{guest.name} does not run to its end on {monitor}: {once.ended}, {twice.ended}")
    more = guest.operations
    names = sorted(set(once.events) | set(twice.events))
    events = {name: (twice.events[name] - once.events[name]) / more for name in names}
    instructions = (twice.instructions - once.instructions) / more
    return PerOperation(row, monitor, {name: count for name, count in events.items() if count}, instructions)
