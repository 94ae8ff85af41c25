"""Shards, baselines, flaky tests, and what two runs disagree about."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from guise.compat import baseline, planning, runner, traces
from guise.compat.baseline import Baseline, Row
from guise.compat.model import Case, CompatError, Status, Test
from guise.compat.suite import Recipe

from .conftest import Bench


def _planned(name: str) -> planning.Planned:
    return planning.Planned(name, Recipe(), lambda: Case(name, ()), lambda: Case(name, ()))


@pytest.mark.parametrize("total", [1, 2, 7, 50])
def test_shards_are_a_partition(total: int) -> None:
    cases = [_planned(f"package/number{at}") for at in range(200)]
    parts = [planning.select(cases, "", (number, total)) for number in range(1, total + 1)]
    assert sorted(case.name for part in parts for case in part) == sorted(case.name for case in cases)
    fewer = planning.select(cases[::2], "", (1, total))
    assert {case.name for case in fewer} <= {case.name for case in parts[0]}


def test_only_is_a_pattern() -> None:
    cases = [_planned(name) for name in ("net", "net/http", "os")]
    assert [case.name for case in planning.select(cases, "net/*", (1, 1))] == ["net/http"]
    assert [case.name for case in planning.select(cases, "*", (1, 1))] == ["net", "net/http", "os"]


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "-1/2", "1/2/3"])
def test_bad_shards(text: str) -> None:
    with pytest.raises(CompatError, match="it takes I/N"):
        planning.parse_shard(text)


LINES = """\
# a comment

