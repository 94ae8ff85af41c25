"""Readers, on what the programs that they are for really print."""

from __future__ import annotations

import pytest

from guise.compat import readers
from guise.compat.model import Ended, Status


def _read(
    reader: str, stdout: str = "", *, exit: int = 0, signal: int = 0, stopped: str = "", stderr: str = ""
) -> dict[str, str]:
    ended = Ended(exit=exit, signal=signal, stopped=stopped, stdout=stdout.encode(), stderr=stderr.encode())
    return {test.name: str(test.status) for test in readers.read(reader, [ended])}


GO_PLAIN = """\
=== RUN   TestOne
--- PASS: TestOne (0.01s)
=== RUN   TestTwo
=== PAUSE TestTwo
=== RUN   TestThree
    three_test.go:12: no such luck
--- FAIL: TestThree (0.00s)
=== CONT  TestTwo
=== RUN   TestTwo/sub_of_two
=== RUN   TestTwo/skipped
    two_test.go:8: not on this system
--- PASS: TestTwo (0.02s)
    --- PASS: TestTwo/sub_of_two (0.00s)
    --- SKIP: TestTwo/skipped (0.00s)
=== RUN   ExampleThing
--- PASS: ExampleThing (0.00s)
FAIL
"""


def test_go_plain() -> None:
    assert _read("go", GO_PLAIN, exit=1) == {
        "TestOne": "passed",
        "TestTwo": "passed",
        "TestThree": "failed",
        "TestTwo/sub_of_two": "passed",
        "TestTwo/skipped": "skipped",
        "ExampleThing": "passed",
    }
    tests = {test.name: test for test in readers.read("go", [Ended(exit=1, stdout=GO_PLAIN.encode())])}
    assert tests["TestThree"].message == "    three_test.go:12: no such luck"
    assert "not on this system" in tests["TestTwo/skipped"].message
    assert tests["TestTwo"].seconds == 0.02


def test_go_marked_for_test2json() -> None:
    text = (
        "\x16=== RUN   TestA\nno newline at its end\x16--- PASS: TestA (0.00s)\n\x16=== NAME  \n"
        "\x16=== RUN   TestB\n--- PASS: TestFake (0.00s)x\n\x16--- FAIL: TestB (1.50s)\n"
        "\x16=== RUN   TestC\n    --- FAIL: TestOfItsOwnProgram (0.00s)\n\x16--- PASS: TestC (0.00s)\n"
    )
    assert _read("go", text, exit=1) == {"TestA": "passed", "TestB": "failed", "TestC": "passed"}


def test_go_json() -> None:
    text = """\
{"Time":"2026-01-02T03:04:05Z","Action":"start","Package":"p"}
{"Time":"2026-01-02T03:04:05Z","Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: wrong\\n"}
{"Action":"fail","Package":"p","Test":"TestA","Elapsed":0.25}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestB","Elapsed":0}
{"Action":"fail","Package":"p","Elapsed":0.3}
{not json
"""
    tests = {test.name: test for test in readers.read("go", [Ended(exit=1, stdout=text.encode())])}
    assert {name: str(test.status) for name, test in tests.items()} == {"TestA": "failed", "TestB": "skipped"}
    assert (tests["TestA"].message, tests["TestA"].seconds) == ("    a_test.go:3: wrong", 0.25)


def test_go_that_panics_or_hangs() -> None:
    text = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\npanic: oh\n\ngoroutine 7 [running]:\n"
    assert _read("go", text, exit=2) == {"TestA": "passed", "TestB": "failed"}
    assert _read("go", text, signal=11) == {"TestA": "passed", "TestB": "crashed", "": "crashed"}
    assert _read("go", text, stopped="time") == {"TestA": "passed", "TestB": "timeout", "": "timeout"}
    assert _read("go", "testing: warning: no tests to run\nPASS\n") == {"": "passed"}
    assert _read("go", "--- PASS: TestA (0.00s)\n", exit=3) == {"TestA": "passed", "": "failed"}


def test_tap() -> None:
    text = """\
1..6
ok 1 - opens
not ok 2 - close: twice
# expected EBADF
ok 3 - there # SKIP no such device
not ok 4 # TODO some day
ok 5 - opens
not ok - number: none # line 7, saw 9
"""
    assert _read("tap", text, exit=1) == {
        "opens": "passed",
        "close:twice": "failed",
        "there": "skipped",
        "test 4": "skipped",
        "opens#2": "passed",
        "number:none": "failed",
    }
    messages = {test.name: test.message for test in readers.read("tap", [Ended(stdout=text.encode())])}
    assert messages["close:twice"] == "expected EBADF"
    assert messages["number:none"] == "line 7, saw 9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1..3\nok 1\n", "planned 3 tests and reported 1"),
        ("ok 1\n", "printed no TAP plan"),
        ("hello\n", "printed no TAP"),
        ("1..2\nok 1\nBail out! no disk\n", "Bail out! no disk"),
    ],
)
def test_tap_that_is_not_whole(text: str, problem: str) -> None:
    whole = readers.read("tap", [Ended(exit=0, stdout=text.encode())])[-1]
    assert (whole.name, whole.status, whole.message) == ("", Status.FAILED, problem)


