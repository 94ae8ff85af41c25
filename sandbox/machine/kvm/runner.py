"""A machine's processor in a thread of its own, so that the guest runs while its memory is read.

Python lets go of its lock during the ioctl.  To stop the processor, it is told to leave at once and
its thread gets a signal; the signal needs a handler, which only the main thread may install.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter
from types import TracebackType

from sandbox.machine.kvm.machine import Machine

KICK = signal.SIGUSR1
PATIENCE = 10.0  # seconds for the processor to leave


class GuestStopped(RuntimeError):
    """The guest left in a way that nobody serves: the reason KVM gave."""


class Runner:
    """Runs `machine` between resume() and pause(); its guest's port writes are counted and dropped."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.exits: Counter[str] = Counter()
        self.failure: str | None = None
        self._thread: threading.Thread | None = None
        self._stop = False
        self._before = signal.signal(KICK, lambda *_: None)

    @property
    def running(self) -> bool:
        return self._thread is not None

    def resume(self) -> None:
        self._stop = False
        self.machine.stop_soon(False)
        self._thread = threading.Thread(target=self._run, name="guest", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Stop the processor between two instructions.  Raises GuestStopped if it had stopped by itself."""
        thread, self._thread = self._thread, None
        if thread is not None and thread.ident is not None:
            self._stop = True
            self.machine.stop_soon()
            waited = 0.0
            while thread.is_alive():  # the signal may arrive just before the ioctl: it is sent again
                signal.pthread_kill(thread.ident, KICK)
                thread.join(0.01)
                waited += 0.01
                if waited > PATIENCE:
                    raise GuestStopped(f"the processor did not stop within {PATIENCE:.0f} seconds")
        if self.failure is not None:
            raise GuestStopped(f"the guest stopped: KVM says {self.failure}")

    def _run(self) -> None:
        while not self._stop:
            exit_ = self.machine.run()
            self.exits[exit_.reason] += 1
            if exit_.reason not in ("interrupted", "io"):
                self.failure = exit_.reason
                return

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.pause()
        except GuestStopped:
            if kind is None:
                raise
        finally:
            signal.signal(KICK, self._before)
