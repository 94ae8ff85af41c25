"""What a recording says of known calls, in every form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from guise.tracing.events import CallEvent, StartEvent, Thread
from guise.tracing.timeline import Timeline
from syscalls.values import DecodedCall, Integer, Outcome
from tests.trace.conftest import Event, Trace

ROOT = Path(__file__).parents[2]


def calls(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event["event"] == "call" and event["call"] == name]


def test_arguments_are_typed(events: list[Event]) -> None:
    opened, bad = calls(events, "open")
    path = opened["arguments"]["path"]["target"]
    assert path == {"kind": "string", "text": "/no/such\nfile", "truncated": False}
    assert opened["arguments"]["flags"]["names"] == ["O_WRONLY", "O_CREAT", "O_TRUNC"]
    assert opened["error"]["name"] == "ENOENT"
    assert bad["arguments"]["path"] == {"kind": "pointer", "address": 8, "fault": True}
    assert bad["error"]["name"] == "EFAULT"


def test_socket_addresses(events: list[Event]) -> None:
    (connected,) = calls(events, "connect")
    members = connected["arguments"]["name"]["target"]["members"]
    assert members["family"]["name"] == "AF_INET"
    assert members["port"]["value"] == 9
    assert members["addr"]["text"] == "127.0.0.1"
    assert connected["error"]["name"] == "ECONNREFUSED"


def test_signals_and_what_returns_from_them(events: list[Event]) -> None:
    (delivered,) = [event for event in events if event["event"] == "signal" and event["signal"] != "SIGCHLD"]
    assert (delivered["signal"], delivered["number"]) == ("SIGUSR1", 30)
    assert delivered["sender"] == delivered["process"]
    (back,) = calls(events, "sigreturn")
    assert back["state"] == "no return"


def test_children_are_followed_across_fork_vfork_and_exec(events: list[Event]) -> None:
    forks = calls(events, "fork")
    assert sorted(event["result"]["value"] == 0 for event in forks) == [False, True]
    (executed,) = calls(events, "execve")
    assert executed["state"] == "done"
    assert [text["text"] for text in executed["arguments"]["argv"]["target"]["values"]][1] == "leave"
    assert executed["arguments"]["envv"]["target"] == {"kind": "data", "text": "", "length": 1}
    ends = [event for event in events if event["event"] == "end"]
    assert sorted(event["status"] for event in ends) == [3, 5, 7]
    assert len({event["process"] for event in ends}) == 3


def test_no_secret_is_recorded(recording: Path) -> None:
    assert b"SECRET" not in recording.read_bytes()


def test_time_goes_forward_in_each_thread(events: list[Event]) -> None:
    seen: dict[int, int] = {}
    for event in events:
        assert event["time"] >= seen.get(event["thread"], 0)
        seen[event["thread"]] = event["time"] + event.get("duration", 0)


def test_json_matches_its_schema(events: list[Event]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "trace.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for event in events:
        validator.validate(event)
    assert not validator.is_valid({**events[0], "schema": 1})


def test_timeline(recording: Path, trace: Trace) -> None:
    timeline = json.loads(trace("show", "--chrome", recording).stdout)
    entries = timeline["traceEvents"]
    assert {entry["ph"] for entry in entries} == {"M", "X", "i"}
    for entry in entries:
        assert isinstance(entry["pid"], int)
        assert isinstance(entry["tid"], int)
        assert entry["ph"] != "X" or entry["dur"] >= 0
    named = {entry["args"]["name"] for entry in entries if entry["name"] == "process_name"}
    assert named == {"calls (freebsd)"}


def test_the_timeline_says_what_the_recording_says(
    recording: Path, events: list[Event], trace: Trace
) -> None:
    """Each call once, at its time and for its duration, to the nanosecond as readers round it."""
    entries = json.loads(trace("show", "--chrome", recording).stdout)["traceEvents"]
    first = events[0]["time"]
    shown = [
        (entry["pid"], entry["tid"], entry["name"], round(entry["ts"] * 1000), round(entry["dur"] * 1000))
        for entry in entries
        if entry["ph"] == "X"
    ]
    assert shown == [
        (event["process"], event["thread"], event["call"], event["time"] - first, event["duration"])
        for event in events
        if event["event"] == "call"
    ]
    some = json.loads(trace("show", "--chrome", "-e", "wait4", recording).stdout)["traceEvents"]
    assert min(entry["ts"] for entry in [*entries, *some]) == 0


def test_calls_do_not_overlap_in_the_timeline_of_a_host_that_has_run_for_months() -> None:
    began = 100 * 86400 * 10**9
    thread = Thread(1, 1, 0, "freebsd", "/x", 0)
    decoded = DecodedCall("getpid", 20, (), Outcome("done", Integer(1)))
    timeline = Timeline()
    pieces = [timeline.begin(), timeline.add(StartEvent(thread, began))]
    for start in range(0, 3000, 3):
        pieces.append(timeline.add(CallEvent(thread, began + start, 3, decoded)))
    entries = json.loads("".join([*pieces, timeline.end()]))["traceEvents"]
    calls_shown = [entry for entry in entries if entry["ph"] == "X"]
    assert [round(entry["ts"] * 1000) for entry in calls_shown] == list(range(0, 3000, 3))
    assert {round(entry["dur"] * 1000) for entry in calls_shown} == {3}


def test_stacks(recording: Path, trace: Trace) -> None:
    lines = trace("show", "--stacks", recording).stdout.splitlines()
    assert lines
    for line in lines:
        stack, _, weight = line.rpartition(" ")
        assert int(weight) > 0
        assert len(stack.split(";")) == 3


def test_summary(recording: Path, trace: Trace) -> None:
    lines = trace("show", "-c", recording).stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert rows["open"][1:3] == ["2", "2"]
    assert rows["wait4"][1] == "2"
    assert "total" in rows


def test_text(guest: Path, trace: Trace) -> None:
    done = trace(guest)
    lines = done.stderr.splitlines()
    assert done.returncode == 5
    assert re.fullmatch(r'write\(1<pipe:\[\d+\]>, "hello\\n", 6\) = 6', lines[0])
    wanted = 'open("/no/such\\nfile", O_WRONLY|O_CREAT|O_TRUNC, 0644) = -1 ENOENT (No such file or directory)'
    assert wanted in lines
    assert lines[-1].endswith("+++ exited with 5 +++")
