"""What `-e` lets through, and what it says to mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trace.conftest import Trace


@pytest.mark.parametrize(
    ("expressions", "wanted"),
    [
        (["open,connect"], {"open", "connect"}),
        (["%net"], {"socket", "connect"}),
        (["%file", "!execve"], {"open"}),
        (["errno=EFAULT"], {"open"}),
        (["path=/no/such"], {"open"}),
        (["path~^/no/.*file$"], {"open"}),
        (["failed"], {"open", "connect"}),
        (["successful", "open"], set()),
        (["fd=1"], {"write"}),
        (["duration>1000s"], set()),
    ],
)
def test_live_and_recorded(
    expressions: list[str], wanted: set[str], guest: Path, recording: Path, trace: Trace
) -> None:
    options = [word for expression in expressions for word in ("-e", expression)]
    shown = trace("show", "--json", *options, recording)
    live = trace("--json", *options, guest)
    for text in (shown.stdout, live.stderr):
        events = [json.loads(line) for line in text.splitlines()]
        assert {event["call"] for event in events if event["event"] == "call"} == wanted


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("opne", "there is no call opne: did you mean open?"),
        ("%fiel", "there is no class %fiel"),
        ("errno=ENOEN", "no kernel has an error ENOEN: did you mean ENOENT?"),
        ("path~(", "the regular expression is wrong"),
        ("fd=x", "x is no number and no constant"),
        ("duration>3", "is no duration"),
    ],
)
def test_mistakes(expression: str, sentence: str, guest: Path, trace: Trace) -> None:
    done = trace("-e", expression, guest)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
