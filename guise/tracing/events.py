"""Events: records put into their process and thread, decoded, and in the order of time.

A thread's slot begins with a record that says who it is; what follows in the slot belongs to it until
the next such record.  Rings are emptied one after the other, so that what one round brings is only in
order together with the next: records are ordered first, and each becomes an event when a whole round
has ended after it, so that what is known of descriptors is what was known then.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from guise.tracing import names as descriptor_names
from personality.tracing import layout, records
from personality.tracing.area import Chunk
from syscalls import load
from syscalls.decode import Decoder, RawCall, Seen
from syscalls.model import HOST
from syscalls.values import DecodedCall, Pointer


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
    """A call.  `host_calls` are those that it became and `stack` its callers, innermost first; both on
    request.  `tampered`: what was done to it by order ("result", "delay", "signal", "argument", "memory")."""

    thread: Thread
    start: int
    duration: int
    call: DecodedCall
    tampered: tuple[str, ...] = ()
    host_calls: tuple[DecodedCall, ...] = ()
    stack: tuple[str, ...] = ()
    record: records.Record | None = field(default=None, repr=False)
    """What it was decoded from."""
    names: dict[int, bytes] = field(default_factory=dict, repr=False)
    """What the process's descriptors stood for."""

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
class LostEvent:
    """`count` calls of the thread before this were not recorded."""

    thread: Thread
    start: int
    count: int

    @property
    def end(self) -> int:
        return self.start


@dataclass(frozen=True, slots=True)
class EndEvent:
    """A process ended: by exit with `status`, or by the signal of that name.

    `usage`: what it used, in ns and bytes, by the names of layout.USAGE_NAMES.
    """

    thread: Thread
    start: int
    status: int
    signal: str = ""
    usage: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.start


Event = CallEvent | SignalEvent | StartEvent | EndEvent | LostEvent
Wants = Callable[[Thread, records.Record, dict[int, bytes]], bool]
"""Whether a call is wanted: its thread, its record, and what the process's descriptors stand for."""

_UNKNOWN = Thread(0, 0, 0, "", "", 0)
_STATES = {layout.OPEN: "unfinished", layout.DONE: "done", layout.NO_RETURN: "no return"}


