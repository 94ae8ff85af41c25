"""Cases that misbehave: each is contained and reported, and nothing of it stays."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Bench, eventually

SH = '[[case]]\nname = "case"\nargv = ["sh", "-c", {script!r}]\n'


def _case(script: str, **keys: str) -> str:
    lines = [f'{name} = "{value}"' for name, value in keys.items()]
    return "\n".join([SH.format(script=script), *lines])


def test_hanging(bench: Bench) -> None:
    column = bench.results(_case("echo before; sleep 300", timeout="1s"), "--retries=0")
    assert column["status"] == 1
    assert column["by_name"]["case"]["status"] == "timeout"
    assert column["notes"]["case"] == "ended by its time limit"
    assert bench.run("show", "1", "case").stdout == "before\n"
    bench.wait_until_none_is_alive()


def test_hanging_and_deaf(bench: Bench) -> None:
    script = "trap '' TERM INT HUP QUIT; (trap '' TERM; sleep 300) & while :; do sleep 1; done"
    column = bench.results(_case(script, timeout="1s", timeout_signal="QUIT"), "--retries=0")
    assert column["by_name"]["case"]["status"] == "timeout"
    bench.wait_until_none_is_alive()


def test_crashing(bench: Bench) -> None:
    column = bench.results(_case("kill -SEGV $$"))
    assert column["by_name"]["case"]["status"] == "crashed"
    assert column["by_name"]["case"]["message"] == "killed by signal 11"
    assert column["cases"][0]["attempts"] == 2


def test_leaving(bench: Bench) -> None:
    script = "setsid sh -c 'setsid sleep 301 & sleep 302' >/dev/null 2>&1 & exit 0"
    started = time.monotonic()
    column = bench.results(_case(script))
    assert time.monotonic() - started < 60
    assert column["by_name"]["case"]["status"] == "passed"
    assert "processes running, which were ended: " in column["notes"]["case"]
    assert "sleep" in column["notes"]["case"]
    bench.wait_until_none_is_alive()


def test_leaving_with_the_output_open(bench: Bench) -> None:
    column = bench.results(_case("setsid sleep 303 & echo here"))
    assert column["by_name"]["case"]["status"] == "passed"
    assert bench.run("show", "1", "case").stdout == "here\n"
    bench.wait_until_none_is_alive()


def test_printing_a_gigabyte(bench: Bench) -> None:
    script = "echo first; head -c 1000000000 /dev/zero; echo last"
    column = bench.results(_case(script, output="64K"))
    assert column["by_name"]["case"]["status"] == "passed"
    assert "printed 1000000011 bytes" in column["notes"]["case"]
    kept = bench.run("show", "1", "case").stdout
    assert kept.startswith("first\n")
    assert kept.endswith("last\n")
    assert "bytes left out]" in kept
    assert len(kept) < 70_000
    assert bench.store.stat().st_size < 1_000_000


def test_using_too_much_memory(bench: Bench) -> None:
    script = "import time; held = bytearray(900 << 20); time.sleep(30)"
    text = f'[[case]]\nname = "case"\nargv = ["{{python}}", "-c", "{script}"]\nmemory = "100M"\n'
    column = bench.results(text, "--retries=0")
    assert column["by_name"]["case"]["status"] == "crashed"
    assert column["notes"]["case"] == "ended by its memory limit"
    bench.wait_until_none_is_alive()


def test_missing_programs_and_folders(bench: Bench) -> None:
    text = """