def test_tap_skips_all() -> None:
    assert _read("tap", "1..0 # SKIP not here\n") == {"plan": "skipped"}
    assert _read("tap", "not for us\n", exit=77) == {"": "skipped"}


def test_junit() -> None:
    text = """noise before
<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="4">
<testcase classname="tests.test_a" name="test_one[x: y]" time="0.5" />
<testcase classname="tests.test_a" name="test_two"><failure message="assert">trace</failure></testcase>
<testcase classname="tests.test_a" name="test_three"><skipped type="pytest.skip" message="no" /></testcase>
<testcase classname="" name="whole"><error message="broken fixture"/></testcase>
</testsuite></testsuites>
noise behind"""
    assert _read("junit", text, exit=1) == {
        "tests.test_a.test_one[x:y]": "passed",
        "tests.test_a.test_two": "failed",
        "tests.test_a.test_three": "skipped",
        "whole": "failed",
    }
    assert _read("junit", "nothing") == {"": "failed"}
    assert _read("junit", "<testsuites><testsuite>") == {"": "failed"}
    bomb = '<!DOCTYPE x [<!ENTITY a "b">]><testsuites>&a;</testsuites>'
    assert _read("junit", bomb) == {"": "failed"}


def test_kyua_and_atf() -> None:
    text = """\
sys/kern/kill:self  ->  passed  [0.020s]
sys/kern/kill:other  ->  failed: kill(2) returned -1: not permitted  [0.100s]
lib/libc/gen:dir  ->  skipped: Requires root privileges  [0.001s]
lib/libc/gen:odd  ->  expected_failure: PR 12345  [0.001s]
lib/libc/gen:bad  ->  broken: Test case timed out  [300.0s]

Results file id is usr_tests.20260101-000000-000000
"""
    assert _read("atf", text, exit=1) == {
        "sys/kern/kill:self": "passed",
        "sys/kern/kill:other": "failed",
        "lib/libc/gen:dir": "skipped",
        "lib/libc/gen:odd": "passed",
        "lib/libc/gen:bad": "failed",
    }
    assert _read("atf", "passed\n") == {"result": "passed"}
    assert _read("atf", stderr="failed: x.c:3: 1 != 2\n", exit=1) == {"result": "failed"}
    stream = "tp-start: 1.2, t_a, 2\ntc-end: 1.3, one, passed\ntc-end: 1.4, two, failed, because\n"
    assert _read("atf", stream, exit=1) == {"one": "passed", "two": "failed"}
    assert _read("atf", "what?\n") == {"": "failed"}


def test_ltp() -> None:
    new = """\
tst_test.c:1737: TINFO: LTP version: 20240129
getpid01.c:31: \x1b[1;32mTPASS: \x1b[0mgetpid() returns 4242
getpid01.c:31: TPASS: getpid() returns 4243
open02.c:55: TFAIL: open() succeeded unexpectedly
fanotify01.c:9: TCONF: syscall not supported
"""
    assert _read("ltp", new, exit=33) == {
        "getpid01.c 31": "passed",
        "getpid01.c 31 (2)": "passed",
        "open02.c 55": "failed",
        "fanotify01.c 9": "unsupported",
    }
    old = "abort01    1  TPASS  :  abort() dumped core\nabort01    2  TBROK  :  cannot fork\n"
    assert _read("ltp", old, exit=2) == {"abort01 1": "passed", "abort01 2": "failed"}
    assert _read("ltp", "fanotify01.c:9: TCONF: no\n", exit=32) == {"fanotify01.c 9": "unsupported"}


def test_exit_status() -> None:
    assert _read("status") == {"": "passed"}
    assert _read("status", "a\nthe reason\n", exit=1) == {"": "failed"}
    assert _read("status", exit=77) == {"": "skipped"}
    assert _read("status", signal=6) == {"": "crashed"}
    assert _read("status", stopped="memory", signal=9) == {"": "crashed"}
    assert _read("status", stopped="start") == {"": "error"}


def test_difference() -> None:
    same = Ended(exit=3, stdout=b"a\nb\n", files={"out": "1"})
    assert [test.status for test in readers.read("difference", [same, same])] == [Status.PASSED]
    other = Ended(exit=0, stdout=b"a\nc\n", files={"out": "2", "more": "3"})
    (test,) = readers.read("difference", [same, other])
    assert test.status is Status.FAILED
    for part in ("exit status 3, natively 0", "-c", "+b", "file more was not made", "file out differs"):
        assert part in test.message
    (test,) = readers.read("difference", [same, Ended(stopped="start", reason="cannot run it")])
    assert test.message == "the reference cannot run it"
    (test,) = readers.read("difference", [Ended(stopped="time"), same])
    assert test.status is Status.TIMEOUT
