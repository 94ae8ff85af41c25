"""Cases on a Dask cluster: its scheduler runs a lost worker's cases again elsewhere.

Programs are built here and named by path, so the machines share a file system, and each has Guise installed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from guise.compat.backends import Done, Worker
from guise.compat.model import Case, Command, CompatError, Ended

_CONNECT = "30s"


class Dask:
    """A connection to the scheduler at `address`; as many cases at a time as it has threads."""

    def __init__(self, address: str, slots: int) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise CompatError("--cluster needs dask.distributed: pip install 'guise[cluster]'") from None
        try:
            self._client = Client(address, timeout=_CONNECT)
        except (OSError, ValueError) as error:
            raise CompatError(f"there is no Dask scheduler at {address}: {error}") from None
        self.slots = max(slots, sum(self._client.nthreads().values()))
        self._done: queue.SimpleQueue[Done | Exception] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Callable[[], Case] | None] = queue.SimpleQueue()
        self._futures: set[Any] = set()
        self._builder = threading.Thread(target=self._build, daemon=True)
        self._builder.start()

    def submit(self, prepare: Callable[[], Case]) -> None:
        self._work.put(prepare)

    def take(self) -> Done:
        done = self._done.get()
        if isinstance(done, Exception):
            raise done
        return done

    def close(self) -> None:
        self._work.put(None)
        self._builder.join()
        self._client.close()

    def abandon(self) -> None:
        self._client.close()  # futures that nobody holds are cancelled

    def _build(self) -> None:
        while (prepare := self._work.get()) is not None:
            case = prepare()
            if case.problem:
                self._done.put(Done(case, (Ended(stopped="start", reason=case.problem),)))
                continue
            data = [command.as_data() for command in case.commands]
            future = self._client.submit(run_contained, data, pure=False)
            self._futures.add(future)  # a future that nobody holds is cancelled
            future.add_done_callback(lambda future, case=case: self._finish(case, future))

    def _finish(self, case: Case, future: Any) -> None:
        self._futures.discard(future)
        try:
            runs = tuple(Ended.from_data(item) for item in future.result())
        except Exception as error:  # whatever the cluster could not do is the case's result, with its reason
            runs = (Ended(stopped="start", reason=f"the cluster failed: {error}"),)
        self._done.put(Done(case, runs))


def run_contained(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """On a cluster's machine: a process of its own, since a Dask worker has children and threads already."""
    worker = Worker()
    try:
        return [ended.as_data() for ended in worker.run([Command.from_data(item) for item in data])]
    finally:
        worker.close()