[[case]]
name = "program"
argv = ["/nowhere/program"]
[[case]]
name = "folder"
argv = ["true"]
cwd = "/nowhere"
[[case]]
name = "not among the suite's"
program = "other"
[[case]]
name = "fine"
argv = ["true"]
"""
    column = bench.results(text)
    found = {name: (test["status"], test["message"]) for name, test in column["by_name"].items()}
    assert found == {
        "program": ("error", "cannot run /nowhere/program: no such file or directory"),
        "folder": ("error", "cannot enter /nowhere: no such file or directory"),
        "not among the suite's": ("error", "there is no program other among the suite's"),
        "fine": ("passed", ""),
    }


def test_files_stay_in_a_folder_that_goes(bench: Bench) -> None:
    script = "mkdir -p deep/er; echo x > deep/er/file; chmod 500 deep/er; pwd; echo $TMPDIR"
    bench.results(_case(script))
    for folder in bench.run("show", "1", "case").stdout.split():
        assert folder.startswith(tempfile.gettempdir())
        assert not Path(folder).exists()


def test_a_killed_run_resumes_where_it_was(bench: Bench) -> None:
    ran, may_end = bench.folder / "ran", bench.folder / "may-end"
    waiting = f"setsid sh -c 'until [ -e {may_end} ]; do sleep 0.05; done'"
    scripts = ["true", "true", waiting, "true"]
    cases = [
        _case(f"echo {number} >> {ran}; {script}").replace('"case"', f'"case-{number}"')
        for number, script in enumerate(scripts)
    ]
    suite = bench.suite("\n".join(cases))
    first = subprocess.Popen(bench.command("run", suite, "-j", "1"), env=bench.environment)
    eventually(lambda: ran.exists() and "2" in ran.read_text())
    first.kill()
    first.wait()
    bench.wait_until_none_is_alive()
    with closing(sqlite3.connect(bench.store)) as store:
        assert store.execute("SELECT count(*) FROM cases").fetchone() == (2,)
    may_end.touch()
    second = bench.run("run", suite, "-j", "1")
    assert "resuming, 2 of 4 cases are done" in second.stderr
    assert "4 of 4 passed" in second.stdout
    assert ran.read_text().split() == ["0", "1", "2", "2", "3"]
    assert len([line for line in bench.run("runs").stdout.splitlines() if "freebsd" in line]) == 1


def test_an_interrupted_run_leaves_nothing_and_says_how_to_go_on(bench: Bench) -> None:
    suite = bench.suite(_case(f"touch {bench.folder}/begun; setsid sleep 305"))
    running = subprocess.Popen(
        bench.command("run", suite), env=bench.environment, stderr=subprocess.PIPE, text=True
    )
    eventually((bench.folder / "begun").exists)
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert (running.returncode, errors) == (130, "guise: stopped: the same command goes on from here\n")
    assert not bench.alive()  # by the time that the command has ended


def test_a_worker_that_is_killed_is_replaced(bench: Bench) -> None:
    places = bench.folder / "places"
    script = f"pwd >> {places}; test $(wc -l < {places}) = 2 || {{ kill -9 $PPID; sleep 306; }}"
    column = bench.results(_case(script))
    assert column["by_name"]["case"]["status"] == "passed"
    bench.wait_until_none_is_alive()
    folders = places.read_text().split()
    assert len(set(folders)) == 2
    assert not any(Path(folder).exists() for folder in folders)


def test_a_finished_run_is_not_resumed(bench: Bench) -> None:
    for number in (1, 2):
        assert len(bench.results(_case("true"))["runs"]) == 1
        assert len(bench.run("runs").stdout.splitlines()) == number + 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "names no programs"),
        ("[run", "is no TOML"),
        ('[programs]\nfrom = "moon"', "there are compile, go, npm, paths"),
        ('[programs]\nfrom = "paths"', "needs paths, a list of strings"),
        ('[programs]\nfrom = "paths"\npaths = ["nothing/*"]', "names nothing that is there"),
        ('[programs]\nfrom = "paths"\npaths = ["*"]\nbuild = ["false"]', "failed with status 1"),
        ('[[case]]\nname = "a"\ntimeuot = 3', "has no key timeuot: did you mean timeout?"),
        ('[[case]]\nname = "a"\ntimeout = "soon"', "it takes seconds, or a string such as 5m"),
        ('[[case]]\nname = "a"\nmemory = -1', "it takes bytes, or a string such as 512M"),
        ('[[case]]\nname = "a"\nreader = "tea leaves"', "there are atf, difference, go"),
        ('[[case]]\nname = "a"\nargv = [1]', "it takes a list of strings"),
        ('[[case]]\nname = "a"\nargv = ["{progam}"]', "{progam} means nothing"),
        ('[[case]]\nname = "a"\n[[case]]\nname = "a"', "needs a name of its own"),
        ('titel = "x"\n[[case]]\nname = "a"', "has no key titel: did you mean title?"),
        ('personality = "beos"\n[[case]]\nname = "a"', "Guise has no kernel named beos"),
    ],
)
def test_bad_suites_get_a_sentence(bench: Bench, text: str, sentence: str) -> None:
    done = bench.run("run", bench.suite(text))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_bad_command_lines_get_a_sentence(bench: Bench) -> None:
    suite = bench.suite(_case("true"))
    (bench.folder / "suite.known-failures").write_text("no reason\n")
    for words, sentence in (
        (("run", suite), "the reason is not optional"),
        (("run", "nothing"), "there is no suite nothing"),
        (("run", suite, "--shard=3/2"), "it takes I/N"),
        (("run", suite, "--only=zzz"), "is chosen: `guise compat list"),
        (("run", suite, "--jobs=0"), "it takes a number from 1"),
        (("report",), "no run is recorded yet"),
        (("diff", "1", "2"), "there is no run 1"),
    ):
        done = bench.run(*words)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    (bench.folder / "suite.known-failures").unlink()
    bench.store.unlink()
    bench.store.write_text("not a database, and long enough to be read as one" * 40)
    assert "cannot hold results" in bench.run("run", suite).stderr


def test_results_that_were_dropped_are_no_results(bench: Bench) -> None:
    script = "echo 1..1; echo ok 1 first; head -c 300000 /dev/zero; echo not ok 1 first"
    column = bench.results(_case(script, output="64K", reader="tap"))
    assert column["by_name"]["case"]["status"] == "error"
    assert "were dropped, and results with them" in column["by_name"]["case"]["message"]
    marks = "'=== RUN   TestA' '--- PASS: TestA (0.00s)' '=== RUN   TestB'"
    go = f"printf '%s\\n' {marks}; head -c 300000 </dev/zero"
    column = bench.results(_case(go, output="64K", reader="go"))
    assert {name: test["status"] for name, test in column["by_name"].items()} == {
        "case::TestA": "passed",
        "case": "error",
    }


def test_processor_time_of_all_descendants_is_counted(bench: Bench) -> None:
    work = """
