"""The processes around a sandboxed program: what was started ends, stops and goes on as the program does."""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.zone import ephemeral

from .conftest import command, environment

COUNT = """
import os, signal
counted = {signal.SIGUSR1, signal.SIGTERM, signal.SIGCONT, signal.SIGRTMIN + 3, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, counted)  # a handler may run after pause() began: then none ends it
print("ready", os.getpid(), flush=True)
got = dict.fromkeys(counted, 0)
while number := signal.sigwait(counted):
    got[number] += 1
    print(int(number), got[number], flush=True)
"""


def state(pid: int) -> str:
    """The letter that ps shows; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def name_of(pid: int) -> str:
    """What ps shows; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def eventually(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Started:
    """A sandboxed program that is ready: `outer` was started; `init` and what serves it are its children."""

    def __init__(self, *words: str, **options: object) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
            command("run", *words), env=environment(), stdout=subprocess.PIPE, text=True, **options
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        assert self.output.readline().startswith("ready")
        self.outer = self.process.pid
        named = {name_of(pid): pid for pid in children(self.outer)}
        self.init, self.attendant = named["guise-init"], named["guise-supervise"]
        self.program = children(self.init)[0]

    def all(self) -> tuple[int, ...]:
        return self.outer, self.init, self.program, self.attendant

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.output.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    made: list[Started] = []

    def run(*words: str, **options: object) -> Started:
        made.append(Started(*words, **options))
        return made[-1]

    yield run
    for started in made:
        started.close()


@pytest.fixture
def counting(start: Callable[..., Started]) -> Started:
    """A program that names each signal and how often it came, in a process group of its own."""
    return start(sys.executable, "-c", COUNT, process_group=0)


@pytest.mark.parametrize("status", [0, 1, 77, 126, 255])
def test_exit_status(status: int) -> None:
    done = subprocess.run(
        command("run", "sh", "-c", f"exit {status}"), env=environment(), timeout=60, check=False
    )
    assert done.returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE, signal.SIGSEGV, 40])
def test_death_by_signal(number: int) -> None:
    line = command("run", "sh", "-c", f"kill -{int(number)} $$; sleep 50")
    assert subprocess.run(line, env=environment(), timeout=60, check=False).returncode == -number


def test_signals_arrive_once(counting: Started) -> None:
    """Whether sent to the process that was started or to its group, and however they alternate."""
    for turn, number in enumerate([signal.SIGUSR1, signal.SIGRTMIN + 3, signal.SIGTERM, signal.SIGHUP] * 5):
        if turn % 3 == 0:
            os.killpg(counting.outer, number)
        else:
            os.kill(counting.outer, number)
        assert counting.output.readline() == f"{int(number)} {turn // 4 + 1}\n"
    counting.process.send_signal(signal.SIGKILL)
    assert counting.output.read() == ""


def test_many_realtime_signals(start: Callable[..., Started]) -> None:
    """They queue, so none is lost and none doubled, from here and from the group."""
    number = signal.SIGRTMIN + 3
    script = f"""
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}, signal.SIGTERM])
print("ready", flush=True)
count = 0
while signal.sigwait([{int(number)}, signal.SIGTERM]) != signal.SIGTERM:
    count += 1
print(count)
"""
    started = start(sys.executable, "-c", script, process_group=0)
    for turn in range(300):
        (os.kill if turn % 2 else os.killpg)(started.outer, number)
    time.sleep(0.2)
    started.process.terminate()
    assert started.output.read() == "300\n"


def test_a_stop_shows_and_ends(counting: Started) -> None:
    for send in (os.kill, os.killpg):
        for number in (signal.SIGTSTP, signal.SIGTTIN):
            send(counting.outer, number)
            pid, status = os.waitpid(counting.outer, os.WUNTRACED)
            assert (pid, os.WIFSTOPPED(status), os.WSTOPSIG(status)) == (counting.outer, True, number)
            assert state(counting.program) == "T"
            send(counting.outer, signal.SIGCONT)
            line = counting.output.readline()
            assert line.startswith(f"{int(signal.SIGCONT)} ")
            os.kill(counting.outer, signal.SIGUSR1)
            assert counting.output.readline().startswith(f"{int(signal.SIGUSR1)} ")
    assert line == f"{int(signal.SIGCONT)} 4\n"


def test_a_stop_of_all_of_them(counting: Started) -> None:
    os.killpg(counting.outer, signal.SIGSTOP)
    for pid in counting.all()[:3]:
        eventually(lambda pid=pid: state(pid) == "T", "it was not stopped")  # type: ignore[misc]
    os.kill(counting.outer, signal.SIGCONT)
    assert counting.output.readline() == f"{int(signal.SIGCONT)} 1\n"
    os.kill(counting.outer, signal.SIGUSR1)
    assert counting.output.readline() == f"{int(signal.SIGUSR1)} 1\n"


def test_a_program_that_stops_itself(start: Callable[..., Started]) -> None:
    started = start("sh", "-c", "echo ready; kill -STOP $$; echo goes on", process_group=0)
    os.waitpid(started.outer, os.WUNTRACED)
    os.kill(started.program, signal.SIGCONT)
    assert started.output.readline() == "goes on\n"
    assert started.process.wait(30) == 0


