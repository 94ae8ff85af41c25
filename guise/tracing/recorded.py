"""What a recording holds, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator

from guise.tracing.events import Assembler, Event
from personality.tracing.area import Chunk
from personality.tracing.recording import Reader


def rounds(reader: Reader) -> Iterator[list[Chunk]]:
    """The chunks of a recording, as they were taken together."""
    batch: list[Chunk] = []
    slots: set[int] = set()
    for chunk in reader.chunks():
        if chunk.slot in slots:  # the next round
            yield batch
            batch, slots = [], set()
        batch.append(chunk)
        slots.add(chunk.slot)
    yield batch


def events(reader: Reader) -> Iterator[Event]:
    """In order of time: what one slot holds may reach as far back as the ring was long.

    Raises records.DamagedRecord.
    """
    assembler = Assembler(reader.header.kernels)
    for batch in rounds(reader):
        yield from assembler.round(batch)
    yield from assembler.round([], last=True)