class Assembler:
    """Makes events of chunks; `kernels` names the guest kernels in the order that records use."""

    def __init__(self, kernels: tuple[str, ...], *, wants: Wants | None = None) -> None:
        """`wants` is asked before a call is decoded: False leaves it out."""
        self._kernels = kernels
        self._wants = wants
        self._decoders: dict[int, Decoder] = {}
        self._threads: dict[int, Thread] = {}
        self._descriptors: dict[int, dict[int, bytes]] = {}
        self._usage: dict[int, tuple[int, ...]] = {}
        self._stacks: object = None
        self._held: list[tuple[int, int, int, records.Record]] = []
        self._count = 0
        self._latest = 0

    def round(self, chunks: Iterable[Chunk], *, last: bool = False) -> Iterator[Event]:
        """Add what one round brought; yields, in order, what cannot be preceded by anything later.

        Raises records.DamagedRecord.
        """
        bound = max((item[0] for item in self._held), default=0)
        fresh = []
        for chunk in chunks:
            for record in records.parse(chunk.data):
                self._count += 1
                # What never ended comes after all that did.
                self._latest = max(self._latest, record.end)
                fresh.append((self._latest if chunk.open else record.end, self._count, chunk.slot, record))
        self._held += fresh
        heapq.heapify(self._held)
        while self._held and (last or self._held[0][0] <= bound):
            _, _, slot, record = heapq.heappop(self._held)
            event = self._event(slot, record)
            if event is not None:
                yield event

    def decoder(self, kernel: int) -> Decoder:
        if kernel not in self._decoders:
            if kernel >= len(self._kernels):
                raise records.DamagedRecord(f"a record of kernel number {kernel}")
            self._decoders[kernel] = Decoder(load(self._kernels[kernel]), load(HOST))
        return self._decoders[kernel]

    def _event(self, slot: int, record: records.Record) -> Event | None:
        if record.kind == layout.CALL:
            return self._call(self._threads.get(slot, _UNKNOWN), record)
        if record.kind == layout.THREAD:
            return self._start(slot, record)
        thread = self._threads.get(slot, _UNKNOWN)
        if record.kind == layout.DESCRIPTOR:
            known = self._descriptors.setdefault(thread.process, {})
            known.update(descriptor_names.describe(c.data, self._host) for c in record.captures)
            return None
        if record.kind == layout.USAGE:
            self._use(thread, record)
            return None
        if record.kind == layout.MAPPING:
            self._map(thread, record)
            return None
        if record.kind == layout.LOST:
            return LostEvent(thread, record.start, record.number)
        decoder = self.decoder(record.kernel)
        if record.kind == layout.SIGNAL:
            code, first = _signed(record.values[0]), record.values[1]
            name = decoder.signal(record.number)
            sender = first & 0xFFFFFFFF if code <= 0 or name == "SIGCHLD" else 0
            return SignalEvent(thread, record.start, record.number, name, code, sender)
        if record.kind != layout.END:
            raise records.DamagedRecord(f"a record of kind {record.kind}")
        signal = decoder.signal(record.number) or str(record.number) if record.result else ""
        usage = dict(zip(layout.USAGE_NAMES, self._usage.pop(thread.process, ()), strict=False))
        self._descriptors.pop(thread.process, None)
        return EndEvent(thread, record.start, record.number, signal, usage)

    @property
    def _host(self) -> Decoder:
        index = self._kernels.index(HOST) if HOST in self._kernels else 0
        return self.decoder(index)

    def _start(self, slot: int, record: records.Record) -> Event | None:
        texts = {c.argument: c.data.decode("utf-8", "surrogateescape") for c in record.captures}
        process, parent, real_time = record.values
        thread = Thread(
            process, record.number, parent, texts.get(1, ""), texts.get(0, ""), real_time - record.start
        )
        old = self._threads.get(slot)
        if old == thread:
            return None  # a ring that overwrites itself introduces its thread again
        self._threads[slot] = thread
        if process == record.number:
            self._descriptors.pop(process, None)
            if old is None or old.thread != thread.thread:  # a new process, that has what its parent has
                self._descriptors[process] = dict(self._descriptors.get(parent, {}))
            if self._stacks is not None:
                self.stacks.begin(process)
        return StartEvent(thread, record.start)

    def _use(self, thread: Thread, record: records.Record) -> None:
        """The first report of a process is what it began with, since a launcher had used it up before."""
        values = record.values[: len(layout.USAGE_NAMES)]
        if record.number == 0:
            self._usage.setdefault(thread.process, tuple(-value for value in values))
            return
        began = self._usage.get(thread.process, (0,) * len(values))
        resident = layout.USAGE_NAMES.index("resident")
        self._usage[thread.process] = tuple(
            value if at == resident else max(0, value + start)
            for at, (value, start) in enumerate(zip(values, began, strict=True))
        )

    def _map(self, thread: Thread, record: records.Record) -> None:
        path = record.captures[0].data if record.captures else b""
        low, high, offset = record.values[:3]
        self.stacks.add(thread.process, low, high, offset, path)

    @property
    def stacks(self) -> Stacks:
        from guise.tracing.stacks import Stacks

        if not isinstance(self._stacks, Stacks):
            self._stacks = Stacks()
        return self._stacks

    def _call(self, thread: Thread, record: records.Record) -> CallEvent | None:
        names = self._descriptors.get(thread.process, {})
        if self._wants is not None and not self._wants(thread, record, names):
            return None
        stack: tuple[str, ...] = ()
        host_calls: bytes = b""
        made: dict[int, bytes] = {}
        before: dict[int, Seen] = {}
        after: dict[int, Seen] = {}
        nested: dict[int, Seen] = {}
        for capture in record.captures:
            if capture.argument == layout.CAPTURE_STACK:
                stack = self.stacks.unwind(thread.process, capture.data)
            elif capture.argument == layout.CAPTURE_HOST:
                host_calls = capture.data
            elif capture.argument == layout.CAPTURE_DESCRIPTOR:
                number, name = descriptor_names.describe(capture.data, self._host)
                made[number] = name
            elif capture.address:
                nested[capture.address] = Seen(capture.data, capture.truncated, capture.fault)
            else:
                place = after if capture.out else before
                place[capture.argument] = Seen(capture.data, capture.truncated, capture.fault)
        raw = RawCall(
            record.number, record.values, before, after, _STATES[record.state], record.result, record.second,
            nested, names, {**names, **made} if made else names,
        )  # fmt: skip
        flags = record.flags
        tampered = tuple(name for bit, name in layout.TAMPERED.items() if flags & bit) if flags else ()
        decoded = self.decoder(record.kernel).decode(raw)
        if made:
            self._descriptors.setdefault(thread.process, {}).update(made)
        became = tuple(self._host_calls(host_calls, decoded)) if host_calls else ()
        return CallEvent(
            thread, record.start, record.duration, decoded, tampered, became, stack, record, names
        )  # fmt: skip

    def _host_calls(self, data: bytes, guest: DecodedCall) -> Iterator[DecodedCall]:
        """Where a host call has an address of the guest's call, it shows what is known to be there."""
        host = self._host
        known = {v.address: v for _, v in guest.arguments if isinstance(v, Pointer) and v.target is not None}
        for number, *arguments, result in layout.HOST_CALL.iter_unpack(data):
            call = host.abi.by_number.get(number)
            count = len(call.arguments) if call else 6
            made = host.decode(RawCall(number, tuple(arguments[:count]), {}, {}, "done", result))
            shown = tuple(
                (name, known.get(value.address, value) if isinstance(value, Pointer) else value)
                for name, value in made.arguments
            )
            yield replace(made, arguments=shown)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


TYPE_CHECKING = False
if TYPE_CHECKING:
    from guise.tracing.stacks import Stacks
