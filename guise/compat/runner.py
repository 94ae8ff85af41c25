"""Runs cases through a backend, reads what they left, repeats what failed, and saves each at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from guise.compat import readers
from guise.compat.backends import Backend, Done
from guise.compat.baseline import Baseline
from guise.compat.model import Result, Status, Test, full_name
from guise.compat.planning import Planned

_STORED = 1 << 20  # bytes of each stream


@dataclass
class _Attempts:
    """One case's runs so far."""

    planned: Planned
    runs: list[list[Test]] = field(default_factory=list)
    last: Done | None = None
    traced: Done | None = None
    tracing: bool = False


def run(
    cases: Sequence[Planned],
    backend: Backend,
    baseline: Baseline,
    save: Callable[[Result], None],
    *,
    trace: bool = False,
) -> None:
    """Every case once, and again as often as its recipe says while something unexpected fails in it.

    trace: then once more, with its calls recorded.
    """
    waiting = list(reversed(cases))
    under_way: dict[str, _Attempts] = {}

    def fill() -> None:
        while waiting and len(under_way) < backend.slots + 1:
            planned = waiting.pop()
            under_way[planned.name] = _Attempts(planned)
            backend.submit(planned.prepare)

    fill()
    while under_way:
        done = backend.take()
        attempts = under_way[done.case.name]
        if attempts.tracing:
            attempts.traced = done
            del under_way[done.case.name]
            save(_result(attempts))
            fill()
            continue
        tests = readers.read(attempts.planned.recipe.reader, done.runs)
        attempts.runs.append(tests)
        attempts.last = attempts.last or done
        if _again(attempts, tests, baseline):
            backend.submit(attempts.planned.prepare)
            continue
        if trace and _unexpected(attempts.planned.name, attempts.runs[0], baseline):
            attempts.tracing = True
            backend.submit(attempts.planned.prepare_traced)
            continue
        del under_way[done.case.name]
        save(_result(attempts))
        fill()


def _again(attempts: _Attempts, tests: list[Test], baseline: Baseline) -> bool:
    """Repetitions only tell flaky from broken: the result stays what the first run said."""
    if len(attempts.runs) > attempts.planned.recipe.retries:
        return False
    return _unexpected(attempts.planned.name, tests, baseline)


def _unexpected(name: str, tests: list[Test], baseline: Baseline) -> bool:
    """Whether something failed that is neither known nor the host's failure too, and that can be repeated."""
    if any(test.status is Status.ERROR for test in tests):
        return False
    return any(
        test.status.bad
        and not (test.natively is not None and test.natively.bad)
        and baseline.find(full_name(name, test.name)) is None
        for test in tests
    )


def _result(attempts: _Attempts) -> Result:
    done = attempts.last
    assert done is not None
    ended = done.runs[0]
    trace, difference = _traced(attempts.traced)
    return Result(
        case=attempts.planned.name,
        tests=merge(attempts.runs),
        seconds=ended.seconds,
        processor=ended.processor,
        memory=ended.memory,
        exit=ended.exit,
        signal=ended.signal,
        attempts=len(attempts.runs),
        note="; ".join(filter(None, (_note(done), difference))),
        output=_clip(ended.stdout) + _clip(ended.stderr),
        trace=trace,
    )


def _traced(done: Done | None) -> tuple[bytes, str]:
    """The calls of a recorded run as text, and where they part from the host's own."""
    if done is None or not done.runs[0].trace:
        return b"", ""
    from guise.compat import traces

    guest, *natives = (ended.trace for ended in done.runs)
    difference = traces.first_difference(guest, natives[0]) if natives else ""
    return traces.as_text(guest), f"the first call that differs: {difference}" if difference else ""


def _clip(output: bytes) -> bytes:
    """Readers had all that was kept; people read its beginning and its end."""
    if len(output) <= _STORED:
        return output
    half = _STORED // 2
    return output[:half] + f"\n[{len(output) - _STORED} bytes are not stored]\n".encode() + output[-half:]


def merge(runs: Sequence[Sequence[Test]]) -> tuple[Test, ...]:
    """The first run's results; a test that failed in one and passed in another is flaky."""
    first, *others = runs
    passed = {test.name for tests in others for test in tests if test.status is Status.PASSED}
    # A case that speaks for itself only when it ends badly passes by having nothing to say.
    if any(all(test.name != "" or not test.status.bad for test in tests) for tests in others):
        passed.add("")
    failed = {test.name for tests in others for test in tests if test.status.bad}
    return tuple(replace(test, flaky=test.name in (passed if test.status.bad else failed)) for test in first)


def _note(done: Done) -> str:
    ended = done.runs[0]
    notes = []
    if ended.stopped == "time":
        notes.append("ended by its time limit")
    elif ended.stopped == "memory":
        notes.append("ended by its memory limit")
    if ended.dropped:
        notes.append(f"printed {ended.printed} bytes, of which the first and the last were kept")
    if ended.left:
        notes.append(
            f"left {len(ended.left)} processes running, which were ended: {', '.join(ended.left[:5])}"
        )
    return "; ".join(notes)
