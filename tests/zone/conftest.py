"""Running `guise` as root and as an ordinary user, from wherever it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import guise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .bench import Zones

ROOT = Path(guise.__file__).parents[1]
USER = 12345  # no account has to exist for it

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def command(*words: str | os.PathLike[str]) -> list[str]:
    return [sys.executable, "-m", "guise", *(os.fspath(word) for word in words)]


def closed_folders(*paths: str) -> list[str]:
    """The folders above these that others may not pass, /root most of all; topmost first."""
    found = []
    for path in paths:
        for folder in reversed(Path(os.path.realpath(path)).parents):
            if not folder.stat().st_mode & 0o001 and str(folder) not in found:
                found.append(str(folder))
    return found


def as_user(words: list[str]) -> list[str]:
    """A command line that starts `words` as an ordinary user, Python and Guise in its reach."""
    script = "umask 022; "
    for number, folder in enumerate(closed_folders(sys.executable, os.fspath(ROOT))):
        below = [os.path.relpath(os.path.realpath(sys.executable), folder).split("/")[0]]
        if Path(folder) in ROOT.parents:
            below.append(os.path.relpath(ROOT, folder).split("/")[0])
        place = f"/dev/shm/open-$$-{number}"  # others may run the same tests
        script += f"mkdir {place}; mount -t tmpfs none {place}; "
        for name in below:
            script += f"mkdir -p {place}/{name}; mount --rbind {folder}/{name} {place}/{name}; "
        script += f"mount --move {place} {folder}; rmdir {place}; "
    script += f'exec setpriv --reuid={USER} --regid={USER} --clear-groups -- "$@"'
    return ["unshare", "--mount", "sh", "-ec", script, "sh", *words]


def may_become_user() -> str:
    """Why no command can be run as an ordinary user here; "" where it can."""
    if os.geteuid() != 0:
        return "only root can become another user"
    if shutil.which("setpriv") is None or shutil.which("unshare") is None:
        return "needs setpriv and unshare (util-linux)"
    tried = subprocess.run(
        as_user([sys.executable, "-c", ""]), capture_output=True, text=True, check=False, timeout=60
    )
    if tried.returncode != 0:
        return f"an ordinary user cannot start this Python: {tried.stderr.strip()}"
    tried = subprocess.run(
        as_user(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "true"]),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return f"no user namespaces for ordinary users: {tried.stderr.strip()}" if tried.returncode else ""


@pytest.fixture(scope="session")
def _no_user() -> str:
    return may_become_user()


def show(folder: Path) -> None:
    """Let everybody reach a folder below /tmp."""
    for above in (folder, *folder.parents[:3]):
        if not above.stat().st_mode & 0o001:
            above.chmod(0o755)


def lend(folder: Path) -> None:
    """Let the ordinary user work in a folder below /tmp."""
    show(folder)
    os.chown(folder, USER, USER)


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[Zones]:
    """Zones of root's, kept in a folder of the test's own; none is left afterwards."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    from .bench import Zones

    made = Zones(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["root", "user"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """run("run", "true"): a finished `guise` command, once as root and once as an ordinary user.

    It starts in a folder that it may write to: `tmp_path` below /tmp.
    """
    user = request.param == "user"
    if user:
        reason = request.getfixturevalue("_no_user")
        if reason:
            pytest.skip(reason)
        lend(tmp_path)
    elif os.geteuid() != 0:
        pytest.skip("needs root")

    def start(*words: str | os.PathLike[str], **options: object) -> subprocess.CompletedProcess[str]:
        line = command(*words)
        chosen: dict[str, object] = {"cwd": tmp_path, "env": environment(), "timeout": 100, **options}
        if user and isinstance(chosen["env"], dict):
            chosen["env"] = {**chosen["env"], "HOME": str(tmp_path)}
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            as_user(line) if user else line, capture_output=True, text=True, check=False, **chosen
        )

    return start
