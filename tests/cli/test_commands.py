"""The commands that look at things: help, inspect, calls, doctor, binfmt, completion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from guise import __version__, binfmt_command
from guise.cli import COMMANDS
from guise.help_texts import TEXTS
from personality.supervisor import images

from .conftest import Run


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"guise {__version__}\n"
    assert run("--help").stdout == TEXTS[""]
    assert run().returncode == 2
    for command in COMMANDS:
        shown = run(command, "--help")
        assert (shown.returncode, shown.stdout) == (0, TEXTS[command])
        assert run("help", command).stdout == TEXTS[command]
    assert run("help", "nothing").returncode == 2


def test_help_of_an_action_is_its_commands(run: Run) -> None:
    for command, action in [("zone", "create"), ("compat", "run"), ("trace", "show"), ("binfmt", "install")]:
        for option in ("--help", "-h"):
            assert run(command, action, option).stdout == TEXTS[command]
    assert run("run", "/bin/echo", "--help").stdout != TEXTS["run"]  # the program's own option


def test_help_fits_a_terminal() -> None:
    for text in TEXTS.values():
        assert max(len(line) for line in text.splitlines()) <= 108


def test_every_command_is_in_the_general_help() -> None:
    assert set(TEXTS) == {"", *COMMANDS}
    for command in COMMANDS:
        assert f"  {command}" in TEXTS[""]


def test_calls_lists_kernels_and_rows(run: Run) -> None:
    assert "freebsd" in run("calls").stdout.split()
    assert "freebsd" in json.loads(run("calls", "--json").stdout)
    rows = json.loads(run("calls", "freebsd", "--json").stdout)
    by_name = {row["name"]: row for row in rows}
    assert by_name["read"]["number"] == 3
    assert by_name["jail_get"]["service"] == "supervisor"
    assert [row["number"] for row in rows] == sorted(row["number"] for row in rows)
    missing = json.loads(run("calls", "freebsd", "--unsupported", "--json").stdout)
    assert missing
    assert all(row["reason"] and not row["supported"] for row in missing)
    text = run("calls", "freebsd").stdout
    assert "read(fd, " in text
    assert text.splitlines()[-1].startswith(f"{len(rows)} calls: ")
    assert run("calls", "freebsd", "--markdown").stdout.count("\n| ") == len(rows) + 1


def test_inspect_of_a_host_program(run: Run) -> None:
    done = run("inspect", "/bin/sh")
    assert done.returncode == 0
    assert "needs no Guise" in done.stdout
    data = json.loads(run("inspect", "/bin/sh", "--json").stdout)
    assert (data["verdict"], data["kernel"]) == ("host", "linux")


def test_inspect_of_a_script(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh -e\n")
    script.chmod(0o755)
    assert "a script for /bin/sh -e" in run("inspect", str(script)).stdout


def test_doctor(run: Run) -> None:
    done = run("doctor")
    assert done.returncode in (0, 1)
    assert "syscall user dispatch" in done.stdout
    checks = json.loads(run("doctor", "--json").stdout)
    assert {check["state"] for check in checks} <= {"ok", "limited", "missing"}
    for check in checks:
        assert check["state"] == "ok" or (check["cost"] and check["remedy"]), check


def test_binfmt_registration_fits_the_kernels_line() -> None:
    assert "freebsd" in binfmt_command.os_abis()
    for kernel in binfmt_command.os_abis():
        line = binfmt_command.registration(kernel, Path("/usr/local/lib/guise/binfmt-freebsd"))
        assert len(line) < 1920  # MAX_REGISTER_LENGTH of fs/binfmt_misc.c
        _, name, kind, offset, magic, mask, interpreter, flags = line.split(":")
        assert (name, kind, offset, flags) == (f"guise-{kernel}", "M", "", "P")
        assert magic.count("\\x") == mask.count("\\x") == 20
        assert len(interpreter) < 128


def test_binfmt_matches_guests_and_nothing_else() -> None:
    line = binfmt_command.registration("freebsd", Path("/x")).split(":")
    magic, mask = (bytes.fromhex(text.replace("\\x", "")) for text in line[4:6])
    guest = b"\x7fELF\x02\x01\x01\x09" + bytes(8) + b"\x03\x00\x3e\x00"
    linux = b"\x7fELF\x02\x01\x01\x00" + bytes(8) + b"\x03\x00\x3e\x00"
    arm = b"\x7fELF\x02\x01\x01\x09" + bytes(8) + b"\x02\x00\xb7\x00"
    matches = [
        all((byte ^ wanted) & care == 0 for byte, wanted, care in zip(head, magic, mask, strict=True))
        for head in (guest, linux, arm)
    ]
    assert matches == [True, False, False]


def test_binfmt_never_takes_the_hosts_own_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "personalities", lambda: frozenset(("freebsd", "linux")))
    assert binfmt_command.os_abis() == {"freebsd": 9}


def test_binfmt_needs_root_in_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert binfmt_command.install() == 1


def test_the_binfmt_launcher_is_sh() -> None:
    text = binfmt_command.launcher_text("freebsd")
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, shell: str) -> None:
    script = run("completion", shell).stdout
    for word in (*COMMANDS, "--engine" if shell != "fish" else "engine", "ptrace", "freebsd"):
        assert word in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(run("completion", "bash").stdout)
    ask = f"""
    source {script}
    COMP_WORDS=(guise run --engine n) COMP_CWORD=3; _guise; echo "${{COMPREPLY[@]}}"
    COMP_WORDS=(guise d) COMP_CWORD=1; _guise; echo "${{COMPREPLY[@]}}"
    COMP_WORDS=(guise calls fr) COMP_CWORD=2; _guise; echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["native", "doctor", "freebsd"]
