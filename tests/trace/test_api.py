"""Tracing from Python: events as they come, and hooks that change calls."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

import guise
from guise.tracing import ExpressionError


def test_events_of_a_run(guest: Path) -> None:
    with guise.trace(guest, filter=["open,connect"], stdout=os.open(os.devnull, os.O_WRONLY)) as run:
        events = list(run)
    calls = [event.call for event in events if isinstance(event, guise.CallEvent)]
    assert [call.name for call in calls] == ["open", "open", "connect"]
    assert calls[0].outcome.error == "ENOENT"
    assert sum(isinstance(event, guise.EndEvent) for event in events) == 3
    assert (run.returncode, run.lost) == (5, 0)


def test_a_run_that_is_left_early_goes_on_untraced(guest: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with guise.trace(guest) as run:
        next(iter(run))
    assert run.returncode == 5
    assert capfd.readouterr().out == "hello\n"


def test_an_error_inside_ends_the_program(guest: Path) -> None:
    with pytest.raises(ZeroDivisionError), guise.trace(guest, ["sleep"]) as run:
        raise ZeroDivisionError
    assert run.returncode == -9


def test_expressions_are_judged_before_anything_starts(guest: Path) -> None:
    with pytest.raises(ExpressionError, match="did you mean open"):
        guise.trace(guest, filter=["opne"])


@pytest.mark.parametrize("kernel", ["freebsd", "linux"])
def test_hooks_change_arguments_and_results(
    kernel: str, guest: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen: list[str] = []

    def on_entry(call: guise.Call) -> None:
        seen.append(call.name)
        if call.name == "write" and call.arguments[0] == 1:
            call.set_argument(2, 3)

    def on_exit(call: guise.Call) -> None:
        if call.name == "write" and call.arguments[0] == 1 and call.value == 3:
            call.succeed(6)

    words = (guest, []) if kernel == "freebsd" else ("/usr/bin/printf", ["hello\\n"])
    status = guise.intercept(*words, on_entry=on_entry, on_exit=on_exit)
    assert status == (5 if kernel == "freebsd" else 0)
    assert capfd.readouterr().out == "hel"
    assert "write" in seen


def test_a_hook_that_fails_ends_the_run(guest: Path) -> None:
    def on_entry(call: guise.Call) -> None:
        raise LookupError(call.name)

    before = threading.enumerate()
    with pytest.raises(LookupError, match="write"):
        guise.intercept(guest, on_entry=on_entry)
    # Nothing that the run started may outlive it here: its socket is closed, and another may get that number.
    assert threading.enumerate() == before
