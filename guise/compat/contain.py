"""Runs one command so that nothing of it stays: not a process, not a file, not a gigabyte of output.

The process that calls `run` must be a subreaper with no other children: then a descendant that leaves its
parent, its group and its session still becomes our child, and "no child left" means that all are gone.
RLIMIT_AS is not used against memory: it counts what is reserved, and Go and JITs reserve far more than
they use.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import resource
import select
import shutil
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from guise.compat import groups, scratch
from guise.compat.model import Command, Ended

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_GRACE = 1.0  # a guest's supervisor ends a moment after its last guest
_POLL = 0.1
_MAX_FILES = 2000
_TRACE = 32 << 20  # bytes of a recording
_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Orphaned descendants become our children.  Raises OSError."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


class Capture:
    """The beginning and the end of a stream: what is printed between is counted and dropped."""

    def __init__(self, limit: int) -> None:
        self._head = bytearray()
        self._head_limit = limit // 2
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._tail_limit = limit - self._head_limit
        self.total = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_limit - len(self._head)
        self._head += data[:room] if room > 0 else b""
        rest = data[max(room, 0) :]
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
        while self._tail and self._tail_size - len(self._tail[0]) >= self._tail_limit:
            self._tail_size -= len(self._tail.popleft())

    def _end(self) -> bytes:
        return b"".join(self._tail)[-self._tail_limit :]

    @property
    def dropped(self) -> int:
        return self.total - len(self._head) - len(self._end())

    def bytes(self) -> bytes:
        mark = f"\n[{self.dropped} bytes left out]\n".encode() if self.dropped else b""
        return bytes(self._head) + mark + self._end()


def run(command: Command, *, abandoned: int = -1) -> Ended:
    """Run it in an empty folder, to its end or a limit's.  A readable `abandoned` ends it at once.

    A command that cannot be started is an Ended too.  Raises OSError when the host itself fails.
    """
    with scratch.folder() as root:
        work = os.path.join(root, "work")
        os.mkdir(work)
        os.mkdir(os.path.join(root, "tmp"))
        try:
            for source in command.copies:
                _copy(Path(source), Path(work))
        except OSError as error:  # shutil.Error too
            return Ended(stopped="start", reason=f"its files cannot be copied: {error}")
        before, spent = set(_walk(work)), _processor()
        ended = _Running(command, root, abandoned).finish()
        spent = _processor() - spent
        made = [path for path in _walk(work) if path not in before]
        trace = _start_of(os.path.join(root, "trace"))
        return replace(ended, processor=spent, files=_digests(work, made[:_MAX_FILES]), trace=trace)


def _copy(source: Path, work: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, work, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, work)


def _walk(root: str) -> list[str]:
    found = []
    for folder, _, names in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def _start_of(path: str) -> bytes:
    """What a tracer wrote, if there was one: a recording that is cut is read up to there."""
    try:
        with open(path, "rb") as stream:
            return stream.read(_TRACE)
    except FileNotFoundError:
        return b""


def _processor() -> float:
    """Seconds that children spent on processors, of those that were collected: here all of them are."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _digests(root: str, names: list[str]) -> dict[str, str]:
    digests = {}
    for name in names:
        path = os.path.join(root, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as stream:
                digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests


class _Running:
    """One command from fork to the last of its descendants."""

    def __init__(self, command: Command, root: str, abandoned: int) -> None:
        self._command = command
        self._root = root
        self._abandoned = abandoned
        self._group = groups.make(command.limits.memory)
        self._captures: dict[int, Capture] = {}
        self._status: int | None = None
        self._peak = 0
        self._pid = 0

    def finish(self) -> Ended:
        started = time.monotonic()
        try:
            problem = self._start()
            if problem:
                os.waitpid(self._pid, 0)
                return Ended(stopped="start", reason=problem)
            stopped = self._watch(started + self._command.limits.seconds)
            seconds = time.monotonic() - started
            left = self._clear(patient=not stopped)
        finally:
            streams = list(self._captures)
            for stream in streams:
                os.close(stream)
            killed_by_limit, peak = groups.remove(self._group)
        out, err = self._captures.values()
        if killed_by_limit and not stopped:
            stopped = "memory"
        status = self._status
        return Ended(
            exit=os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else -1,
            signal=os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0,
            stopped=stopped,
            seconds=seconds,
            memory=peak or self._peak,
            stdout=out.bytes(),
            stderr=err.bytes(),
            printed=out.total + err.total,
            dropped=out.dropped + err.dropped,
            left=tuple(left),
        )

    def _start(self) -> str:
        """Fork and exec; a sentence when that failed."""
        out, err, report = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        self._pid = os.fork()
        if self._pid == 0:
            self._child(out[1], err[1], report[1])
        for stream in (out[1], err[1], report[1]):
            os.close(stream)
        self._captures = {stream: Capture(self._command.limits.output // 2) for stream in (out[0], err[0])}
        problem = b""
        while data := os.read(report[0], 4096):
            problem += data
        os.close(report[0])
        return problem.decode("utf-8", "replace")

    def _child(self, out: int, err: int, report: int) -> None:
        def fill(word: str) -> str:
            for name, place in (("scratch", "work"), ("tmp", "tmp"), ("trace", "trace")):
                word = word.replace(f"{{{name}}}", f"{self._root}/{place}")
            return word

        doing = "start"
        try:
            os.setsid()
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
            groups.join(self._group)
            null = os.open(fill(self._command.stdin) or os.devnull, os.O_RDONLY)
            for source, target in ((null, 0), (out, 1), (err, 2)):
                os.dup2(source, target)
            for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            environment = {name: fill(value) for name, value in self._command.environment.items()}
            argv = [fill(word) for word in self._command.argv]
            directory = fill(self._command.directory)
            doing = f"enter {directory}"
            os.chdir(directory)
            doing = f"run {argv[0]}"
            os.execvpe(argv[0], argv, environment)
        except OSError as error:
            os.write(report, f"cannot {doing}: {(error.strerror or str(error)).lower()}".encode())
        finally:
            os._exit(127)

    def _watch(self, deadline: float) -> str:
        """Until the leader has ended; which limit ended it."""
        poller = select.poll()
        handle = os.pidfd_open(self._pid)
        for stream in (*self._captures, handle):
            poller.register(stream, select.POLLIN)
        if self._abandoned >= 0:
            poller.register(self._abandoned, select.POLLIN)
        open_streams = set(self._captures)
        stopped = ""
        try:
            while True:
                now = time.monotonic()
                if now >= deadline:
                    if stopped or not self._command.timeout_signal:
                        return stopped or "time"
                    stopped, deadline = "time", now + 2
                    os.kill(self._pid, self._command.timeout_signal)
                for stream, _ in poller.poll(1000 * min(_POLL, max(deadline - now, 0.001))):
                    if stream == handle:
                        self._reap()
                        self._drain(open_streams)
                        return stopped
                    if stream == self._abandoned:
                        return "time"
                    if not self._read(stream):
                        poller.unregister(stream)
                        open_streams.discard(stream)
                if self._group is None and self._too_large():
                    return "memory"
        finally:
            os.close(handle)

    def _read(self, stream: int) -> bool:
        data = os.read(stream, 1 << 18)
        self._captures[stream].add(data)
        return bool(data)

    def _drain(self, streams: set[int]) -> None:
        """What is in the pipes when the leader has ended; a straggler may hold them open for ever."""
        for stream in streams:
            os.set_blocking(stream, False)
            try:
                for _ in range(64):
                    if not self._read(stream):
                        break
            except BlockingIOError:
                continue

    def _too_large(self) -> bool:
        page = os.sysconf("SC_PAGE_SIZE")
        total = 0
        for pid in descendants():
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
            except (OSError, IndexError):
                continue  # ended meanwhile
        self._peak = max(self._peak, total)
        return total > self._command.limits.memory

    def _reap(self) -> bool:
        """Collect what has ended; whether any descendant is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._pid:
                self._status = status

    def _clear(self, *, patient: bool) -> list[str]:
        """Wait a moment for the rest to end by itself, then end it; the names of what had to be ended."""
        until = time.monotonic() + (_GRACE if patient else 0)
        while self._reap() and time.monotonic() < until:
            time.sleep(0.005)
        if not self._reap():
            return []
        names = [name for pid in descendants() if (name := _name(pid)) and pid != self._pid]
        kill_descendants(self._reap)
        return names if patient else []


def descendants() -> list[int]:
    """Every process below this one, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue  # ended meanwhile
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found = list(parents.get(os.getpid(), []))
    for pid in found:  # grows while it is walked
        found += parents.get(pid, [])
    return found


def kill_descendants(reap: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Stop them all first, so that none forks while the others die; then kill, until none is left."""
    deadline = time.monotonic() + seconds
    while reap() and time.monotonic() < deadline:
        stopped: set[int] = set()
        while new := [pid for pid in descendants() if pid not in stopped]:
            _signal(new, signal.SIGSTOP)
            stopped.update(new)
        _signal(list(stopped), signal.SIGKILL)
        time.sleep(0.005)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
