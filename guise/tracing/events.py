"""Events: records put into their process and thread, decoded, and in the order of time.

A thread's slot begins with a record that says who it is; what follows in the slot belongs to it until
the next such record.  Rings are emptied one after the other, so that what one round brings is only in
order together with the next: an event is handed out when a whole round has ended after it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from personality.tracing import layout, records
from personality.tracing.area import Chunk
from syscalls import load
from syscalls.decode import Decoder, RawCall, Seen
from syscalls.model import HOST
from syscalls.values import DecodedCall


@dataclass(frozen=True, slots=True)
class Thread:
    """Who did something: ids as the host has them, and the program at that time."""

    process: int
    thread: int
    parent: int
    kernel: str
    program: str
    real_time: int
    """CLOCK_REALTIME minus CLOCK_MONOTONIC, in ns."""


@dataclass(frozen=True, slots=True)
class CallEvent:
    thread: Thread
    start: int
    duration: int
    call: DecodedCall

    @property
    def end(self) -> int:
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class SignalEvent:
    """A signal is delivered to a handler of the guest's."""

    thread: Thread
    start: int
    number: int
    name: str
    code: int
    sender: int
    """The sending process, 0 when none sent it."""

    @property
    def end(self) -> int:
        return self.start


@dataclass(frozen=True, slots=True)
class StartEvent:
    """A thread, or a program after an exec, is seen for the first time."""

    thread: Thread
    start: int

    @property
    def end(self) -> int:
        return self.start


@dataclass(frozen=True, slots=True)
class EndEvent:
    """A process ended: by exit with `status`, or by the signal of that name."""

    thread: Thread
    start: int
    status: int
    signal: str = ""

    @property
    def end(self) -> int:
        return self.start


Event = CallEvent | SignalEvent | StartEvent | EndEvent

_UNKNOWN = Thread(0, 0, 0, "", "", 0)
_STATES = {layout.OPEN: "unfinished", layout.DONE: "done", layout.NO_RETURN: "no return"}


class Assembler:
    """Makes events of chunks; `kernels` names the guest kernels in the order that records use."""

    def __init__(self, kernels: tuple[str, ...]) -> None:
        self._kernels = kernels
        self._decoders: dict[int, Decoder] = {}
        self._threads: dict[int, Thread] = {}
        self._held: list[tuple[int, int, Event]] = []
        self._count = 0
        self._latest = 0

    def round(self, chunks: Iterable[Chunk], *, last: bool = False) -> Iterator[Event]:
        """Add what one round brought; yields, in order, what cannot be preceded by anything later.

        Raises records.DamagedRecord.
        """
        bound = max((item[0] for item in self._held), default=0)
        for chunk in chunks:
            for record in records.parse(chunk.data):
                event = self._event(chunk.slot, record)
                self._count += 1
                # What never ended comes after all that did.
                self._latest = max(self._latest, event.end)
                heapq.heappush(self._held, (self._latest if chunk.open else event.end, self._count, event))
        while self._held and (last or self._held[0][0] <= bound):
            yield heapq.heappop(self._held)[2]

    def decoder(self, kernel: int) -> Decoder:
        if kernel not in self._decoders:
            self._decoders[kernel] = Decoder(load(self._kernels[kernel]), load(HOST))
        return self._decoders[kernel]

    def _event(self, slot: int, record: records.Record) -> Event:
        if record.kind == layout.THREAD:
            thread = self._introduced(record)
            self._threads[slot] = thread
            return StartEvent(thread, record.start)
        thread = self._threads.get(slot, _UNKNOWN)
        if record.kernel >= len(self._kernels):
            raise records.DamagedRecord(f"a record of kernel number {record.kernel}")
        decoder = self.decoder(record.kernel)
        if record.kind == layout.SIGNAL:
            code, first = _signed(record.values[0]), record.values[1]
            sender = first & 0xFFFFFFFF if code <= 0 else 0
            return SignalEvent(
                thread, record.start, record.number, decoder.signal(record.number), code, sender
            )
        if record.kind == layout.END:
            if record.result:
                return EndEvent(thread, record.start, record.number, decoder.signal(record.number))
            return EndEvent(thread, record.start, record.number)
        return CallEvent(thread, record.start, record.duration, decoder.decode(_raw(record)))

    def _introduced(self, record: records.Record) -> Thread:
        texts = {c.argument: c.data.decode("utf-8", "surrogateescape") for c in record.captures}
        process, parent, real_time = record.values
        return Thread(
            process, record.number, parent, texts.get(1, ""), texts.get(0, ""), real_time - record.start
        )


def _raw(record: records.Record) -> RawCall:
    before: dict[int, Seen] = {}
    after: dict[int, Seen] = {}
    for capture in record.captures:
        place = after if capture.out else before
        place[capture.argument] = Seen(capture.data, capture.truncated, capture.fault)
    return RawCall(
        record.number, record.values, before, after, _STATES[record.state], record.result, record.second
    )


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