@pytest.mark.parametrize("which", ["outer", "init", "program"])
def test_killing_any_of_them_leaves_nothing(start: Callable[..., Started], which: str) -> None:
    started = start("sh", "-c", "sleep 100 & setsid sleep 100 & echo ready; sleep 100; :")
    eventually(lambda: len(children(started.program)) == 3, "the program's children")
    everybody = [*started.all(), *children(started.program)]
    os.kill(getattr(started, which), signal.SIGKILL)
    assert started.process.wait(30) == -signal.SIGKILL
    for pid in everybody:
        eventually(lambda pid=pid: state(pid) in ("", "Z"), f"{pid} is left")  # type: ignore[misc]


def test_what_a_program_leaves_behind_goes_on(start: Callable[..., Started], tmp_path: Path) -> None:
    """As without a sandbox; and the sandbox ends with the last of it."""
    script = (
        "(read x < go; echo done > file; read x < on) > /dev/null 2>&1 & echo ready; read x < end; exit 3"
    )
    # One for each: of a second opening the first writer could be the partner.
    for name in ("go", "on", "end"):
        os.mkfifo(tmp_path / name)
    started = start("sh", "-c", script, cwd=tmp_path)
    (tmp_path / "end").write_text("x\n")
    assert started.process.wait(30) == 3
    (tmp_path / "go").write_text("x\n")
    eventually((tmp_path / "file").exists, "what was left behind did not go on")
    eventually(lambda: state(started.init) == "S", "the init does not wait for it")
    (tmp_path / "on").write_text("x\n")
    eventually(lambda: state(started.init) in ("", "Z"), "the init has not ended")


def spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_its_time_is_accounted(tmp_path: Path) -> None:
    before = spent()
    burn = "import time\nwhile time.process_time() < 0.6: pass"
    subprocess.run(command("run", sys.executable, "-c", burn), env=environment(), check=True, timeout=60)
    assert spent() - before > 0.5


def test_a_parent_that_ignores_its_children() -> None:
    script = "import signal, sys; print(signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN); sys.exit(5)"
    done = subprocess.run(
        command("run", sys.executable, "-c", script),
        env=environment(), stdout=subprocess.PIPE, text=True, timeout=60, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (5, "True\n")


def test_blocked_and_ignored_signals_are_handed_down() -> None:
    def prepare() -> None:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    done = subprocess.run(
        command("run", "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"),
        env=environment(), stdout=subprocess.PIPE, text=True, timeout=60, check=True, preexec_fn=prepare,
    )  # fmt: skip
    blocked, ignored = (int(line.split()[1], 16) for line in done.stdout.splitlines())
    assert (blocked, ignored) == (1 << signal.SIGUSR1 - 1, 1 << signal.SIGUSR2 - 1)


def test_the_others_hold_no_files_open(start: Callable[..., Started]) -> None:
    """Whoever reads the program's output sees its end when the program closes it, not later."""
    started = start("sh", "-c", "echo ready; exec >&- 2>&- <&-; sleep 100")
    assert started.output.read() == ""
    for pid in (started.outer, started.init):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            name = os.readlink(entry)
            is_null = entry.stat().st_rdev == os.stat("/dev/null").st_rdev
            assert is_null or name.startswith(("socket:", "pipe:", "anon_inode:")), name


def test_descriptors_are_handed_down() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as pipe:
        subprocess.run(
            command("run", "sh", "-c", f"echo through > /proc/self/fd/{writer}"),
            env=environment(), pass_fds=(writer,), check=True, timeout=60,
        )  # fmt: skip
        os.close(writer)
        assert pipe.read() == "through\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize(
    ("script", "status"), [("exit 3", 3), ("sleep 100 & exit 4", 4), ("kill -9 $$", 137)]
)
def test_as_the_first_process_of_a_container(script: str, status: int) -> None:
    """It must not hold a number of its own namespace: the host would wait for that for ever."""
    container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with subprocess.Popen([*container, *command("run", "sh", "-c", script)], env=environment()) as process:
        assert process.wait(60) in (status, -(status - 128))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_killed_as_the_first_process_of_a_container() -> None:
    container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words = [*container, *command("run", "sh", "-c", "echo ready; sleep 100")]
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        monitor = children(process.pid)[0]
        os.kill(monitor, signal.SIGKILL)
        process.wait(60)
        assert state(monitor) == ""


def test_the_launchers_own_children_are_none_of_the_programs() -> None:
    """Their SIGCHLD waits when the monitor begins; a program that catches it got one for nothing."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    launcher = os.fork()
    if launcher == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        init = os.fork()
        if init == 0:
            os.close(theirs.fileno())
            ours.recv(100)
            os._exit(0)
        other = os.fork()
        if other == 0:
            os._exit(0)
        os.waitpid(other, 0)
        os.kill(os.getpid(), signal.SIGURG)  # read after SIGCHLD, its number being higher
        ephemeral.become(("guise-monitor", "monitor", 3, init, init, 1), (theirs.fileno(),))
    theirs.close()
    _kind, number, code = struct.unpack_from("<Iii", ours.recv(100))
    os.kill(launcher, signal.SIGKILL)
    os.waitpid(launcher, 0)
    ours.close()
    assert (number, code) == (signal.SIGURG, 0)
