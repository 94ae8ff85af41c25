"""From a real run to a comparison: `guise trace --profile`, then `guise compare`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

import guise
from guise import cli
from sandbox import workload

ROOT = Path(guise.__file__).parents[1]
WORK = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; ls / >/dev/null; cat /etc/passwd >/dev/null"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    file = tmp_path / "work.json"
    subprocess.run(
        [sys.executable, "-m", "guise", "trace", "--profile", "-o", str(file), "sh", "-c", WORK],
        check=True, cwd=tmp_path, timeout=100, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return file


def test_a_recorded_run_is_compared(
    profile: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = json.loads((ROOT / "docs" / "profile.schema.json").read_text())
    jsonschema.validate(json.loads(profile.read_text()), schema)
    load = workload.read(profile)
    assert load.name == "work"
    assert load.command == ("sh", "-c", WORK)
    assert load.directory == str(profile.parent)
    assert load.recorded_on == workload.host_mark()
    assert {"execve", "openat", "read"} <= set(load.calls)
    assert load.busy > 0
    assert load.working_set > 100_000
    assert (
        cli.main(["compare", str(profile), "--system", "zone", "--system", "xen", "--seconds", "1", "--json"])
        == 0
    )
    value = json.loads(capfd.readouterr().out)
    zone = value["workloads"][0]["zone"]
    # recorded here, so it is run again wherever there can be zones
    assert zone["measured"] or "zone" in zone["why_not"] or not load.recorded_on, zone
