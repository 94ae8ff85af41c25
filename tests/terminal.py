"""A program on a terminal of its own, typed to and read from."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Mapping


class Terminal:
    """`line` runs as the leader of a new session; `text` is what was read and not asked for yet."""

    patience = 60.0
    """Seconds to wait for what is expected."""

    def __init__(self, line: list[str], environment: Mapping[str, str]) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(line[0], line, environment)
        self.text = ""

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def expect(self, wanted: str, seconds: float | None = None) -> str:
        """Read until `wanted` appears; what came before it."""
        deadline = time.monotonic() + (self.patience if seconds is None else seconds)
        while wanted not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"no {wanted!r} in {self.text!r}"
            if select.select([self.master], [], [], left)[0]:
                self.text += os.read(self.master, 4096).decode("utf-8", "replace")
        before, _, self.text = self.text.partition(wanted)
        return before
