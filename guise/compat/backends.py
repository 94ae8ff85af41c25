"""Where cases run: on this machine, or on a cluster.  BACKENDS registers each; all speak one protocol."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from guise.compat import contain, scratch
from guise.compat.model import Case, Command, Ended


@dataclass(frozen=True)
class Done:
    """A case that was run once: how each of its commands ended."""

    case: Case
    runs: tuple[Ended, ...]


class Backend(Protocol):
    """Runs cases in any order.  `submit` does not wait; `take` waits for the next that is done."""

    slots: int

    def submit(self, prepare: Callable[[], Case]) -> None: ...

    def take(self) -> Done: ...

    def close(self) -> None: ...

    def abandon(self) -> None:
        """Instead of `close`: what runs is ended, and nothing of it is left when this returns."""


class Local:
    """One thread and one worker process for each case at a time."""

    def __init__(self, slots: int) -> None:
        contain.become_subreaper()  # whatever outlives a worker that was killed comes to us
        self.slots = slots
        self._work: queue.SimpleQueue[Callable[[], Case] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done | Exception] = queue.SimpleQueue()
        self._workers = [Worker() for _ in range(slots)]
        self._threads = [
            threading.Thread(target=self._serve, args=[worker], daemon=True) for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, prepare: Callable[[], Case]) -> None:
        self._work.put(prepare)

    def take(self) -> Done:
        done = self._done.get()
        if isinstance(done, Exception):
            raise done
        return done

    def close(self) -> None:
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()
        self._clean()

    def abandon(self) -> None:
        for worker in self._workers:
            worker.stop()
        self._clean()

    @staticmethod
    def _clean() -> None:
        """End what outlived a worker, or builds a case's program, and remove what a killed one left."""
        contain.kill_descendants(_any_child)
        scratch.sweep()

    def _serve(self, worker: Worker) -> None:
        try:
            while (prepare := self._work.get()) is not None:
                case = prepare()
                if case.problem:
                    runs: tuple[Ended, ...] = (Ended(stopped="start", reason=case.problem),)
                else:
                    runs = worker.run(case.commands)
                self._done.put(Done(case, runs))
        except Exception as error:  # the main thread reports it
            self._done.put(error)
        finally:
            worker.close()


def _any_child() -> bool:
    """Collect what has ended; whether anything is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


class Worker:
    """A worker process, started when needed and again when it was killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._stopped = False

    def run(self, commands: Sequence[Command]) -> tuple[Ended, ...]:
        question = json.dumps([command.as_data() for command in commands]).encode() + b"\n"
        for _ in range(2):
            with self._starting:
                if self._stopped:
                    break
                process = self._process or self._start()
            answer = _ask(process, question)
            if answer.endswith(b"\n"):
                return tuple(Ended.from_data(item) for item in json.loads(answer))
            self.close()
        return (Ended(stopped="start", reason="the process that runs cases was killed"),)

    def stop(self) -> None:
        """From another thread, for good: its process ends its case, and itself with that."""
        with self._starting:
            self._stopped = True
            process = self._process
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C ends the runner, and the end of its pipe the worker
        )
        return self._process

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


_WORKER = (
    "import sys; sys.path.insert(0, sys.argv[1]); from guise.compat import worker; sys.exit(worker.main())"
)


def _ask(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """The answer, or what there is of it when the worker has died."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(question)
        process.stdin.flush()
        return process.stdout.readline()
    except BrokenPipeError:
        return b""


def local(address: str, slots: int) -> Backend:
    return Local(slots)


def dask(address: str, slots: int) -> Backend:
    from guise.compat import cluster

    return cluster.Dask(address, slots)


BACKENDS: dict[str, Callable[[str, int], Backend]] = {"local": local, "dask": dask}