import os, time
if not os.fork():
    while time.process_time() < 0.5: pass
    os._exit(0)
os.wait()
"""
    column = bench.results(f"[[case]]\nname = 'case'\nargv = ['{{python}}', '-c', '''{work}''']\n")
    assert 0.5 <= column["cases"][0]["processor"] < 5


def test_the_host_itself_is_a_personality(bench: Bench) -> None:
    text = '[[case]]\nname = "case"\nargv = ["{guise}", "sh", "-c", "echo {kernel} $0", "{name}"]\n'
    column = bench.results(text, "--as=host")
    assert (column["personality"], column["engine"], column["status"]) == ("host", "host", 0)
    assert bench.run("show", "1", "case").stdout == "linux case\n"


def test_known_failures_of_each_personality(bench: Bench) -> None:
    (bench.folder / "known.host").write_text("case: it is made of false\n")
    text = 'baseline = "known.{kernel}"\n[[case]]\nname = "case"\nargv = ["false"]\n'
    assert bench.results(text, "--as=host")["status"] == 0
    assert bench.results(text)["status"] == 1


def test_a_store_of_the_first_version_is_read(bench: Bench) -> None:
    bench.results(_case("true"))
    with closing(sqlite3.connect(bench.store)) as store:
        store.executescript(
            "ALTER TABLE cases DROP COLUMN processor; ALTER TABLE cases DROP COLUMN trace;"
            "ALTER TABLE tests DROP COLUMN natively; PRAGMA user_version = 1;"
        )
    assert bench.run("report").returncode == 0
    assert bench.results(_case("true"))["status"] == 0
    assert len(bench.run("runs").stdout.splitlines()) == 4
