"""The `#!` line, against the running kernel for Linux's rules and rule by rule for FreeBSD's."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader import LoadError
from loader.script import parse_script


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"#!/bin/sh\n", ("/bin/sh", None)),
        (b"#! \t /bin/sh\n", ("/bin/sh", None)),
        (b"#!/bin/sh -e -x \t\n", ("/bin/sh", "-e -x")),
        (b"#!/bin/sh\t\t-e\n", ("/bin/sh", "-e")),
        (b"#!/bin/sh\0 junk", ("/bin/sh", None)),
        (b"#!/bin/sh -e \0junk\n", ("/bin/sh", "-e")),
        (b"#!/bin/sh\r\n", ("/bin/sh\r", None)),
        (b"#!/bin/\xff\n", ("/bin/\udcff", None)),
        (b"#!" + b"/" * 1023 + b"\n", ("/" * 1023, None)),
        (b"#!/bin/sh " + b"a" * 4000 + b"\n", ("/bin/sh", "a" * 4000)),
    ],
)
def test_freebsd_reads_a_page(line: bytes, expected: tuple[str, str | None]) -> None:
    assert parse_script("x", line, "freebsd") == expected


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"#!\n", "ENOEXEC"),
        (b"#!   \n/bin/sh\n", "ENOEXEC"),
        (b"#!/bin/sh", "ENOEXEC"),  # the line has to end
        (b"#!/bin/sh " + b"a" * 4086 + b"\n", "ENOEXEC"),
        (b"#!" + b"/" * 1024 + b"\n", "ENAMETOOLONG"),
    ],
)
def test_freebsd_refuses(line: bytes, name: str) -> None:
    with pytest.raises(LoadError) as caught:
        parse_script("x", line, "freebsd")
    assert caught.value.errno_name == name


ECHO = b"/bin/echo"
PIECES = st.sampled_from(
    [ECHO, b" ", b"\t", b"\n", b"\0", b"-x", b"word", b"\r", b"a" * 100, b"b" * 240, b" " * 200, b"\xe9"]
)


@given(st.lists(PIECES, max_size=8))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_linux_rules_are_those_of_the_running_kernel(tmp_path: Path, pieces: list[bytes]) -> None:
    script = tmp_path / "script"
    content = b"#!" + ECHO + b"".join(pieces)
    script.write_bytes(content)
    script.chmod(0o755)
    try:
        interpreter, argument = parse_script("x", content[:4096], "linux")
    except LoadError:
        with pytest.raises(OSError, match=r"format|No such file") as caught:
            subprocess.run([script], check=False, capture_output=True)
        assert caught.value.errno == errno.ENOEXEC
        return
    if os.fsencode(interpreter) != ECHO:
        with pytest.raises(OSError, match=r".") as caught:
            subprocess.run([script], check=False, capture_output=True)
        assert caught.value.errno in (errno.ENOENT, errno.ENOTDIR)
        return
    expected = [ECHO, *([os.fsencode(argument)] if argument is not None else []), os.fsencode(script)]
    done = subprocess.run([script], check=True, capture_output=True)
    assert done.stdout == b" ".join(expected[1:]) + b"\n"
