"""What becomes of a trace: a recording, counts, or events in some form."""

from __future__ import annotations

import os
import time

from guise.trace_options import Settings
from guise.tracing import live, output
from personality.tracing import layout, recording
from syscalls import kernels as kernel_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guise.tracing.events import Assembler, Event, Thread
    from guise.tracing.filters import Filter
    from guise.tracing.profile import Watch
    from guise.tracing.summary import Counts
    from personality.tracing import records
    from personality.tracing.area import Chunk, Taker


class Output:
    """Takes chunks as they come.  Its functions raise OSError, OutputError and records.DamagedRecord."""

    def __init__(
        self, settings: Settings, chosen: Filter | None, *, otherwise: int,
        kernels: tuple[str, ...] = (), number: int = 1,
    ) -> None:  # fmt: skip
        """`otherwise`: the descriptor for no name; `number`: of several files of one run."""
        self._settings = settings
        self._chosen = chosen
        self._live = not kernels
        self._kernels = kernels or tuple(kernel_names())
        self._began = time.monotonic()
        path = (
            settings.output if number == 1 or settings.output in ("", "-") else f"{settings.output}.{number}"
        )
        self._path = path
        self._file = -1
        if not settings.per_process or settings.form == "summary":
            self._file = output.open_output(path, otherwise)
        self._writer: recording.Writer | None = None
        self._counts: Counts | None = None
        self._watch: Watch | None = None
        self._assembler: Assembler | None = None
        self._sink: output.Sink | None = None
        if settings.form == "recording":
            command = (settings.run.program, *settings.run.words)
            self._writer = recording.Writer(self._file, recording.Header(self._kernels, command))

    def begin(self) -> None:
        """What can wait until the program has been started, which need not wait for it."""
        if self._settings.form in ("summary", "profile"):
            self._count()
        elif self._settings.form != "recording":
            self._show()

    def _count(self) -> None:
        from guise.tracing.summary import Counts

        self._counts = Counts(self._kernels)
        if self._settings.form == "profile":
            from guise.tracing.profile import Watch

            self._watch = Watch()

    def _show(self) -> None:
        from guise.tracing import forms
        from guise.tracing.events import Assembler

        settings = self._settings
        colour = self._file >= 0 and os.isatty(self._file)
        make = forms.factory(settings.form, colour=colour, times=settings.times, durations=settings.durations)
        self._assembler = Assembler(self._kernels, wants=self._wants if self._judges else None)
        self._sink = (
            output.PerProcess(self._path, make) if self._file < 0 else output.Whole(self._file, make())
        )

    @property
    def _judges(self) -> bool:
        """Whether records have to be filtered here: the runtime has done it where it could."""
        return self._chosen is not None and (not self._live or self._chosen.needs_reader)

    def _wants(self, thread: Thread, record: records.Record, names: dict[int, bytes]) -> bool:
        return self._chosen is None or self._chosen.wants(thread.process, thread.thread, names, record)

    @property
    def straight(self) -> Taker | None:
        """What takes records as they are, where they need not be looked at."""
        return self._writer.take if self._writer is not None and not self._settings.redact else None

    def add(self, chunks: list[Chunk], processes: str = "/proc") -> None:
        """What one round brought; in the folder `processes` are those that it came from."""
        if self._writer is not None:
            for chunk in chunks:
                self._writer.add(chunk)
        elif self._counts is not None:
            self._tally(self._counts, chunks, processes)
        else:
            assert self._assembler is not None
            assert self._sink is not None
            self._sink.add(self._assembler.round(chunks))

    def _tally(self, counts: Counts, chunks: list[Chunk], processes: str) -> None:
        if self._watch is not None:
            self._watch.look(set(counts.programs) - set(counts.ended), processes)
        if not self._judges:
            counts.add(chunks)
            return
        from guise.tracing.events import Assembler
        from personality.tracing import records

        def count(thread: Thread, record: records.Record, names: dict[int, bytes]) -> bool:
            if self._wants(thread, record, names):
                counts.tally.enter(thread.process, record)
            return False

        if self._assembler is None:
            self._assembler = Assembler(self._kernels, wants=count)
        for chunk in chunks:
            for record in records.parse(chunk.data):
                if record.kind != layout.CALL:
                    counts.other(chunk.slot, record)
        for _ in self._assembler.round(chunks):
            continue

    def add_last(self, chunks: list[Chunk], count: int, why: str) -> None:
        """The last `count` events of a flight."""
        if self._writer is not None:
            self.add(chunks)
            return
        from guise.tracing.events import EndEvent

        assert self._assembler is not None
        assert self._sink is not None
        events: list[Event] = [*self._assembler.round(chunks), *self._assembler.round([], last=True)]
        if why == "crash":  # what others have done since is not what led to it
            crashes = [at for at, event in enumerate(events) if isinstance(event, EndEvent) and event.signal]
            events = events[: crashes[-1] + 1] if crashes else events
        if not self._settings.output and self._settings.form == "text":
            output.write_all(
                self._file, f"--- the last {min(count, len(events))} events ({why}) ---\n".encode()
            )
        self._sink.add(events[-count:])

    def finish(self, run: live.Run | None) -> None:
        """The end of the trace; `run` None: of a recording."""
        if self._writer is not None:
            assert run is not None
            self._writer.finish(recording.Ending(run.status, run.area.losses()))
        elif self._counts is not None:
            if self._assembler is not None:
                for _ in self._assembler.round([], last=True):
                    continue
            self._report(self._counts, run)
        else:
            assert self._assembler is not None
            assert self._sink is not None
            self._sink.add(self._assembler.round([], last=True))
            self._sink.finish()

    def _report(self, counts: Counts, run: live.Run | None) -> None:
        if self._watch is not None and run is not None:
            import json

            from guise.tracing import profile

            command = (self._settings.run.program, *self._settings.run.words)
            wall = (counts.last - counts.first) / 1e9
            whole = profile.build(counts, self._watch, command, wall, run.status, run.area.losses())
            text = json.dumps(whole, indent=2) + "\n"
        else:
            from guise.tracing import summary

            text = "".join(summary.table(counts, per_process=self._settings.per_process))
        output.write_all(self._file, text.encode("utf-8", "surrogateescape"))