net::TestA: no multicast here
net::TestB @ptrace: too slow when every call stops
net::TestSub/*: the host has no such device
os::TestGone: it was removed
"""


def _lines(path: Path) -> list[baseline.Known]:
    path.write_text(LINES)
    return baseline.load(path)


def _row(name: str, status: Status, *, flaky: bool = False) -> Row:
    return Row(name, name.partition("::")[0], status, flaky=flaky)


def test_baseline(tmp_path: Path) -> None:
    lines = _lines(tmp_path / "known")
    rows = [
        _row("net::TestA", Status.FAILED),
        _row("net::TestB", Status.FAILED),
        _row("net::TestSub/one", Status.PASSED),
        _row("net::TestSub/two", Status.FAILED),
        _row("net::TestC", Status.TIMEOUT),
        _row("net::TestD", Status.FAILED, flaky=True),
        _row("net::TestE", Status.SKIPPED),
        _row("net::TestF", Status.UNSUPPORTED),
    ]
    native = Baseline(lines, "native").judge(rows, complete=True)
    assert [row.name for row in native.worse] == ["net::TestB", "net::TestC"]
    assert [row.name for row in native.flaky] == ["net::TestD"]
    assert [row.name for row, _ in native.known] == ["net::TestA", "net::TestSub/two"]
    assert native.better == []
    assert [line.name for line in native.gone] == ["os::TestGone"]
    ptrace = Baseline(lines, "ptrace").judge(rows, complete=False)
    assert [row.name for row in ptrace.worse] == ["net::TestC"]
    assert ptrace.gone == []


def test_baseline_notices_what_passes_now(tmp_path: Path) -> None:
    judge = Baseline(_lines(tmp_path / "known"), "native").judge
    rows = [
        _row("net::TestA", Status.PASSED),
        _row("net::TestSub/one", Status.PASSED),
        _row("os::TestGone", Status.SKIPPED),
    ]
    verdict = judge(rows, complete=True)
    assert [line.name for _, line in verdict.better] == ["net::TestA", "net::TestSub/*"]
    assert verdict.gone == []


def test_merging_attempts() -> None:
    def attempt(**statuses: Status) -> list[Test]:
        return [Test(name, status) for name, status in statuses.items()]

    failed, passed = Status.FAILED, Status.PASSED
    runs = [attempt(a=failed, b=failed, c=passed, d=passed), attempt(a=passed, b=failed, c=failed, d=passed)]
    merged = {test.name: (test.status, test.flaky) for test in runner.merge(runs)}
    assert merged == {"a": (failed, True), "b": (failed, False), "c": (passed, True), "d": (passed, False)}
    (crash,) = runner.merge([[Test("", Status.CRASHED)], [Test("x", passed)]])
    assert crash.flaky
    (crash,) = runner.merge([[Test("", Status.CRASHED)], [Test("", Status.CRASHED)]])
    assert not crash.flaky


FLAKY = """
[[case]]
name = "flaky"
argv = ["sh", "-c", "test -e {suite}/seen || { touch {suite}/seen; exit 1; }"]
[[case]]
name = "broken"
argv = ["false"]
"""


def test_a_run_says_what_is_worse_flaky_and_known(bench: Bench) -> None:
    column = bench.results(FLAKY)
    assert (column["status"], column["worse"], column["flaky"]) == (1, ["broken"], ["flaky"])
    assert {case["name"]: case["attempts"] for case in column["cases"]} == {"flaky": 2, "broken": 2}
    (bench.folder / "suite.known-failures").write_text("broken: it is made of false\n")
    column = bench.results(FLAKY)
    assert (column["status"], column["worse"], column["flaky"]) == (0, [], [])
    assert column["known"] == {"broken": "it is made of false"}
    fixed = FLAKY.replace('"false"', '"true"')
    column = bench.results(fixed)
    assert (column["status"], column["better"]) == (0, ["broken"])
    assert "take these out" in bench.run("report").stdout


def test_diff_of_two_runs(bench: Bench) -> None:
    bench.results(FLAKY)
    bench.results(FLAKY.replace("broken", "new"))
    bench.results(FLAKY)
    done = bench.run("diff", "1", "3")
    assert (done.returncode, done.stdout.splitlines()[-2].split()) == (
        0,
        ["better", "failed", "passed", "flaky"],
    )
    assert bench.run("diff", "3", f"{bench.store}#1").returncode == 1
    same = bench.run("diff", "3", "3").stdout.splitlines()
    assert same[-2] == "no test differs"
    assert re.fullmatch(r"processor time of 2 cases: (\S+) s before, \1 s after: 1.000 x", same[-1])


def test_shards_in_stores_of_their_own_are_put_together(bench: Bench) -> None:
    text = "".join(f'[[case]]\nname = "case-{at}"\nargv = ["true"]\n' for at in range(12))
    path = bench.suite(text)
    for number in (1, 2):
        done = bench.run("run", path, f"--shard={number}/2")
        assert done.returncode == 0, done.stderr
    output = bench.folder / "both.json"
    assert "12 of 12 passed" in bench.run("report", f"--json={output}").stdout
    (column,) = json.loads(output.read_text())
    assert len(column["runs"]) == 2
    assert not column["complete"]


DIFFERENTIAL = """
[run]
argv = ["{guise}", "sh", "-c", '''
printf '=== RUN   TestSame\\n--- PASS: TestSame (0.00s)\\n'
printf '=== RUN   TestBroken\\n--- FAIL: TestBroken (0.00s)\\n'
case $(uname -r) in 2.6.32*) word=FAIL;; *) word=PASS;; esac
printf '=== RUN   TestRelease\\n--- %s: TestRelease (0.00s)\\n' $word
''']
reader = "go"
[[case]]
name = "case"
"""


def test_only_differences_from_the_host_count(bench: Bench) -> None:
    column = bench.results(DIFFERENTIAL, "--differential", "--as=linux-2.6.32", f"--junit={bench.folder}/j")
    assert column["worse"] == column["differs"] == ["case::TestRelease"]
    assert column["alike"] == ["case::TestBroken"]
    assert {name: test["natively"] for name, test in column["by_name"].items()} == {
        "case::TestSame": "passed",
        "case::TestBroken": "failed",
        "case::TestRelease": "passed",
    }
    text = (bench.folder / "j").read_text()
    assert ('failures="1"' in text, "fails natively too" in text) == (True, True)
    said = bench.run("report").stdout
    assert "failed, natively passed: case::TestRelease" in said
    assert "1 failed natively too" in said
    assert bench.results(DIFFERENTIAL, "--as=linux-2.6.32")["worse"] == [
        "case::TestBroken",
        "case::TestRelease",
    ]


def test_a_suite_of_guests_only_is_not_run_natively(bench: Bench) -> None:
    text = '[run]\nnative = false\n[[case]]\nname = "case"\nargv = ["true"]\n'
    done = bench.run("run", bench.suite(text), "--as=host")
    assert (done.returncode, "its programs exist for guests only" in done.stderr) == (2, True)
    assert bench.results(text, "--differential")["by_name"]["case"]["natively"] is None


def test_the_calls_of_what_fails_are_kept_and_compared(bench: Bench) -> None:
    text = """
[run]
argv = ["{guise}", "sh", "-c", "test $(uname -r) = 2.6.32 || mkdir made; ls {scratch}/made"]
[[case]]
name = "case"
[[case]]
name = "fine"
argv = ["true"]
"""
    page = bench.folder / "page"
    column = bench.results(text, "--differential", "--trace", "--as=linux-2.6.32", f"--html={page}")
    assert column["worse"] == ["case"]
    note = column["notes"]["case"]
    assert "the first call that differs: " in note
    assert '/made"' in note
    assert note.endswith("ends with ENOENT, natively with success")
    assert "ENOENT" in bench.run("show", "1", "case", "--trace").stdout
    assert "ENOENT" in page.read_text()
    assert "was not traced" in bench.run("show", "1", "fine", "--trace").stderr


def _recorded(path: Path, *command: str) -> bytes:
    trace = [sys.executable, "-m", "guise", "trace", "--no-sandbox", "-o", str(path), "--format", "recording"]
    words = [*trace, "--", *command]
    subprocess.run(words, check=False, capture_output=True, timeout=100)
    return path.read_bytes()


def test_the_first_call_that_ends_otherwise(tmp_path: Path) -> None:
    script = f"ls {tmp_path}/one; ls {tmp_path}/two"
    before = _recorded(tmp_path / "a", "sh", "-c", script)
    (tmp_path / "two").mkdir()
    after = _recorded(tmp_path / "b", "sh", "-c", script)
    assert traces.first_difference(before, before) == ""
    said = traces.first_difference(after, before)
    assert re.search(r'\(.*two".*\) ends with success, natively with ENOENT$', said), said
    assert traces.first_difference(after[: len(after) // 2], b"damaged") == ""
    text = traces.as_text(after).decode()
    assert f'{tmp_path}/one"' in text
