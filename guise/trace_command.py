"""`guise trace`: run a program and show the calls it makes, or show a recording again."""

from __future__ import annotations

import os
from collections.abc import Iterator

from guise import run_command
from guise.cli import UsageError, complain
from guise.trace_options import Settings, parse
from guise.tracing import filters, live, ndjson, recorded, summary, text, timeline
from guise.tracing.events import Assembler, Event
from personality.supervisor import launch
from personality.tracing import layout, recording, records
from personality.tracing.area import Area
from syscalls import load
from syscalls import parse as tables
from syscalls.model import HOST, Abi

_OUTPUT = 1


class OutputError(Exception):
    """The trace cannot be written: one sentence."""


def main(words: list[str]) -> int:
    """The program's own status; 1 when the trace cannot be written, 2 for bad usage."""
    settings = parse(words)
    try:
        kernels = [load(name) for name in tables.kernels()]
        chosen = filters.parse(settings.expressions, kernels)
        output = _open(settings.output)
        if settings.show:
            return _show(settings, chosen, output)
        return _run(settings, chosen, output, kernels)
    except filters.FilterError as error:
        raise UsageError(str(error)) from None
    except launch.LaunchError as error:
        return complain(str(error), error.status)
    except (recording.RecordingError, OutputError) as error:
        return complain(str(error), 1)


def _open(path: str) -> int:
    """Where the trace goes: stderr's copy, out of the guest's way, unless a file is named."""
    if not path:
        return os.dup(2)
    if path == "-":
        return os.dup(_OUTPUT)
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {_reason(error)}") from None


def _run(settings: Settings, chosen: filters.Filter, output: int, kernels: list[Abi]) -> int:
    area = live.area_for(lossy=settings.lossy)
    for index, abi in enumerate(kernels):
        area.want(index, chosen.numbers(abi))
    only = {"": 0, "failed": layout.ONLY_FAILED, "successful": layout.ONLY_SUCCESSFUL}[chosen.only]
    area.limit(only=only, least_duration=chosen.least_duration, text=settings.text_limit)
    os.set_inheritable(output, False)
    run = live.Run(area, lambda: _start(settings, area))
    names = tuple(abi.kernel for abi in kernels)
    try:
        if settings.form == "recording":
            _record(run, output, recording.Header(names, (settings.run.program, *settings.run.words)))
        else:
            _write(settings, output, _filtered(chosen, _live_events(run, Assembler(names))))
    except BrokenPipeError:
        run.abandon()  # whoever read the trace has left
    except OSError as error:
        run.abandon()
        return complain(f"{settings.output or 'the trace'} cannot be written: {_reason(error)}", 1)
    lost = area.losses()
    if lost:
        why = ": --lossy drops what nobody has read in time" if settings.lossy else ""
        complain(f"{lost} calls were not recorded{why}", 0)
    if not run.saw_something and os.waitstatus_to_exitcode(run.status) not in (126, 127):
        complain(f"{settings.run.program} is a program that this system runs natively: it was not traced", 0)
    return live.end_as(run.status)


def _start(settings: Settings, area: Area) -> int:
    """In the new process: become the guest."""
    try:
        kernel, release = run_command.parse_guest(settings.run.guest)
        options = launch.Options(
            engine=settings.run.engine,
            kernel=kernel or HOST,  # its own programs are traced as well, and a file still says what it is
            release=release,
            patch=settings.run.patch,
            argv0=settings.run.argv0,
            verbose=settings.run.verbose,
            trace=area.guests,
        )
        environment = {name: value for name, value in os.environ.items() if name != "GUISE"}
        launch.start(settings.run.program, settings.run.words, environment, options)
    except launch.LaunchError as error:
        return complain(str(error), error.status)
    except UsageError as error:
        return complain(str(error), 2)


def _show(settings: Settings, chosen: filters.Filter, output: int) -> int:
    try:
        file = open(settings.show, "rb")
    except OSError as error:
        return complain(f"{settings.show} cannot be read: {_reason(error)}", 1)
    if not settings.output:
        os.dup2(_OUTPUT, output)
    with file:
        reader = recording.Reader(file, settings.show)
        try:
            _write(settings, output, _filtered(chosen, recorded.events(reader)))
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            return complain(f"{settings.output or 'the output'} cannot be written: {_reason(error)}", 1)
        except records.DamagedRecord as error:
            return complain(f"{settings.show} is damaged: {error}", 1)
    if reader.ending is None:
        return complain(f"{settings.show} ends early: this is what was written before", 0)
    if reader.ending.lost:
        complain(f"{reader.ending.lost} calls were not recorded", 0)
    return 0


def _record(run: live.Run, output: int, header: recording.Header) -> None:
    writer = recording.Writer(output, header)
    for chunks in run.rounds():
        for chunk in chunks:
            writer.add(chunk)
    writer.finish(recording.Ending(run.status, run.area.losses()))


def _live_events(run: live.Run, assembler: Assembler) -> Iterator[Event]:
    rounds = run.rounds()
    try:
        for chunks in rounds:
            yield from assembler.round(chunks)
        yield from assembler.round([], last=True)
    finally:
        rounds.close()  # type: ignore[attr-defined]


def _filtered(chosen: filters.Filter, events: Iterator[Event]) -> Iterator[Event]:
    return (event for event in events if chosen.accepts(event))


def _write(settings: Settings, output: int, events: Iterator[Event]) -> None:
    """Raises OSError."""
    for piece in _pieces(settings, output, events):
        view = memoryview(piece.encode("utf-8", "surrogateescape"))
        while view:
            view = view[os.write(output, view) :]


def _pieces(settings: Settings, output: int, events: Iterator[Event]) -> Iterator[str]:
    if settings.form == "json":
        yield from (ndjson.line(event) + "\n" for event in events)
    elif settings.form == "chrome":
        yield from timeline.parts(events)
    elif settings.form == "stacks":
        yield from summary.stacks(events)
    elif settings.form == "summary":
        collected = summary.Summary()
        for event in events:
            collected.add(event)
        yield _table([summary.COLUMNS, *collected.rows()])
    else:
        style = text.Style(os.isatty(output), settings.times, settings.durations)
        printer = text.Printer(style)
        yield from (line + "\n" for line in map(printer.line, events) if line)


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *numbers]) + "\n")
    return "".join(lines)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
