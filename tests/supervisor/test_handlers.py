"""What is registered is what the tables say, and each registration leads to a function."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import personality
import syscalls
from personality.freebsd import releases
from personality.supervisor import handlers
from personality.supervisor.images import personalities


@pytest.mark.parametrize("kernel", sorted(personalities()))
def test_registrations_match_the_table(kernel: str) -> None:
    calls = syscalls.load(kernel).by_number
    rows = {call.number: call.name for call in calls.values() if call.service == "supervisor"}
    registered = {number: place.call for number, place in handlers.registrations(kernel).items()}
    assert rows.items() <= registered.items()
    for number in registered.keys() - rows.keys():  # the runtime asks for what it does not know
        assert (calls[number].name, calls[number].service) == (registered[number], "runtime")


@pytest.mark.parametrize("kernel", sorted(personalities()))
def test_every_handler_can_be_loaded(kernel: str) -> None:
    for place in handlers.registrations(kernel).values():
        assert callable(getattr(importlib.import_module(place.module), place.function))


@pytest.mark.parametrize("kernel", sorted(personalities()))
def test_what_serves_a_first_request_imports_next_to_nothing(kernel: str) -> None:
    """A guest waits for it: enum, re and what builds on them take 20 ms and more."""
    modules = {place.module for place in handlers.registrations(kernel).values()}
    folder = Path(personality.__file__).parent / kernel / "sysctl"
    modules |= {f"personality.{kernel}.sysctl.{path.stem}" for path in folder.glob("[!_]*.py")}
    modules -= {f"personality.{kernel}.sysctl.{name}" for name in ("net", "routing")}  # they need addresses
    script = f"""
import sys
before = set(sys.modules)
import {", ".join(["personality.supervisor.session", *sorted(modules)])}
print(*sorted(set(sys.modules) - before))
"""
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert not {"enum", "re", "typing", "dataclasses", "functools", "contextlib", "collections"} & set(
        loaded.split()
    )


@pytest.mark.parametrize("name", ["", "no_such_kernel", "supervisor", "runtime", "../x", "a b"])
def test_other_names_are_no_personality(name: str) -> None:
    assert not handlers.load_personality(name)
    assert handlers.registrations(name) == {}
    assert handlers.find(name, 1) is None


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("14.1", 1401000),
        ("13.2-RELEASE", 1302001),
        ("14", max(releases.RELEASES.values())),
        ("1400097", 1400097),
    ],
)
def test_releases(said: str, number: int) -> None:
    assert handlers.release_number("freebsd", said) == number


def test_the_default_release_is_the_runtimes() -> None:
    header = Path(releases.__file__).with_name("freebsd.h").read_text()
    found = re.search(r"FREEBSD_DEFAULT_RELEASE (\d+)", header)
    assert found is not None
    assert int(found[1]) == releases.DEFAULT


@pytest.mark.parametrize("said", ["", "9.0", "14.99", "current", "14.1 ", "-1"])
def test_unknown_releases_are_one_sentence(said: str) -> None:
    with pytest.raises(ValueError, match="is not a release") as caught:
        handlers.release_number("freebsd", said)
    assert "\n" not in str(caught.value)
