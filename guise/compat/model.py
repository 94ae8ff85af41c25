"""The values that the parts hand to each other; what crosses a process or machine is plain JSON data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class CompatError(Exception):
    """A suite, a store or a command line that cannot be used: one sentence."""


class Status(StrEnum):
    """How a test ended.  `unsupported`: the test itself says that the system lacks what it needs."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNSUPPORTED = "unsupported"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    ERROR = "error"

    @property
    def bad(self) -> bool:
        return self not in _GOOD


_GOOD = (Status.PASSED, Status.SKIPPED, Status.UNSUPPORTED)
SEPARATOR = "::"


@dataclass(frozen=True)
class Limits:
    """What a case may use: seconds, bytes of memory of all its processes, bytes of output that are kept."""

    seconds: float = 300.0
    memory: int = 2 << 30
    output: int = 1 << 20


@dataclass(frozen=True)
class Command:
    """One process to start.  In its words `{scratch}` and `{tmp}` are the two empty folders that it gets.

    `{trace}` is a file beside them; what is written there comes back.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "{scratch}"
    stdin: str = ""
    copies: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    timeout_signal: int = 0

    def as_data(self) -> dict[str, Any]:
        limits = self.limits
        return {
            "argv": list(self.argv),
            "environment": dict(self.environment),
            "directory": self.directory,
            "stdin": self.stdin,
            "copies": list(self.copies),
            "limits": [limits.seconds, limits.memory, limits.output],
            "timeout_signal": self.timeout_signal,
        }

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Command:
        return Command(
            tuple(data["argv"]),
            data["environment"],
            data["directory"],
            data["stdin"],
            tuple(data["copies"]),
            Limits(*data["limits"]),
            data["timeout_signal"],
        )


@dataclass(frozen=True)
class Ended:
    """How a command ended.  `exit` is -1 unless it exited; `stopped` says which limit ended it.

    `files` maps what it left in its folder to a digest; `left` names processes that outlived it; `processor`
    is the time that it and all that it started spent on processors, in seconds.
    """

    exit: int = -1
    signal: int = 0
    stopped: str = ""  # "", "time", "memory" or "start"
    reason: str = ""
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    trace: bytes = b""
    printed: int = 0
    dropped: int = 0
    left: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Both streams as text, stderr after stdout."""
        return (self.stdout + self.stderr).decode("utf-8", "replace")

    @property
    def incomplete(self) -> bool:
        """Whether part of what it printed was dropped, and with it perhaps results."""
        return self.dropped > 0

    def as_data(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in _PLAIN}
        data["stdout"] = base64.b64encode(self.stdout).decode()
        data["stderr"] = base64.b64encode(self.stderr).decode()
        data["trace"] = base64.b64encode(self.trace).decode()
        data["left"] = list(self.left)
        data["files"] = dict(self.files)
        return data

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Ended:
        plain = {name: data[name] for name in _PLAIN}
        return Ended(
            **plain,
            stdout=base64.b64decode(data["stdout"]),
            stderr=base64.b64decode(data["stderr"]),
            trace=base64.b64decode(data["trace"]),
            left=tuple(data["left"]),
            files=data["files"],
        )


_PLAIN = ("exit", "signal", "stopped", "reason", "seconds", "processor", "memory", "printed", "dropped")


@dataclass(frozen=True)
class Test:
    """One result of a case; the empty name is the case itself.

    natively: how the same test ended on the host, None when it was not run there or there is none.
    """

    __test__ = False  # pytest would collect it by its name

    name: str
    status: Status
    seconds: float = 0.0
    message: str = ""
    flaky: bool = False
    natively: Status | None = None


@dataclass(frozen=True)
class Case:
    """One program of a suite and the commands that judge it: the guest, then a reference if there is one."""

    name: str
    commands: tuple[Command, ...]
    problem: str = ""  # why it cannot even be started, when that is known beforehand


@dataclass(frozen=True)
class Result:
    """All that is known about a case after it ran."""

    case: str
    tests: tuple[Test, ...]
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0
    exit: int = -1
    signal: int = 0
    attempts: int = 1
    note: str = ""
    output: bytes = b""
    trace: bytes = b""


def full_name(case: str, test: str) -> str:
    return f"{case}{SEPARATOR}{test}" if test else case
