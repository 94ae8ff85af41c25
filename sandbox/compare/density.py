"""How many such guests fit on a host, and what stops the next one."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sandbox.style import Density, Host, Workload
from sandbox.systems.model import System


def guest_memory(system: System, load: Workload) -> float:
    """Bytes that one guest with the workload takes, after what page sharing gives back."""
    return (load.working_set + load.image + system.guest_memory.value) * (1 - system.shared_memory)


def density(system: System, load: Workload, host: Host, overhead: float) -> Density:
    """The least of what processors, memory and the system's rules allow."""
    count, limit = min(_limits(system, load, host, overhead), key=lambda each: each[0])
    return Density(max(0, count), limit)


def _limits(system: System, load: Workload, host: Host, overhead: float) -> Iterator[tuple[int, str]]:
    used = load.busy * (1 + overhead) / max(load.elapsed, load.busy / host.processors)
    # one always runs, only more slowly
    yield max(1, math.floor(host.processors / used + 1e-9)), f"processors: one keeps {used:.2f} busy"
    each = guest_memory(system, load)
    left = host.memory - system.fixed_memory.value
    yield math.floor(left / each) if each else 1 << 30, f"memory: one takes {each / 2**20:,.0f} MiB"
    for rule in system.rules:
        if rule.quantity == "guests" and isinstance(rule.most, int | float):
            yield int(rule.most), rule.text
        elif rule.quantity == "guests per processor" and isinstance(rule.most, int | float):
            yield int(rule.most * host.processors), rule.text
        elif rule.quantity == "entitlement" and rule.least:
            yield math.floor(host.processors / rule.least + 1e-9), rule.text
        elif rule.quantity == "boards" and rule.least:
            yield 1, f"{rule.text}, and this host is one"
