"""The monitors by name, and one guest on each of them compared with the bare machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sandbox.machine.monitors.assist import Assisted, Nested
from sandbox.machine.monitors.bare import Bare
from sandbox.machine.monitors.base import Run
from sandbox.machine.monitors.kvm import Kvm
from sandbox.machine.monitors.paravirtual import Paravirtual
from sandbox.machine.monitors.translation import BinaryTranslation
from sandbox.machine.monitors.trap import TrapAndEmulate
from sandbox.machine.x86.guests import TABLE_PAGES, Guest
from sandbox.machine.x86.layout import PAGE
from sandbox.machine.x86.paging import ACCESSED
from sandbox.machine.x86.state import differences

MONITORS = (Bare, TrapAndEmulate, BinaryTranslation, Paravirtual, Assisted, Nested, Kvm)
BY_NAME = {monitor.name: monitor for monitor in MONITORS}
SIMULATED = tuple(monitor.name for monitor in MONITORS if monitor is not Kvm)


@dataclass(frozen=True)
class Comparison:
    """A run and what differs from the bare run; `same` only when it ended by itself and nothing differs."""

    run: Run
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.differences and self.run.ended == "exit"

    @property
    def unable(self) -> bool:
        """KVM gave up on an instruction: this host's KVM has no hardware below it for such guests."""
        return self.run.monitor == Kvm.name and self.run.ended.startswith("KVM ")


def execute(guest: Guest, monitor: str) -> Run:
    """Run a guest on a monitor.  Raises NotInstalled, NoKvm."""
    make: Callable[[], Bare | Kvm] = BY_NAME[monitor]  # type: ignore[assignment]
    return make().run(guest)


def _without_accessed(memory: bytes) -> bytes:
    """Memory without the accessed bits of page tables: a real processor also sets them when it speculates."""
    plain = bytearray(memory)
    for page in TABLE_PAGES:
        for place in range(page * PAGE, (page + 1) * PAGE, 4):
            plain[place] &= ~ACCESSED & 0xFF
    return bytes(plain)


def compare(guest: Guest, monitors: Iterable[str]) -> Iterator[Comparison]:
    """The bare run first, then each monitor's, compared with it."""
    bare = execute(guest, Bare.name)
    for name in monitors:
        run = bare if name == Bare.name else execute(guest, name)
        of_bare, of_run = bare.memory, run.memory
        if name == Kvm.name:
            of_bare, of_run = _without_accessed(of_bare), _without_accessed(of_run)
        found = differences(bare.state, run.state, of_bare, of_run)
        if run.console != bare.console:
            found.append(f"it wrote {len(run.console)} characters, not the bare run's {len(bare.console)}")
        if run.ended != bare.ended:
            found.insert(0, run.ended)
        yield Comparison(run, tuple(found))
