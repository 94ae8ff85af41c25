"""Programs that try to get out, and ways to put them in: by `guise run`, and by the sandbox alone."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..conftest import USER, as_user, command, environment, show

HERE = Path(__file__).parent
KEY = 0x67757365

BARE = """
import os, sys
from sandbox.zone import ephemeral
sandbox = ephemeral.enter(ephemeral.Request(sys.argv[1], sys.argv[2:], network="host"))
sandbox.furnish()
sandbox.confine()
os.execv(sys.argv[1], sys.argv[1:])
"""
"""The sandbox without a personality: the program makes the host's calls itself."""

Launch = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Host:
    """What of the host the attempts look for."""

    secret: str
    pid: int
    key: int


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A file in two folders that a sandbox has its own of, a process, a segment of shared memory."""
    descriptor, secret = tempfile.mkstemp(prefix="guise-secret-", dir="/var/tmp")
    os.close(descriptor)
    copies = [Path(secret), Path("/dev/shm", os.path.basename(secret))]
    for path in copies:
        path.write_text("secret")
        path.chmod(0o644)
    library = ctypes.CDLL(None, use_errno=True)
    segment = library.shmget(KEY, 4096, 0o1666)
    victim = subprocess.Popen(["sleep", "1000"])
    try:
        yield Host(secret, victim.pid, KEY)
    finally:
        victim.kill()
        victim.wait()
        library.shmctl(segment, 0, None)  # IPC_RMID
        for path in copies:
            path.unlink()


@pytest.fixture(scope="session")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The attempts as a Linux program."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    output = tmp_path_factory.mktemp("attempts") / "attempts"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", output, HERE / "attempts.c"], check=True, timeout=120)
    return output


@pytest.fixture(params=["root", "user"])
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Launch:
    """launch(how, program, words...): it runs in a sandbox, started by root and by a user."""
    user = request.param == "user"
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if user:
        reason = request.getfixturevalue("_no_user")
        if reason:
            pytest.skip(reason)
        os.chown(tmp_path, USER, USER)

    def start(how: str, program: Path, *words: object) -> subprocess.CompletedProcess[str]:
        place = tmp_path / program.name
        shutil.copy2(program, place)
        place.chmod(0o755)
        show(tmp_path)
        own = [str(place), *map(str, words)]
        line = {
            "guise": command("run", *own),
            "native": command("run", "--host-programs=native", *own),
            "bare": [sys.executable, "-c", BARE, *own],
        }[how]
        return subprocess.run(
            as_user(line) if user else line, capture_output=True, text=True, check=False, cwd=tmp_path,
            timeout=200, env={**environment(), "HOME": str(tmp_path)},
        )  # fmt: skip

    return start


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What became of each attempt; the runtime may say on standard error that it was attacked."""
    assert done.returncode == 0, done
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())
