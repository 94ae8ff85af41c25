"""The same suite on a Dask cluster of two workers, one of which is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .conftest import Bench, eventually

pytest.importorskip("distributed", reason="needs dask.distributed: pip install 'guise[cluster]'")

CASES = "".join(
    f'[[case]]\nname = "case-{number}"\nargv = ["sh", "-c", "echo {number} >> {{suite}}/ran; sleep 0.4"]\n'
    for number in range(16)
)


@contextmanager
def _cluster(bench: Bench, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and its workers; their address and processes."""
    where = bench.folder / "scheduler.json"
    log = (bench.folder / "log").open("wb")
    started = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
        process = subprocess.Popen(
            command, env=bench.environment, stdout=log, stderr=log, start_new_session=True, cwd=bench.folder
        )
        started.append(process)
        return process

    def answers() -> bool:
        return where.exists() and bool(where.read_text())

    try:
        start("dask_scheduler", "--port=0", "--host=127.0.0.1", "--no-dashboard", f"--scheduler-file={where}")
        eventually(answers)
        address = json.loads(where.read_text())["address"]
        for _ in range(workers):
            start("dask_worker", address, "--nthreads=1", "--no-nanny", "--no-dashboard")
        eventually(lambda: (bench.folder / "log").read_text().count("Registered to") >= workers)
        yield address, started[1:]
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


@pytest.mark.slow
def test_a_killed_workers_cases_run_elsewhere(bench: Bench) -> None:
    suite, output, ran = bench.suite(CASES), bench.folder / "out.json", bench.folder / "ran"
    with _cluster(bench, 2) as (address, workers):
        command = bench.command("run", suite, f"--cluster={address}", f"--json={output}")
        running = subprocess.Popen(command, env=bench.environment, stdout=subprocess.PIPE, text=True)
        eventually(lambda: ran.exists() and len(ran.read_text().split()) >= 4)
        os.killpg(workers[0].pid, signal.SIGKILL)
        said, _ = running.communicate(timeout=120)
        assert running.returncode == 0, said
    assert "16 of 16 passed" in said
    (column,) = json.loads(output.read_text())
    assert len(column["cases"]) == 16
    bench.wait_until_none_is_alive()


def test_a_cluster_that_is_not_there(bench: Bench) -> None:
    done = bench.run("run", bench.suite(CASES), "--cluster=tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "there is no Dask scheduler at tcp://127.0.0.1:9" in done.stderr
