"""Every dispatch of every logical processor, one by one (SimPy).

PR/SM's words are kept: dispatch time is what a partition held an engine for, effective time what its own
work took of that; the difference is the management's.  Where dispatch time goes: the switch, filling the
cache again (`warmth`), the intercepts (`fixed`), and, with timer dispatching, waits that keep the engine.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox.partition import library
from sandbox.partition.model import SHARED, Dispatching, Engines, Outcome, Partition, Usage
from sandbox.partition.processor import Processor
from sandbox.partition.warmth import Cache

if TYPE_CHECKING:
    import simpy

_TINY = 1e-12


class Engine:
    """One physical processor: its pool, its cache, what it runs, and whether it is on its way out."""

    def __init__(self, number: int, pool: str, cache: float, board: str = "") -> None:
        self.number = number
        self.pool = pool
        self.board = board
        self.cache = Cache(cache)
        self.last: Processor | None = None
        self.running: Processor | None = None
        self.process: simpy.Process | None = None
        self.wake: simpy.Event | None = None
        self.leaving = False


class Dispatcher:
    """A simulation that can be run in steps, and changed in between: engines moved, partitions stopped."""

    def __init__(self, hardware: Engines, seed: int = 1) -> None:
        self._simpy = library.simpy()
        self.environment = self._simpy.Environment()
        self.hardware = hardware
        self.usage: dict[str, Usage] = {}
        self.engines: list[Engine] = []
        self.processors: list[Processor] = []
        self._ready: dict[str, list[Processor]] = {}
        self._random = Random(seed)
        self._window_end = hardware.window
        self.environment.process(self._windows())

    def add_engine(self, pool: str = SHARED, board: str = "") -> Engine:
        """A new engine that begins to dispatch at once."""
        engine = Engine(len(self.engines), pool, self.hardware.cache, board)
        self.engines.append(engine)
        self.start(engine)
        return engine

    def start(self, engine: Engine) -> None:
        """Let an engine dispatch, at first or after it was moved."""
        engine.leaving = False
        engine.process = self.environment.process(self._engine(engine))

    def add(self, partition: Partition, pool: str = SHARED) -> None:
        """Its logical processors are ready at once."""
        usage = self.usage.setdefault(partition.name, Usage(partition.name))
        for _ in range(partition.processors):
            seed = self._random.getrandbits(64)
            processor = Processor(len(self.processors), partition, pool, usage, Random(seed))
            processor.allowance = self._entitled(processor)
            self.processors.append(processor)
            processor.next_burst()
            self._make_ready(processor)

    def run(self, until: float) -> Outcome:
        """Go on to a time."""
        self.environment.run(until=until)
        return Outcome(self.environment.now, self.usage)

    def stop(self, name: str) -> None:
        """A partition fails: its logical processors never run again."""
        usage = self.usage[name]
        if usage.stopped is None:
            usage.stopped = self.environment.now
        for processor in self.processors:
            if processor.partition.name == name:
                processor.alive = False
        for waiting in self._ready.values():
            waiting[:] = [each for each in waiting if each.alive]
        for engine in self.engines:
            if engine.running is not None and not engine.running.alive:
                self._interrupt(engine)

    def withdraw(self, engine: Engine) -> None:
        """Take an engine out: what it runs goes back to the queue."""
        engine.leaving = True
        if engine.running is not None:
            self._interrupt(engine)
        elif engine.wake is not None and not engine.wake.triggered:
            engine.wake.succeed()

    # --- one engine ---------------------------------------------------------------------------------

    def _engine(self, engine: Engine) -> Generator[simpy.Event, Any, None]:
        while not engine.leaving:
            processor = self._pick(engine)
            if processor is None:
                engine.wake = self.environment.event()
                yield engine.wake
                engine.wake = None
                continue
            engine.running = processor
            yield from self._dispatch(engine, processor)
            engine.running = None

    def _dispatch(self, engine: Engine, processor: Processor) -> Generator[simpy.Event, Any, None]:
        """From taking the engine to giving it up; the processor is in the queue again, waiting or dead."""
        began = self.environment.now
        usage = processor.usage
        end = began + self._slice(processor)
        try:
            if engine.last is not processor:
                yield from self._switch(engine, processor)
                end += self.environment.now - began
            self._answered(processor)
            yield from self._work(processor, end)
        except self._simpy.Interrupt:
            pass
        self._charge(processor, self.environment.now - began)
        usage.dispatched += self.environment.now - began
        usage.effective += processor.done  # only together: a running dispatch counts when it has ended
        usage.idle += processor.idled
        processor.done = processor.idled = 0.0
        if processor.alive and processor.remaining > _TINY:
            self._make_ready(processor, again=True)
        elif processor.alive and processor.ready_at is None:
            self._begin_wait(processor)

    def _switch(self, engine: Engine, processor: Processor) -> Generator[simpy.Event, Any, None]:
        loaded = engine.cache.load(processor.number, processor.partition.load.working_set)
        warm_up = loaded / self.hardware.fill
        engine.last = processor
        processor.engine = engine
        processor.usage.switches += 1
        processor.usage.warm_up += warm_up
        yield self.environment.timeout(self.hardware.switch + warm_up)

    def _work(self, processor: Processor, end: float) -> Generator[simpy.Event, Any, None]:
        """Bursts until the slice ends, or the processor waits and the engine is given up."""
        environment, usage = self.environment, processor.usage
        slower = 1 + self.hardware.fixed
        while processor.alive:
            began = environment.now
            try:
                yield environment.timeout(max(0.0, min(processor.remaining * slower, end - began)))
            finally:
                done = (environment.now - began) / slower
                processor.remaining -= done
                processor.done += done
            if processor.remaining > _TINY:
                return
            usage.bursts += 1
            usage.last_burst = environment.now
            if processor.partition.load.think <= 0:
                processor.next_burst()
                if environment.now >= end - _TINY:
                    return
                continue
            if self.hardware.dispatching is not Dispatching.TIMER:
                return
            ended = yield from self._wait_on_engine(processor, end)
            if ended:
                return

    def _wait_on_engine(self, processor: Processor, end: float) -> Generator[simpy.Event, Any, bool]:
        """Timer dispatching: the wait keeps the engine.  True when the slice ends first."""
        environment = self.environment
        began = environment.now
        ends = began + processor.next_wait()
        stop = min(ends, end)
        processor.ready_at = ends
        try:
            yield environment.timeout(max(0.0, stop - began))
        finally:
            processor.idled += environment.now - began
            if environment.now < ends:  # the rest of the wait happens off the engine
                environment.process(self._wait(processor, ends - environment.now))
            else:
                processor.ready_at = None
                processor.next_burst()
        if processor.ready_at is not None:
            return True
        processor.usage.interrupts += 1  # taken on the spot
        return False

    # --- waiting and ready --------------------------------------------------------------------------

    def _begin_wait(self, processor: Processor) -> None:
        self.environment.process(self._wait(processor, processor.next_wait()))

    def _wait(self, processor: Processor, seconds: float) -> Generator[simpy.Event, Any, None]:
        processor.ready_at = self.environment.now + seconds
        yield self.environment.timeout(seconds)
        processor.ready_at = None
        if processor.alive:
            processor.next_burst()
            processor.usage.interrupts += 1
            self._make_ready(processor)

    def _make_ready(self, processor: Processor, *, again: bool = False) -> None:
        waiting = self._ready.setdefault(processor.pool, [])
        if not again:
            processor.ready_since = self.environment.now
            # Who slept does not come back with a claim to all that it did not use.
            running = [each.running for each in self.engines if each.running is not None]
            floor = min(
                (each.due for each in [*running, *waiting] if each.pool == processor.pool), default=0.0
            )
            processor.used = max(processor.used, (floor * processor.weight) - self._slice(processor))
        waiting.append(processor)
        for engine in self.engines:
            if engine.pool == processor.pool and engine.wake is not None and not engine.wake.triggered:
                engine.wake.succeed()
                return
        if not again and self.hardware.dispatching is not Dispatching.TIMER:
            self._preempt(processor)

    def _preempt(self, processor: Processor) -> None:
        """An interrupt for a partition that is behind takes the engine of the one furthest ahead."""
        if not self._may_run(processor):
            return
        busy = [
            engine
            for engine in self.engines
            if engine.pool == processor.pool and engine.running is not None and not engine.leaving
        ]
        if not busy:
            return
        ahead = max(busy, key=lambda engine: self._rank(engine.running))  # type: ignore[arg-type]
        assert ahead.running is not None
        if self._rank(ahead.running) > self._rank(processor):
            self._interrupt(ahead)

    def _interrupt(self, engine: Engine) -> None:
        if engine.process is not None and engine.process.is_alive and engine.running is not None:
            engine.process.interrupt()
            engine.running = None

    def _answered(self, processor: Processor) -> None:
        usage = processor.usage
        if processor.ready_since >= 0:
            late = self.environment.now - processor.ready_since
            usage.waited += late
            usage.longest = max(usage.longest, late)
            processor.ready_since = -1.0

    # --- shares -------------------------------------------------------------------------------------

    def _pick(self, engine: Engine) -> Processor | None:
        waiting = self._ready.get(engine.pool, [])
        able = [each for each in waiting if self._may_run(each)]
        if not able:
            return None
        best = min(
            able, key=lambda each: (self._rank(each), each is not engine.last, each.engine is not engine)
        )
        waiting.remove(best)
        return best

    def _rank(self, processor: Processor) -> tuple[bool, float]:
        """Those within their entitlement come first; then who has used least for its weight."""
        beyond = processor.partition.entitlement is not None and processor.allowance <= _TINY
        return beyond, processor.due

    def _may_run(self, processor: Processor) -> bool:
        return not processor.partition.capped or processor.pool != SHARED or processor.allowance > _TINY

    def _entitled(self, processor: Processor) -> float:
        """Engine seconds for one window."""
        partition = processor.partition
        if partition.entitlement is not None:
            return partition.entitlement * self.hardware.window / partition.processors
        if not partition.capped:
            return 0.0
        everybody = {each.partition.name: each.partition.weight for each in self.processors}
        everybody[partition.name] = partition.weight
        engines = sum(each.pool == SHARED for each in self.engines)
        share = partition.weight / sum(everybody.values())
        return engines * share * self.hardware.window / partition.processors

    def _slice(self, processor: Processor) -> float:
        longest = self.hardware.slice
        if processor.partition.capped and processor.pool == SHARED:
            return min(longest, max(processor.allowance, 0.0))
        if processor.partition.entitlement is not None:
            if processor.allowance > _TINY:
                return min(longest, processor.allowance)
            left: float = self._window_end - self.environment.now
            return min(longest, left)  # then others are entitled again
        return longest

    def _charge(self, processor: Processor, seconds: float) -> None:
        processor.used += seconds
        processor.allowance -= seconds

    def _windows(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self.environment.timeout(self.hardware.window)
            self._window_end = self.environment.now + self.hardware.window
            for processor in self.processors:
                entitled = self._entitled(processor)
                processor.allowance = min(processor.allowance, 0.0) + entitled
            for engine in self.engines:
                if engine.wake is not None and not engine.wake.triggered and self._ready.get(engine.pool):
                    engine.wake.succeed()


def simulate(hardware: Engines, partitions: list[Partition], seconds: float, seed: int = 1) -> Outcome:
    """Dedicated partitions own engines, the others share the rest.

    Raises ValueError where there are not enough engines.
    """
    owned = sum(each.processors for each in partitions if each.dedicated)
    shared = hardware.count - owned
    if shared < 0 or (shared == 0 and any(not each.dedicated for each in partitions)):
        raise ValueError(
            f"{owned} engines are dedicated and {hardware.count} are there: too few for the partitions"
        )
    dispatcher = Dispatcher(hardware, seed)
    for _ in range(shared):
        dispatcher.add_engine()
    for partition in partitions:
        pool = partition.name if partition.dedicated else SHARED
        if partition.dedicated:
            for _ in range(partition.processors):
                dispatcher.add_engine(pool)
        dispatcher.add(partition, pool)
    return dispatcher.run(seconds)
