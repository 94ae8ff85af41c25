"""`guise machine` as a person meets it: tables, JSON, and one sentence for whatever goes wrong."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from guise import cli
from guise.machine import execute
from sandbox.machine.kvm import machine
from sandbox.machine.kvm.machine import why_not

ABSENT = why_not()
kvm = pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
executing = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("unicorn", "capstone")),
    reason="needs Unicorn and capstone: pip install 'guise[machine]'",
)


def guise(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["machine", *words])
    output = capfd.readouterr()
    return status, output.out, output.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "an action is missing: choose one of guests, run"),
        (("fly",), "fly is no action"),
        (("run", "minix"), "there is no guest kernel minix: there are syscall"),
        (("run", "--monitor", "bochs"), "there is no monitor bochs: there are bare"),
        (("run", "--profile", "486"), "there is no cost profile 486: there are prescott"),
        (("run", "--isa", "s390x", "timer"), "there is no guest kernel timer for s390x"),
        (("guests", "minix"), "there is no guest kernel minix"),
        (("virtualizable", "vax"), "vax"),
        (("simulate", "weather"), "there is no simulation weather: there are nested-lru"),
        (("simulate", "ticks", "--set", "guests"), "guests sets nothing: write --set NAME=VALUE"),
        (("simulate", "ticks", "--set", "turn=0"), "must be positive"),
        (("migrate", "--memory", "64Q"), "64Q is no size"),
        (("migrate", "--memory", "5M"), "it must be 4 MiB to 1 GiB, by 2 MiB"),
        (("migrate", "--pages", "0"), "it can write 1 to"),
        (("migrate", "--wait", "0"), "it can wait 1 to"),
        (("migrate", "--least", "0"), "rates are Mb/s"),
        (("checkpoint",), "file"),
    ],
)
def test_mistakes_are_one_sentence(
    capfd: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    status, output, errors = guise(capfd, *words)
    assert status == 2
    assert output == ""
    assert errors.startswith("guise: ")
    assert errors.count("\n") == 1
    assert says in errors


@pytest.mark.parametrize("package", ["unicorn", "capstone"])
def test_an_absent_package_is_one_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    from sandbox.machine.x86 import emulate

    emulate.decode.cache_clear()
    emulate._disassembler.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    status, _, errors = guise(capfd, "run", "divide", "--monitor", "trap-and-emulate")
    assert status == cli.NOT_STARTED
    assert errors.count("\n") == 1
    assert f"needs the package {package}: pip install 'guise[machine]'" in errors


def test_an_absent_simpy_is_one_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "simpy", None)
    status, _, errors = guise(capfd, "simulate", "ticks")
    assert status == cli.NOT_STARTED
    assert "simulating schedules needs the package simpy" in errors


@pytest.mark.parametrize(
    "words", [("kvm",), ("migrate",), ("checkpoint", "x"), ("run", "port", "--monitor", "kvm")]
)
@executing
def test_an_absent_kvm_is_one_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(machine, "DEVICE", str(tmp_path / "kvm"))
    status, _, errors = guise(capfd, *words)
    assert status == cli.NOT_STARTED
    assert "kvm: the processor's virtualization is absent" in errors
    assert errors.count("\n") == 1


@executing
def test_run_says_why_kvm_is_not_among_the_monitors(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "DEVICE", str(tmp_path / "kvm"))
    status, output, _ = guise(capfd, "run", "divide")
    assert status == 0
    assert "without kvm: there is no" in output


@executing
def test_run_shows_what_breaks(capfd: pytest.CaptureFixture[str]) -> None:
    status, output, _ = guise(
        capfd, "run", "silent", "--monitor", "trap-and-emulate", "--monitor", "translation"
    )
    assert status == 0
    lines = [line.split() for line in output.splitlines()]
    assert lines[1][:2] == ["silent", "trap-and-emulate"]
    assert "BROKEN:" in lines[1]
    assert lines[2][-1] == "same"


@executing
def test_run_in_json(capfd: pytest.CaptureFixture[str]) -> None:
    _, output, _ = guise(capfd, "run", "port", "--monitor", "assist", "--json")
    (found,) = json.loads(output)
    assert found["guest"] == "port"
    assert found["same_state"] is True
    assert found["events"]["exit port"] == 201
    assert found["cycles"] > found["instructions"]


@executing
def test_cost_in_json(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "ROWS", {"in": "port"})  # one row: the others take as long each
    _, output, _ = guise(capfd, "cost", "--json", "--profile", "nehalem")
    found = json.loads(output)
    assert found["in"]["assist"] == {
        "events": {"exit port": 1.0},
        "instructions": 7.0,
        "cycles": 7 + 1009 + 300,
    }


def test_a_listing_has_source_and_bytes_together(capfd: pytest.CaptureFixture[str]) -> None:
    _, output, _ = guise(capfd, "guests", "divide")
    assert any(line.split()[1:4] == ["f7f3", "again", "div"] for line in output.splitlines())
    _, output, _ = guise(capfd, "guests", "divide", "--json")
    assert {"address", "bytes", "text", "site"} == set(json.loads(output)[0])


@executing
def test_virtualizable_in_json(capfd: pytest.CaptureFixture[str]) -> None:
    _, output, _ = guise(capfd, "virtualizable", "x86", "--json")
    (found,) = json.loads(output)
    assert found["virtualizable"] is False
    assert next(one for one in found["instructions"] if one["text"] == "popfd")["violates"] is True


@pytest.mark.parametrize("name", ["nested-lru", "reclaim"])
def test_simulate_in_json(capfd: pytest.CaptureFixture[str], name: str) -> None:
    setting = "references=4000" if name == "nested-lru" else "seconds=3"
    status, output, _ = guise(capfd, "simulate", name, "--set", setting, "--json")
    assert status == 0
    assert json.loads(output)["rows"]


def test_lists(capfd: pytest.CaptureFixture[str]) -> None:
    for words in (("guests",), ("simulate",), ("simulate", "spin", "--parameters")):
        status, output, _ = guise(capfd, *words)
        assert status == 0
        assert output
        status, output, _ = guise(capfd, *words, "--json")
        assert json.loads(output)


@kvm
def test_checkpoint_and_resume_go_on(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(tmp_path / "guest")
    small = ("--memory", "8M", "--pages", "5", "--seconds", "0.5", "--json")
    _, output, _ = guise(capfd, "checkpoint", file, *small)
    first = json.loads(output)
    _, output, _ = guise(capfd, "resume", file, "--seconds", "0.5", "--json")
    second = json.loads(output)
    assert first["pages_before"] == 0
    assert second["pages_before"] == first["pages_after"]
    assert second["pages_after"] > second["pages_before"]


@kvm
def test_migrate_shows_the_model_beside_what_was_measured(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--memory", "8M", "--pages", "10", "--seconds", "0.05", "--least", "800")
    status, output, _ = guise(capfd, "migrate", *words)
    assert status == 0
    assert "measured" in output
    assert "model" in output
    assert "bit-identical" in output


@kvm
def test_a_file_that_is_no_checkpoint(capfd: pytest.CaptureFixture[str]) -> None:
    status, _, errors = guise(capfd, "resume", "/etc/passwd")
    assert status == cli.NOT_STARTED
    assert errors == "guise: /etc/passwd is no checkpoint of a machine\n"
