"""The host's own programs: the same calls in the same order as strace sees, across kernels where they mix.

Compared per thread, threads in the order in which they begin: addresses, ids and times say nothing.  What may
differ, and why, is in `DIFFERENCES`.
"""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.real import environment
from tests.trace.conftest import Trace, command

QUICK = [
    ["ls", "-l", "/etc"],
    ["find", "/etc/default"],
    ["tar", "cf", "/dev/null", "-C", "/etc", "passwd"],
    ["awk", "{print}", "/etc/passwd"],
    ["sh", "-c", "cat /etc/passwd | wc -l; exit 0"],
]
LONG = [
    ["true"],
    ["cat", "/etc/passwd"],
    ["sha256sum", "/etc/passwd"],
    ["wc", "/etc/passwd"],
    ["sort", "/etc/passwd"],
    ["head", "-n", "3", "/etc/passwd"],
    ["tail", "-n", "3", "/etc/passwd"],
    ["cut", "-d:", "-f1", "/etc/passwd"],
    ["grep", "root", "/etc/passwd"],
    ["sed", "s/root/toor/", "/etc/passwd"],
    ["uname", "-a"],
    ["id"],
    ["env"],
    ["du", "-s", "/etc/default"],
    ["stat", "/etc/passwd"],
    ["realpath", "/etc/passwd"],
    ["cp", "/etc/passwd", "copy"],
    ["mkdir", "-p", "one/two"],
    ["touch", "file"],
    ["dd", "if=/etc/passwd", "of=dd", "bs=512", "status=none"],
    ["gzip", "-kc", "/etc/passwd"],
    ["xz", "-kc", "/etc/passwd"],
    ["perl", "-e", "print 1"],
    ["python3", "-S", "-c", "import json; print(json.dumps([1]))"],
    ["git", "--version"],
    ["git", "init", "-q", "repository"],
    ["gcc", "-c", "program.c", "-o", "program.o"],
    ["make", "-f", "rules"],
    ["bash", "-c", "for i in 1 2 3; do echo $i; done"],
    ["bash", "-c", "x=$(ls /etc/default | head -n 2); echo $x"],
    ["curl", "-s", "URL"],
    ["openssl", "version"],
]
FORKS = ("fork", "vfork", "clone", "clone3")
"""A child's own return from these is an event of ours, and none of strace's."""
DIFFERENCES = {
    "execve": "the first one starts the program before ours is there: strace's list begins with it",
    "restart_syscall": "the host resumes an interrupted sleep; the runtime makes the same call again",
    "wait4": "whether a child has ended yet is a matter of time: waits that end without one are as many",
    "futex": "who finds a lock taken is a matter of time",
    "rt_sigreturn": "one for each SIGCHLD that comes in at that moment",
    "poll": "how many pieces an answer comes in is a matter of time",
    "recvfrom": "the same",
    "sched_yield": "the same",
}


OF_PROGRAMS = {
    "curl": (
        {"rt_sigaction"},
        "how often its loop looks again is a matter of time, and each look sets SIGPIPE",
    ),
    "gcc": (
        {"brk"},
        "cc1 hashes addresses: when its tables grow, and the break with them, is another matter in each run "
        "under strace alone as well, and with `setarch -R` depends on where things lie",
    ),
    "grep": (
        {"read", "mmap", "munmap", "close"},
        "its stack guard reads /proc/self/maps, where the runtime's mappings are as well",
    ),
}


def normal(names: list[str], program: str) -> list[str]:
    own = OF_PROGRAMS.get(program, (set(), ""))[0]
    return [name for name in names if name not in DIFFERENCES and name not in own]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/etc/default")
    handler.log_message = lambda *words: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}/"
        made.shutdown()
        thread.join()


def theirs(words: list[str], folder: Path) -> list[list[str]]:
    """What strace sees of each thread."""
    out = folder / "strace"
    subprocess.run(
        ["strace", "-ff", "-o", out, *words], capture_output=True, timeout=120, check=True,
        cwd=_empty(folder),
        env=_environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    files = sorted(folder.glob("strace.*"), key=lambda file: int(file.suffix[1:]))
    lines = [file.read_text(errors="replace").splitlines() for file in files]
    return [[m[1] for line in some if (m := re.match(r"(\w+)\(", line))] for some in lines]


def ours(words: list[str], folder: Path) -> list[list[str]]:
    out = folder / "guise.json"
    done = subprocess.run(
        command("-o", out, *words), capture_output=True, timeout=120, check=False, cwd=_empty(folder),
        env=_environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    threads: dict[int, list[str]] = {}
    for line in out.read_text().splitlines():
        event = json.loads(line)
        names = threads.setdefault(event["thread"], [])
        own_birth = not names and event.get("call") in FORKS and event.get("result", {}).get("value") == 0
        if event["event"] == "call" and not own_birth:
            names.append(event["call"])
    return [threads[thread] for thread in sorted(threads)]


def _environment() -> dict[str, str]:
    return {**environment(), "PYTHONHASHSEED": "0", "LC_ALL": "C", "HOME": "/dev/null"}


def _empty(folder: Path) -> Path:
    place = folder / "work"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    (place / "program.c").write_text("int main(void) { return 0; }\n")
    (place / "rules").write_text("all:\n\t@echo made\n")
    return place


def compare(words: list[str], folder: Path) -> None:
    if shutil.which("strace") is None or shutil.which(words[0]) is None:
        pytest.skip(f"needs strace and {words[0]}")
    seen, expected = ours(words, folder), theirs(words, folder)
    assert len(seen) == len(expected)
    for mine, other in zip(seen, expected, strict=True):
        assert normal(mine, words[0]) == normal(other, words[0])


@pytest.mark.parametrize("words", QUICK, ids=lambda words: str(words[0]))
def test_same_calls_as_strace(words: list[str], guest: Path, tmp_path: Path) -> None:
    compare(words, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("words", LONG, ids=lambda words: " ".join(words[:2]).replace("/", "_"))
def test_same_calls_as_strace_at_length(words: list[str], guest: Path, server: str, tmp_path: Path) -> None:
    compare([server if word == "URL" else word for word in words], tmp_path)


def test_followed_across_kernels(guest: Path, trace: Trace) -> None:
    done = trace("--rw", guest.parent, "-o", "-", "sh", "-c", f"{guest} leave; exec {guest} leave")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert sum("execve(" in line and str(guest) in line and line.endswith("= 0") for line in lines) == 2
    assert sum(line.endswith("exit(3) = ?") for line in lines) == 2
