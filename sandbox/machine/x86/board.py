"""The devices around the processor.  Time is counted in guest instructions, so a run repeats exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.machine.x86.layout import PORT_CONSOLE, PORT_COUNTER, PORT_EXIT, PORT_TIMER

TICK = 16  # instructions per unit of the timer's port
MISSING = 0xFF  # what a port without a device reads as


@dataclass
class Board:
    """Timer, counter, console and exit port.  A halted processor's time skips to the next tick."""

    instructions: int = 0
    skipped: int = 0  # time that passed in HLT, in instructions
    deadline: int | None = None
    console: bytearray = field(default_factory=bytearray)
    reads: int = 0
    ended: bool = False

    @property
    def now(self) -> int:
        return self.instructions + self.skipped

    @property
    def tick_is_due(self) -> bool:
        return self.deadline is not None and self.now >= self.deadline

    def acknowledge(self) -> None:
        """The processor took the tick."""
        self.deadline = None

    def halt(self) -> bool:
        """Wait for the next tick; false when none will ever come."""
        if self.deadline is None:
            return False
        self.skipped += max(0, self.deadline - self.now)
        return True

    def read(self, port: int) -> int:
        if port == PORT_COUNTER:
            self.reads += 1
            return (self.reads - 1) & 0xFF
        return MISSING

    def write(self, port: int, value: int) -> None:
        if port == PORT_TIMER:
            self.deadline = self.now + TICK * value if value else None
        elif port == PORT_CONSOLE:
            self.console.append(value & 0xFF)
        elif port == PORT_EXIT:
            self.ended = True
