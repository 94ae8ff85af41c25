"""Counts and times per call and per process (`-c`), from a tally."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from personality.tracing import layout, records
from personality.tracing.area import Chunk
from personality.tracing.tally import ALL, Entry, Tally
from syscalls import load

COLUMNS = ("calls", "errors", "total ms", "min us", "median us", "p99 us", "max us")


class Counts:
    """Collects what a summary or a profile says; `kernels` in the order that records use."""

    def __init__(self, kernels: tuple[str, ...]) -> None:
        self.kernels = kernels
        self.tally = Tally()
        self.programs: dict[int, str] = {}
        self.signals = 0
        self.threads: set[tuple[int, int]] = set()
        self.executed = 0
        self.lost = 0
        self.first = self.last = 0
        self.began: dict[int, tuple[int, ...]] = {}
        self.ended: dict[int, tuple[int, ...]] = {}
        self._slots: dict[int, int] = {}

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Raises records.DamagedRecord."""
        for chunk in chunks:
            for record in self.tally.scan(chunk.data, chunk.slot):
                self.other(chunk.slot, record)

    def other(self, slot: int, record: records.Record) -> None:
        """A record that is no call."""
        self.first = min(self.first or record.start, record.start)
        self.last = max(self.last, record.end)
        if record.kind == layout.THREAD:
            process = record.values[0]
            self._slots[slot] = process
            if process == record.number and process in self.programs:
                self.executed += 1
            self.threads.add((process, record.number))
            name = next((c.data for c in record.captures if c.argument == 0), b"")
            self.programs[process] = name.decode("utf-8", "replace")
        elif record.kind == layout.SIGNAL:
            self.signals += 1
        elif record.kind == layout.LOST:
            self.lost += record.number
        elif record.kind == layout.USAGE:
            process = self._slots.get(slot, 0)
            if record.number == 0:
                self.began.setdefault(process, record.values)
            else:
                self.ended[process] = record.values

    def name(self, entry: Entry) -> str:
        """The call's name; of a kernel that is not the first, with the kernel's."""
        if entry.number == ALL:
            return "total"
        abi = load(self.kernels[entry.kernel])
        call = abi.by_number.get(entry.number)
        return call.name if call else f"call_{entry.number}"

    def calls(self, process: int = 0) -> list[Entry]:
        """What took longest first."""
        found = [e for e in self.tally.entries() if e.process == process and e.number != ALL]
        return sorted(found, key=lambda entry: -entry.total)

    def totals(self) -> list[Entry]:
        """One entry per process, process 0 for all together."""
        return [entry for entry in self.tally.entries() if entry.number == ALL]


def table(counts: Counts, *, per_process: bool = False) -> Iterator[str]:
    """Lines: all calls, then all processes; `per_process`: the calls of each process as well."""
    yield from _aligned("call", _calls(counts, 0))
    processes = sorted((e for e in counts.totals() if e.process), key=lambda entry: -entry.total)
    if len(processes) > 1:
        rows = [(f"{e.process} {_short(counts.programs.get(e.process, ''))}", e) for e in processes]
        yield "\n"
        yield from _aligned("process", rows)
    if per_process:
        for entry in processes:
            yield f"\nprocess {entry.process} {counts.programs.get(entry.process, '')}\n"
            yield from _aligned("call", _calls(counts, entry.process))


def _calls(counts: Counts, process: int) -> list[tuple[str, Entry]]:
    rows = [(counts.name(entry), entry) for entry in counts.calls(process)]
    if len(rows) > 1:
        rows += [("total", entry) for entry in counts.totals() if entry.process == process]
    return rows


def _aligned(head: str, rows: list[tuple[str, Entry]]) -> Iterator[str]:
    cells = [(head, *COLUMNS), *(_row(name, entry) for name, entry in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    for row in cells:
        numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *numbers]) + "\n"


def _row(name: str, entry: Entry) -> tuple[str, ...]:
    times = (entry.least, entry.median, entry.high, entry.most)
    microseconds = [f"{time / 1000:.1f}" for time in times]
    errors = str(entry.errors) if entry.errors else ""
    return (name, str(entry.calls), errors, f"{entry.total / 1e6:.2f}", *microseconds)


def _short(program: str) -> str:
    return program.rpartition("/")[2]
