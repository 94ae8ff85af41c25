"""The zone's row, measured: a workload's own command, run natively and in a zone by turns.

Compared is processor time, of the command and all that it waited for.  What a zone costs to start is
measured apart, on a program that does nothing, and is not part of the overhead.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import IO

from guise.compare import launch
from sandbox.style import Workload

_ROUNDS = 5  # of the program that does nothing
_MOST_PAIRS = 9
FEW = 3


class NotMeasured(Exception):
    """Why the zone's row cannot be measured: one clause."""


@dataclass(frozen=True)
class Start:
    """What a zone costs to start: seconds of time and of processor time, and bytes that it keeps."""

    seconds: float
    busy: float
    plain_busy: float
    memory: int


@dataclass(frozen=True)
class Measured:
    """Medians over pairs of runs.  `overhead` and `spread` (half the range) are shares of the native time;
    the spread of fewer than FEW pairs says nothing."""

    native: float
    zone: float
    overhead: float
    spread: float
    pairs: int
    start: Start


def measure(load: Workload, budget: float) -> Measured:
    """As many pairs as `budget` seconds allow.  Raises NotMeasured."""
    _check(load, budget)
    start = start_of_a_zone()
    limit = 10 * load.elapsed + 30
    ratios: list[float] = []
    natives: list[float] = []
    zones: list[float] = []
    began = time.monotonic()
    _run(_words(load, zone=False), load.directory, limit, zone=False)  # files and load plans are cached now
    while len(ratios) < _MOST_PAIRS:
        spent = time.monotonic() - began
        if ratios and spent + 2 * spent / (2 * len(ratios) + 1) > budget:
            break  # another pair would take too long
        plain = _run(_words(load, zone=False), load.directory, limit, zone=False)
        inside = _run(_words(load, zone=True), load.directory, limit, zone=True)
        native = max(plain - start.plain_busy, 1e-4)
        natives.append(native)
        zones.append(native + inside - plain - start.busy)
        ratios.append(zones[-1] / native - 1)
    return Measured(
        native=median(natives),
        zone=median(zones),
        overhead=median(ratios),
        spread=(max(ratios) - min(ratios)) / 2,
        pairs=len(ratios),
        start=start,
    )


@cache
def start_of_a_zone() -> Start:
    """On a program that does nothing.  Raises NotMeasured."""
    nothing = shutil.which("true") or "/bin/true"
    seconds: dict[bool, list[float]] = {False: [], True: []}
    busy: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(_ROUNDS):
        for zone in (False, True):
            began = time.monotonic()
            busy[zone].append(_run(_launcher(zone=zone, words=(nothing,)), "/", 30, zone=zone))
            seconds[zone].append(time.monotonic() - began)
    return Start(
        seconds=max(0.0, median(seconds[True]) - median(seconds[False])),
        busy=max(0.0, median(busy[True]) - median(busy[False])),
        plain_busy=median(busy[False]),
        memory=_memory_of_a_zone(),
    )


def _check(load: Workload, budget: float) -> None:
    if not load.command:
        raise NotMeasured("its command was not recorded")
    directory = load.directory or "."
    if not os.path.isdir(directory):
        raise NotMeasured(f"its directory {directory} is not there")
    program = load.command[0]
    found = shutil.which(program if "/" not in program else os.path.join(directory, program))
    if found is None:
        raise NotMeasured(f"its program {program} is not there")
    shortest = 2 * load.busy / (os.cpu_count() or 1)
    if shortest > budget:
        raise NotMeasured(f"a pair of runs takes {shortest:.0f} s and --seconds allows {budget:g}: raise it")
    if not launch.zones_are_built():
        raise NotMeasured("zones are not built")


def _words(load: Workload, *, zone: bool) -> list[str]:
    if load.kernel == "linux":
        return _launcher(zone=zone, words=load.command)
    where = [] if zone else ["--no-sandbox"]
    return [sys.executable, "-m", "guise", "run", "--as", load.kernel, *where, "--", *load.command]


def _launcher(*, zone: bool, words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "guise.compare.launch", "zone" if zone else "plain", *words]


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def _run(words: list[str], directory: str, limit: float, *, zone: bool) -> float:
    """Processor seconds of one run.  Raises NotMeasured when it fails or does not end."""
    with tempfile.TemporaryFile() as said:
        with _started(words, directory, said, limit) as process:
            _wait_for_end(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            how = "in a zone" if zone else "natively"
            raise NotMeasured(f"the command ended with status {process.returncode} {how}: {last[0][:200]}")
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _started(
    words: list[str], directory: str, said: IO[bytes], seconds: float
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, of which nothing is left behind: not in the end, not when it takes
    too long, and not when we are told to end.
    """
    process: subprocess.Popen[bytes] | None = None
    told: list[int] = []

    def end(number: int, _frame: object) -> None:
        told.append(number)
        if process is not None:
            act(process)

    def act(started: subprocess.Popen[bytes]) -> None:
        _kill(started.pid)
        if told[0] != signal.SIGALRM:
            signal.signal(told[0], signal.SIG_DFL)
            signal.raise_signal(told[0])

    before = {number: signal.signal(number, end) for number in _ENDING}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        process = subprocess.Popen(
            words,
            cwd=directory or None,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            process_group=0,
        )
        if told:
            act(process)  # it came while the process was being started
        yield process
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        if process is not None:
            _kill(process.pid)
    if told:
        raise NotMeasured(f"the command did not end within {seconds:.0f} s")


def _wait_for_end(pid: int) -> None:
    """Unlike wait(2): a signal that comes just before, and that Python handles only afterwards, ends it."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    process = os.pidfd_open(pid)
    try:
        while process not in select.select([process, reading], [], [])[0]:
            os.read(reading, select.PIPE_BUF)
    finally:
        signal.set_wakeup_fd(before)
        for descriptor in (reading, writing, process):
            os.close(descriptor)


_ENDING = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _memory_of_a_zone() -> int:
    """Bytes that nothing shares with a zone's own processes: its monitor and its init."""
    waiting = shutil.which("cat") or "/bin/cat"
    process = subprocess.Popen(
        _launcher(zone=True, words=(waiting,)),
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.read(1)  # now it runs
        return sum(_private(pid) for pid in _family(process.pid) if _name(pid) == "guise-init")
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _family(int(child)))]


def _name(pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def _private(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))
