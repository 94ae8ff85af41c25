"""The suites that come with Guise: they load, and those that need nothing from outside pass."""

from __future__ import annotations

import json

import pytest

from guise.compat import baseline, planning, suite
from guise.compat.model import CompatError

from .conftest import Bench


@pytest.mark.parametrize("name", suite.shipped())
def test_a_shipped_suite_loads(name: str) -> None:
    chosen = suite.load(suite.find(name))
    assert chosen.title
    baseline.load(chosen.baseline_of(chosen.personality))


@pytest.mark.parametrize("engine", ["native", "ptrace"])
def test_the_tables_say_the_truth(bench: Bench, engine: str) -> None:
    pytest.importorskip("ziglang")
    output = bench.folder / "out.json"
    done = bench.run("run", "tables", f"--engine={engine}", f"--json={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    (column,) = json.loads(output.read_text())
    assert column["counts"]["passed"] > 50


def test_known_failures_of_go_name_packages_of_go(bench: Bench) -> None:
    chosen = suite.load(suite.find("go-std"))
    try:
        planned = planning.plan(chosen, planning.Mode("freebsd", "native"), bench.folder)
    except CompatError as error:
        pytest.skip(str(error))
    cases = {case.name for case in planned}
    assert len(cases) > 200
    lines = baseline.load(chosen.baseline_of("freebsd"))
    assert {line.name.partition("::")[0] for line in lines} <= cases
