"""A supervisor without requests becomes a small process, and comes back with what it remembered."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.guest_c import build_guest

from .bench import Zones
from .conftest import command, environment
from .test_processes import eventually, state

GUEST = r"""
static long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    unsigned char failed;
    __asm__ volatile("syscall" : "=a"(result), "=@ccc"(failed), "+r"(r10), "+r"(r8), "+r"(r9), "+d"(c)
                     : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return failed ? -result : result;
}
#define call(n, a, b, c, d) call6(n, a, b, c, d, 0, 0)
__asm__(".globl _start\n_start:\n  and $-16, %rsp\n  call begin\n");
void begin(void)
{
    char line[64], value[64];
    for (;;) {
        call(4, 1, (long)"ready\n", 6, 0);
        long size = call(3, 0, (long)line, 63, 0); /* read */
        if (size <= 0)
            call(1, 0, 0, 0, 0);
        line[size - 1] = 0;
        if (line[0] == 'j') { /* sysctlbyname */
            int jailed = -1;
            long length = sizeof(jailed);
            call6(570, (long)"security.jail.jailed", 20, (long)&jailed, (long)&length, 0, 0);
            value[0] = (char)('0' + jailed);
            call(4, 1, (long)value, 1, 0);
        } else if (line[0] == '=') /* kenv: KENV_SET, KENV_GET */
            call(390, 1, (long)"guise.test", (long)(line + 1), size - 1);
        else
            call(4, 1, (long)value, call(390, 0, (long)"guise.test", (long)value, 64) - 1, 0);
    }
}
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("standby")
    (folder / "guest.c").write_text(GUEST)
    return build_guest(folder / "guest.c", folder / "guest")


def waiting(near: int) -> list[int]:
    """Small processes that stay for supervisors, where the last descendant of process `near` is."""
    found = []
    while children := Path(f"/proc/{near}/task/{near}/children").read_text().split():
        near = int(children[-1])
    space = os.readlink(f"/proc/{near}/ns/ipc")
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"await"] and os.readlink(f"/proc/{name}/ns/ipc") == space:
                found.append(int(name))
        except OSError:
            continue
    return found


def unshared(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))


class Talk:
    def __init__(self, line: list[str], variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={**variables, "GUISE_STANDBY": "1"},
        )  # fmt: skip
        assert self.output.readline() == "ready\n"

    @property
    def output(self):  # type: ignore[no-untyped-def]
        return self.process.stdout

    def say(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        return str(self.output.readline())

    def close(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.output.close()
        return self.process.wait(60)


def test_a_supervisor_stands_by_and_comes_back_with_what_it_remembers(zones: Zones, guest: Path) -> None:
    zones.sparse("z", f"fs={guest}:/guest:ro")
    zones("boot", "z")
    talk = Talk(zones.line("exec", "z", "/guest"), zones.environment)
    assert talk.say("=first") == "ready\n"
    for _ in range(2):
        eventually(lambda: waiting(talk.process.pid), "the supervisor stands by")
        (small,) = waiting(talk.process.pid)
        assert unshared(small) < 1 << 18
        assert talk.say("?") == "firstready\n"
        assert Path(f"/proc/{small}/comm").read_text() == "guise-supervise\n"
        assert not waiting(talk.process.pid)
    assert talk.say("jail?") == "1ready\n"
    assert talk.close() == 0
    eventually(lambda: not Path(f"/proc/{small}").exists(), "it ends with its last guest")


def test_it_ends_while_it_stands_by_when_the_guest_is_killed(guest: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: others' supervisors stay as they are")
    talk = Talk(command("run", str(guest)), environment())
    eventually(lambda: waiting(talk.process.pid), "the supervisor stands by")
    (small,) = waiting(talk.process.pid)
    assert talk.say("jail?") == "0ready\n"
    eventually(lambda: waiting(talk.process.pid), "the supervisor stands by again")
    talk.process.send_signal(signal.SIGKILL)
    talk.process.wait(60)
    eventually(lambda: state(small) in ("", "Z"), "it ends with its last guest")
    talk.close()
