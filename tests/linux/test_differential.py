"""The host's own commands natively and under `guise run --as linux`: equal output, equal status.

Whatever differs is a defect: both runs are of one program, in equal folders, with equal arguments.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from personality.supervisor import launch

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
#include <math.h>
#include <pthread.h>
#include <stdio.h>
static void *half(void *x) { *(double *)x /= 2; return x; }
int main(void)
{
    double x = sqrt(2);
    pthread_t t;
    pthread_create(&t, 0, half, &x);
    pthread_join(t, 0);
    printf("%.6f\\n", x);
    return 3;
}
"""


def _commands() -> list[object]:
    lines = (Path(__file__).parent / "commands.txt").read_text().splitlines()
    found: list[object] = []
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        slow = line.startswith("slow ")
        name = f"{number}-{line.removeprefix('slow ').split()[0]}"
        marks = [pytest.mark.slow] if slow else []
        found.append(pytest.param(line.removeprefix("slow "), id=name, marks=marks))
    return found


def _folder(where: Path) -> Path:
    tree = where / "tree"
    tree.mkdir(parents=True)
    (where / "words.txt").write_text("".join(f"word w{n} {'a' * (n % 7)}\n" for n in range(30)))
    (where / "numbers.txt").write_text("".join(f"{n * 7919 % 1009}\n" for n in range(200)))
    (where / "prog.c").write_text(PROGRAM)
    for name in ("one.txt", "two.txt", "three.py"):
        (tree / name).write_text(f"# {name}: three\n" * 5)
    (tree / "deep").mkdir()
    (tree / "deep" / "empty").touch()
    return where


def _environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    fixed = {"LC_ALL": "C", "TZ": "UTC", "PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **fixed}


def _run(front: list[str], command: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [*front, "/bin/bash", "-c", command],
        stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, timeout=250, env=_environment(),
    )  # fmt: skip
    texts = [text.decode("utf-8", "replace") for text in (done.stdout, done.stderr)]
    # A shell names the process that a signal ended.
    return done.returncode, texts[0], re.sub(r"(line \d+:) +\d+ +", r"\1 ", texts[1])


@pytest.mark.parametrize("command", _commands())
def test_same_as_native(command: str, tmp_path: Path) -> None:
    # One name for both folders: programs print where they are.
    place = tmp_path / "here"
    native = _run([], command, _folder(place))
    place.rename(tmp_path / "native")
    guise = [sys.executable, "-m", "guise", "run", "--as", "linux", "--"]
    assert _run(guise, command, _folder(place)) == native


def test_is_not_native(tmp_path: Path) -> None:
    """The runtime is what these run under, children included."""
    command = "grep -c -- - /proc/self/maps; grep -o '[^/]*$' /proc/$$/maps | sort -u"
    guise = [sys.executable, "-m", "guise", "run", "--as", "linux", "--"]
    assert Path(launch.runtime_path()).name in _run(guise, command, tmp_path)[1].split()


def test_release_as_asked(tmp_path: Path) -> None:
    guise = [sys.executable, "-m", "guise", "run", "--as", "linux-2.6.32", "--"]
    assert _run(guise, "uname -r", tmp_path)[1] == "2.6.32\n"
