"""The public Python API: run a guest and get back what it wrote and how it ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import IO, Any

from personality.supervisor.status import describe


class GuestFailed(RuntimeError):
    """A guest ended with a status other than 0, and `check` was asked for."""

    def __init__(self, completed: CompletedGuest) -> None:
        super().__init__(f"{completed.program} {describe(completed.returncode)}")
        self.completed = completed


class GuestTimeout(RuntimeError):
    """A guest ran longer than `timeout` seconds and was killed."""

    def __init__(self, program: str, seconds: float) -> None:
        super().__init__(f"{program} ran longer than {seconds:g} s and was killed")
        self.program = program
        self.seconds = seconds


@dataclass(frozen=True)
class CompletedGuest:
    """A guest that has ended.

    `returncode` is its exit status, or -N when the host's signal N ended it.  `stdout` and
    `stderr` are what it wrote, None where they were not captured.
    """

    program: str
    arguments: tuple[str, ...]
    returncode: int
    stdout: bytes | None = None
    stderr: bytes | None = None

    @property
    def signal(self) -> int | None:
        """The host signal that ended the guest, or None."""
        return -self.returncode if self.returncode < 0 else None


@dataclass(frozen=True)
class Sandbox:
    """What a program shares with the host, as the options of `guise run` say it.

    It may change the working directory and `writable`; `binds` are of the form SOURCE:TARGET[:ro].
    `network` is "host", "none" or "private".
    """

    writable: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    root: str | None = None
    network: str = "host"

    def words(self) -> list[str]:
        """The options that say it; none for what is the default."""
        words = [f"--rw={path}" for path in self.writable]
        words += [f"--ro={path}" for path in self.read_only]
        words += [f"--bind={bind}" for bind in self.binds]
        words += [] if self.root is None else [f"--root={self.root}"]
        return words if self.network == "host" else [*words, f"--net={self.network}"]


DEFAULT_SANDBOX = Sandbox()


def command(
    program: str | PathLike[str],
    arguments: Sequence[str] = (),
    *,
    engine: str = "native",
    as_kernel: str | None = None,
    clear_env: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: str | PathLike[str] | None = None,
    argv0: str | None = None,
    patch: bool = True,
    verbose: bool = False,
    sandbox: Sandbox | None = DEFAULT_SANDBOX,
) -> list[str]:
    """The command line that `run` executes; for use with another way of starting processes."""
    words = [sys.executable, "-m", "guise", "run", f"--engine={engine}"]
    if as_kernel is not None:
        words.append(f"--as={as_kernel}")
    if clear_env:
        words.append("--clear-env")
    words += [f"--env={name}={value}" for name, value in (env or {}).items()]
    if cwd is not None:
        words.append(f"--cwd={fspath(cwd)}")
    if argv0 is not None:
        words.append(f"--argv0={argv0}")
    if not patch:
        words.append("--no-patch")
    if verbose:
        words.append("--verbose")
    words += ["--no-sandbox"] if sandbox is None else sandbox.words()
    return [*words, "--", fspath(program), *arguments]


def run(
    program: str | PathLike[str],
    arguments: Sequence[str] = (),
    *,
    engine: str = "native",
    as_kernel: str | None = None,
    clear_env: bool = False,
    env: Mapping[str, str] | None = None,
    cwd: str | PathLike[str] | None = None,
    argv0: str | None = None,
    patch: bool = True,
    verbose: bool = False,
    sandbox: Sandbox | None = DEFAULT_SANDBOX,
    input: bytes | None = None,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
) -> CompletedGuest:
    """Run a program and wait for its end.

    `env` is added to this process's environment (to nothing with `clear_env`); the streams are
    those of subprocess.run.  `sandbox` says what the program shares with the host; None: everything.
    A program that cannot be started ends with status 126 or 127 and a sentence on stderr, as in a shell.
    Raises GuestTimeout, and GuestFailed if `check` is set.
    """
    words = command(
        program,
        arguments,
        engine=engine,
        as_kernel=as_kernel,
        clear_env=clear_env,
        env=env,
        cwd=cwd,
        argv0=argv0,
        patch=patch,
        verbose=verbose,
        sandbox=sandbox,
    )
    streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
    if capture_output:
        streams["stdout"] = streams["stderr"] = subprocess.PIPE
    if input is not None:
        streams["input"] = input
        del streams["stdin"]
    try:
        done = subprocess.run(words, timeout=timeout, check=False, **streams)
    except subprocess.TimeoutExpired:
        raise GuestTimeout(fspath(program), timeout or 0.0) from None
    completed = CompletedGuest(fspath(program), tuple(arguments), done.returncode, done.stdout, done.stderr)
    if check and completed.returncode != 0:
        raise GuestFailed(completed)
    return completed
