"""Cold calls, forks and execs must work where descriptors are closed or few, and where /proc is not there."""

from __future__ import annotations

import resource
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


HOLDING = """
import os, resource, sys
held, limit = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
for _ in range(held):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
os.execv(sys.argv[3], sys.argv[3:])
"""


def start_holding(guest: Path, held: int, limit: int, *options: str) -> subprocess.CompletedProcess[str]:
    """A start by a process that has many descriptors open, which its child inherits."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < limit:
        pytest.skip(f"this user may not have {limit} descriptors: ulimit -Hn")
    before = [sys.executable, "-c", HOLDING, str(held), str(limit)]
    command = [*before, sys.executable, "-m", "guise", "run", *options, str(guest)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)


@pytest.mark.parametrize("option", ["--net=host", "--no-sandbox"])
@pytest.mark.parametrize("held", [1000, 1009, 1100])
def test_more_descriptors_at_the_start_than_are_usual(guest: Path, held: int, option: str) -> None:
    done = start_holding(guest, held, 1400, option)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("option", ["--net=host", "--no-sandbox"])
@pytest.mark.parametrize("free", [6, 8, 10, 12])
def test_hardly_a_descriptor_left_is_one_sentence(guest: Path, option: str, free: int) -> None:
    done = start_holding(guest, 1100 - free, 1100, option)
    assert done.returncode in (125, 126)
    assert done.stderr.startswith("guise: ")
    assert "descriptors" in done.stderr or "too many open files" in done.stderr
    assert done.stderr.count("\n") == 1
