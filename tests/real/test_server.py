"""A Go HTTP server under load, and its orderly end by SIGTERM."""

from __future__ import annotations

import hashlib
import http.client
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.real.conftest import Guise, Pair


@contextmanager
def serving(guise: Guise, program: Path, cwd: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The server and its address; killed at the end if it still runs."""
    server = guise.start(program, cwd=cwd)
    assert server.stdout is not None
    try:
        yield server, server.stdout.readline().decode().strip()
    finally:
        server.kill()
        server.communicate()


def _load(address: str, until: float, number: int, counts: list[int], wrong: list[str]) -> None:
    body = bytes([number]) * 70000
    digest = hashlib.sha256(body).hexdigest()
    connection = http.client.HTTPConnection(address, timeout=60)
    while time.monotonic() < until:
        if counts[number] % 2:
            connection.request("POST", "/sum", body)
            wanted = f"{digest}\n"
        else:
            connection.request("GET", f"/hello/{number}-{counts[number]}")
            wanted = f"hello {number}-{counts[number]}\n"
        said = connection.getresponse().read().decode()
        if said != wanted:
            wrong.append(said)
        counts[number] += 1
        if counts[number] % 50 == 0:
            connection.close()  # the next request opens a new connection
    connection.close()


def _under_load(guise: Guise, program: Path, cwd: Path, seconds: float, clients: int) -> None:
    with serving(guise, program, cwd) as (server, address):
        counts, wrong = [0] * clients, list[str]()
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=_load, args=(address, until, n, counts, wrong)) for n in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert min(counts) > 0
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=60)
        assert (server.returncode, err) == (0, b"")
        assert out.decode() == f"served {sum(counts)}\n"


def test_under_load(guise: Guise, go_program: Callable[[str], Pair], tmp_path: Path) -> None:
    _under_load(guise, go_program("server").guest, tmp_path, 3, 8)


@pytest.mark.slow
def test_under_load_for_a_minute(go_program: Callable[[str], Pair], tmp_path: Path) -> None:
    _under_load(Guise("native"), go_program("server").guest, tmp_path, 60, 16)


def test_finishes_what_it_began(guise: Guise, go_program: Callable[[str], Pair], tmp_path: Path) -> None:
    with serving(guise, go_program("server").guest, tmp_path) as (server, address):
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("GET", "/slow")
        time.sleep(0.1)
        server.send_signal(signal.SIGTERM)
        assert connection.getresponse().read() == b"done\n"
        connection.close()
        out, _ = server.communicate(timeout=60)
        assert (out, server.returncode) == (b"served 1\n", 0)


def test_killed_by_a_signal_that_it_does_not_handle(
    guise: Guise, go_program: Callable[[str], Pair], tmp_path: Path
) -> None:
    with serving(guise, go_program("server").guest, tmp_path) as (server, _):
        server.send_signal(signal.SIGKILL)
        assert server.wait(timeout=60) == -signal.SIGKILL
