"""A verb that is killed at any step: the next command puts the zone in order, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .bench import Zones

STEPS = ("mkdir", "rename", "unlink", "rmdir", "fork", "mkfifo", "pidfd_open", "open")
"""Functions of `os` that verbs change things with; each call of one is a moment to be killed at."""

KILLED = """
import os, signal, sys
count = int(sys.argv[1])
def killing(function):
    def call(*arguments, **options):
        global count
        count -= 1
        if count == 0:  # also in a child that runs in this memory
            try:
                os.kill(whole, signal.SIGKILL)
            except ProcessLookupError:  # from within the zone it is out of reach: at the next moment outside
                count = 1
        return function(*arguments, **options)
    return call
def forget():
    global count
    count = -1
os.register_at_fork(after_in_child=forget)
whole = os.getpid()
import guise.cli, guise.zone.command, guise.zone.entering, sandbox.zone.boot, sandbox.zone.lifecycle
for name in {steps!r}:
    setattr(os, name, killing(getattr(os, name)))
sys.exit(guise.cli.main(sys.argv[2:]))
"""


def killed_at(zones: Zones, step: int, *words: str) -> bool:
    """Run a verb and kill it before its `step`-th change; False if it was done before."""
    import sys

    script = KILLED.format(steps=STEPS)
    done = subprocess.run(
        [sys.executable, "-c", script, str(step), "zone", *words], env=zones.environment, capture_output=True,
        text=True, check=False, cwd=zones.directory, timeout=60,
    )  # fmt: skip
    if done.returncode == -signal.SIGKILL:
        return True
    assert (done.returncode, done.stderr) == (0, ""), done
    return False


def _in_zones(zones: Zones) -> list[str]:
    """What is left of zones: processes with such files, mounts."""
    left = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            variables = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        waits = b"\0await\0" in words and os.fsencode(zones.folder) in variables
        if waits or words.startswith((b"guise-init\0zone", b"/bin/sleep\0004321")):
            left.append(words.decode())
    left += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(zones.folder) in line]
    return left


def _gone(zones: Zones) -> None:
    deadline = time.monotonic() + 30
    while left := _in_zones(zones):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


@pytest.mark.parametrize("verb", ["install", "clone", "boot", "halt", "move", "uninstall", "delete"])
def test_killed_at_any_step(verb: str, zones: Zones, tmp_path: Path) -> None:
    _killed_at_steps(verb, zones, tmp_path, every=1 if verb == "uninstall" else 4)  # it has few


@pytest.mark.long
@pytest.mark.parametrize("verb", ["install", "clone", "boot", "halt", "move", "uninstall", "delete"])
def test_killed_at_every_step(verb: str, zones: Zones, tmp_path: Path) -> None:
    _killed_at_steps(verb, zones, tmp_path, every=1)


def _killed_at_steps(verb: str, zones: Zones, tmp_path: Path, every: int) -> None:
    system = tmp_path / "system"
    (system / "etc").mkdir(parents=True)
    (system / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    zones("create", "model", "inherit=/usr /bin /lib /lib64", "boot=/bin/sleep 4321")
    zones("install", "model", system)
    arguments = {"install": (str(system),), "clone": ("model",), "move": (str(tmp_path / "elsewhere"),)}
    moments = 0
    for step in range(1, 400, every):
        _prepare(verb, zones)
        before = zones.state("z")
        killed = killed_at(zones, step, verb, "z", *arguments.get(verb, ()))
        zones("verify", "--repair")
        _check(verb, zones, before)
        if not killed:
            break
        moments += 1
    assert moments >= 2
    assert sorted(os.listdir(zones.folder)) == ["model"]
    _gone(zones)


def _prepare(verb: str, zones: Zones) -> None:
    zones("create", "z", "inherit=/usr /bin /lib /lib64", "boot=/bin/sleep 4321")
    if verb not in ("install", "clone", "delete"):
        zones("clone", "z", "model")
    if verb == "halt":
        zones("boot", "z")


def _check(verb: str, zones: Zones, before: str) -> None:
    """The zone is as before the verb, or as after it, can be used, and goes without a trace."""
    listed = {zone["name"]: zone for zone in json.loads(zones("list", "--json"))}
    if verb == "delete":
        if "z" in listed:
            assert listed["z"]["state"] == "configured"
            zones("delete", "z")
        return
    after = {"install": "installed", "clone": "installed", "boot": "running", "uninstall": "configured"}
    state = listed["z"]["state"]
    assert state in (before, after.get(verb, "installed"))
    assert zones("verify", "z") == ""
    if state == "running":
        assert zones.run("exec", "z", "cat", "/etc/passwd").stdout.startswith("root:")
        zones("halt", "z")
    elif verb == "boot":
        _gone(zones)
    if state != "configured":
        assert (Path(listed["z"]["path"]) / "etc/passwd").read_text().startswith("root:")
        zones("uninstall", "z")
    assert not Path(listed["z"]["path"]).exists()
    zones("delete", "z")


def test_the_next_command_repairs_too(zones: Zones, tmp_path: Path) -> None:
    (tmp_path / "system").mkdir()
    zones("create", "z")
    zones("install", "z", tmp_path / "system")
    assert killed_at(zones, 4, "uninstall", "z")
    assert "was interrupted" in zones.refuses("verify", "z")
    assert "zone z is configured" in zones.refuses("boot", "z")
    assert zones("verify", "z") == ""
