"""What one n-way guest loses against n 1-way ones: a kernel lock, and work that comes back to a cold cache.

PR/SM's observation is that splitting an n-way into dedicated 1-ways can raise throughput by up to 10 %.
Nothing of that number is put in here: jobs take a lock for a share of each burst, spinning while another
engine has it, and go on where an engine is free, so their working set is often in another cache.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox.partition import library
from sandbox.partition.warmth import Cache

if TYPE_CHECKING:
    import simpy


@dataclass(frozen=True)
class Work:
    """Jobs of equal kind, `jobs` for each engine.  Seconds and bytes.

    `burst` is one turn of a job (exponential), `locked` the share of it under the kernel's lock.
    """

    burst: float = 1e-3
    locked: float = 0.02
    working_set: float = 96 << 10
    jobs: int = 4
    cache: float = 1 << 20
    fill: float = 2e9


def throughput(engines: int, work: Work, seconds: float, seed: int = 1) -> float:
    """Turns per second of one guest with so many engines."""
    environment = library.simpy().Environment()
    lock = library.simpy().Resource(environment)
    queue = deque(range(engines * work.jobs))
    random = Random(seed)
    done = [0]

    def engine() -> Generator[simpy.Event, Any, None]:
        cache = Cache(work.cache)
        while True:
            job = queue.popleft()
            cold = cache.load(job, work.working_set) / work.fill
            burst = random.expovariate(1 / work.burst)
            yield environment.timeout(cold + burst * (1 - work.locked))
            with lock.request() as mine:
                yield mine
                yield environment.timeout(burst * work.locked)
            done[0] += 1
            queue.append(job)

    for _ in range(engines):
        environment.process(engine())
    environment.run(until=seconds)
    return done[0] / seconds


def gain(engines: int, work: Work, seconds: float = 4.0, seed: int = 1) -> float:
    """How much more `engines` dedicated 1-ways do than one guest with all of them, as a share."""
    together = throughput(engines, work, seconds, seed)
    apart = sum(throughput(1, work, seconds, seed + number) for number in range(engines))
    return apart / together - 1
