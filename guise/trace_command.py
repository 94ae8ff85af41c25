"""`guise trace`: run a program and show the calls it makes, or show a recording again."""

from __future__ import annotations

import os

from guise import sandbox_options
from guise.cli import UsageError, complain
from guise.trace_options import Settings, parse
from guise.tracing import ExpressionError, live, session, shown
from guise.tracing.output import OutputError, called, fill_gaps, reason
from personality.supervisor import launch
from personality.tracing import recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guise.sandbox_options import Enter

_STDOUT = 1


def main(words: list[str]) -> int:
    """The program's own status; 1 when the trace cannot be written, 2 for bad usage."""
    settings = parse(words)
    fill_gaps()
    try:
        if settings.show:
            return _live(settings, None) if settings.live else _show(settings)
        action = _live if settings.live else _run
        options = settings.run.sandbox
        if not options.wanted:
            return action(settings, None)
        program, words = settings.run.program, settings.run.words
        return action(settings, sandbox_options.prepared(options, program, words, ""))
    except ExpressionError as error:
        raise UsageError(str(error)) from None
    except launch.LaunchError as error:
        return complain(str(error), error.status)
    except (recording.RecordingError, OutputError) as error:
        return complain(str(error), 1)


def _run(settings: Settings, enter: Enter | None) -> int:
    plan = session.Plan(settings, enter)
    output = shown.Output(settings, plan.chosen, otherwise=2)
    run = plan.start()
    try:
        if settings.flight:
            _fly(settings, plan, run, output)
        else:
            output.begin()
            rounds = run.rounds(straight=output.straight)
            try:
                for chunks in rounds:
                    output.add(plan.redacted(chunks), run.area.processes)
            finally:
                rounds.close()
            output.finish(run)
    except BrokenPipeError:
        run.abandon()  # whoever read the trace has left
    except OutputError as error:
        run.abandon()
        return complain(str(error), 1)
    except OSError as error:
        run.abandon()
        return complain(f"{called(settings.output)} cannot be written: {reason(error)}", 1)
    return session.conclude(settings, run)


def _fly(settings: Settings, plan: session.Plan, run: live.Run, output: shown.Output) -> None:
    flights = run.flights(settings.flight)
    try:
        for number, (why, chunks) in enumerate(flights, 1):
            if number > 1:
                output = shown.Output(settings, plan.chosen, otherwise=2, number=number)
            output.begin()
            output.add_last(plan.redacted(chunks), settings.flight, why)
            output.finish(run)
    finally:
        flights.close()


def _show(settings: Settings) -> int:
    try:
        file = open(settings.show, "rb")
    except OSError as error:
        return complain(f"{settings.show} cannot be read: {reason(error)}", 1)
    from guise.tracing import recorded
    from personality.tracing import records

    with file:
        reader = recording.Reader(file, settings.show)
        chosen = session.chosen(settings)
        output = shown.Output(settings, chosen, otherwise=_STDOUT, kernels=reader.header.kernels)
        redact = session.redactor(settings)
        output.begin()
        try:
            for batch in recorded.rounds(reader):
                output.add([redact(chunk) for chunk in batch])
            output.finish(None)
        except BrokenPipeError:
            raise
        except OSError as error:
            return complain(f"{called(settings.output, _STDOUT)} cannot be written: {reason(error)}", 1)
        except records.DamagedRecord as error:
            return complain(f"{settings.show} is damaged: {error}", 1)
    if reader.ending is None:
        return complain(f"{settings.show} ends early: this is what was written before", 0)
    if reader.ending.lost:
        complain(f"{reader.ending.lost} calls were not recorded", 0)
    return 0


def _live(settings: Settings, enter: Enter | None) -> int:
    import importlib.util

    if importlib.util.find_spec("textual") is None:
        return complain("--live needs Textual: pip install 'guise[live]'", 1)
    if not (os.isatty(0) and os.isatty(_STDOUT)):
        return complain("--live needs a terminal: leave it out to get the trace as text", 1)
    from guise.tracing import screen

    return screen.show(settings, enter)
