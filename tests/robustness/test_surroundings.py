"""Cold calls, forks and execs must work where descriptors are closed or few, and where /proc is not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.guest_c import build_guest

ROOT = Path(__file__).parents[2]
RUN = f"exec {sys.executable} -m guise run"


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("surroundings.c")
    return build_guest(source, tmp_path_factory.mktemp("guests") / "surroundings")


def status_of(script: str, *before: str) -> int:
    return subprocess.run([*before, "sh", "-c", script], timeout=60, check=False, cwd=ROOT).returncode


@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_standard_files_closed(guest: Path, closed: str) -> None:
    assert status_of(f"{RUN} {guest} {closed}") == 0


@pytest.mark.parametrize("limit", [24, 64, 256])
def test_few_descriptors(guest: Path, limit: int) -> None:
    assert status_of(f"ulimit -n {limit}; {RUN} {guest}") == 0


@pytest.mark.parametrize("setting", ["PATH=", "HOME=/dev/null/home", "HOME=/proc"])
def test_environment(guest: Path, setting: str) -> None:
    assert status_of(f"{setting}; export {setting.partition('=')[0]}; {RUN} {guest}") == 0


def test_without_proc(guest: Path) -> None:
    alone = ["unshare", "-m"]
    if subprocess.run([*alone, "umount", "-l", "/proc"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not take /proc away")
    assert status_of(f"umount -l /proc; {RUN} --no-sandbox {guest}", *alone) == 0
    # A sandbox has a /proc of its own and is made with the host's: that is said, and nothing is run without.
    done = subprocess.run(
        [*alone, "sh", "-c", f"umount -l /proc; {RUN} {guest}"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith("guise: there can be no sandbox: /proc is not mounted; --no-sandbox")
    assert done.stderr.count("\n") == 1
