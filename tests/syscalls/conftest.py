"""A pair of small made-up kernels: every conversion the generator knows, in tables short enough to read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from syscalls import generate

RUNTIME = Path(__file__).parents[2] / "personality" / "runtime"

C_FLAGS = [
    "-std=gnu11", "-O1", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror", f"-I{RUNTIME}",
]  # fmt: skip

HOST_TABLE = """
calls
    0   read(fd: fd, buf: out[n], n: size) -> ssize
    1   write(fd: fd, buf: in[n], n: size) -> ssize
    2   open(path: path, flags: open_flags, mode: mode) -> fd
    3   stat(path: path, sb: out stat) -> none
    4   poll(fds: inout pollfd[n], n: ulong, timeout: int) -> int
    5   clock(id: clock_id, ts: out timespec) -> none
    6   kill(pid: pid, signal: signal) -> none
    7   seek(fd: fd, off: off, whence: int) -> off
    8   set_mask(set: in sigset, old: out sigset) -> none
    9   list(entries: out entry[n], n: int) -> int
    10  control(fd: fd, command: int, value: long) -> open_flags
    11  ioctl(fd: fd, request: ulong, argument: ptr) -> long
    12  getpid() -> pid
    13  limits(limit: inout limit) -> int
    14  old_flags(flags: plain_flags) -> plain_flags

struct timespec size=16
    sec s64 @0
    nsec s64 @8

struct stat size=64
    dev   u64 @0
    ino   u64 @8
    mode  u32 @16
    flags u32:plain_flags @20
    atim  timespec @24
    name  char[12] @40
    sig   s32:signal @52
    clock s32:clock_id @56

struct pollfd size=8
    fd s32 @0
    events s16:poll_flags @4
    revents s16:poll_flags @6

struct entry size=8
    a u32 @0
    b u32 @4

struct limit size=8
    value u32 @0
    kind  u32 @4

struct sigset size=8
    bits u64 @0

struct window size=8
    row u16 @0
    column u16 @2

flags open_flags
    O_RDONLY 0 field=3
    O_WRONLY 1 field=3
    O_RDWR   2 field=3
    O_CREAT  0x40
    O_APPEND 0x400
    O_DSYNC  0x1000
    O_SYNC   0x101000
    O_HOST   0x8000

flags plain_flags
    P_A 1
    P_B 2

flags poll_flags
    POLLIN 1
    POLLOUT 4

enum clock_id
    CLOCK_REAL 0
    CLOCK_MONO 1
    CLOCK_BOOT 7

constants commands
    F_GETFL 3

errno
    EPERM 1 "no"
    EBADF 9 "fd"
    EAGAIN 11 "again" also=EWOULDBLOCK
    ENODATA 61 "no data"
    EODD 99 "odd"

signals
    SIGHUP 1 terminate
    SIGUSR1 10 terminate
    SIGSPARE 16 terminate

ioctls
    GETWINDOW 0x5413 out window
    SETMODE 0x5401 int
"""

GUEST_TABLE = """
calls
    3    read(fd: fd, buf: out[n], n: size) -> ssize                    same {desc}
    4    write(fd: fd, buf: in[n], n: size) -> ssize                    same
    5    open(path: path, flags: open_flags, mode: mode) -> fd          same
    6    stat(path: path, sb: out stat) -> none                         same
    7    old_stat(path: path, sb: out old_stat) -> none                 same=stat
    8    poll(fds: inout pollfd[n], n: uint, timeout: int) -> int       same
    9    clock(id: clock_id, ts: out timespec) -> none                  same
    10   kill(pid: pid, signal: signal) -> none                         same
    11   seek(fd: fd, pad: int, off: off,
              whence: int) -> off                                       same=seek(fd, off, whence)
    12   set_mask(set: in sigset, old: out sigset) -> none              same
    13   list(entries: out entry[n], n: int) -> int                     same
    14   getfl(fd: fd) -> open_flags                                    same=control(fd, F_GETFL, 0)
    15   old_read(fd: fd, buf: out[n], n: size) -> ssize                same=read
    16   getpid() -> pid                                                same
    17   limits(limit: inout limit) -> none                             same
    18   by_hand(x: int, ...) -> int                                    runtime
    19   cold(name: path) -> none                                       supervisor
    20   gone                                                           obsolete "removed"
    21   never(...)                                                     missing "no such thing"
    22   back(context: ptr) -> registers                                runtime
    23   narrow(value: int, fd: fd) -> open_flags                       same=control(fd, 1, value)

struct timespec size=16
    sec s64 @0
    nsec s64 @8

struct stat size=72
    dev   u32 @0
    mode  u16 @4
    ino   u64 @8
    atim  timespec @16
    name  char[8] @32
    flags u32:plain_flags @40
    sig   s32:signal @44
    clock s32:clock_id @48
    only  u32 @52
    spare u64[2] @56

struct old_stat size=8 host=stat
    ino  u32 @0
    mode u16 @4

struct pollfd size=8
    fd s32 @0
    events s16:poll_flags @4
    revents s16:poll_flags @6

struct entry size=16
    b u64 @0
    a u32 @8

struct limit size=12
    kind  u32 @0
    value u64 @4

struct sigset size=16
    bits u32[4] @0

struct window size=8
    row u16 @0
    column u16 @2

flags open_flags
    O_RDONLY 0 field=3
    O_WRONLY 1 field=3
    O_RDWR   2 field=3
    O_APPEND 8
    O_CREAT  0x200
    O_SYNC   0x80
    O_DSYNC  0x01000000
    O_LOCK   0x20
    O_HINT   0x3000 drop

flags plain_flags unknown=drop
    P_A 1
    P_B 4

flags poll_flags unknown=drop
    POLLIN  1
    POLLOUT 2
    POLLWR  4 host=POLLOUT

enum clock_id
    CLOCK_REAL 0
    CLOCK_MONO 4
    CLOCK_UP   5 host=CLOCK_MONO
    CLOCK_ODD  6

errno
    EPERM 1 "no" from=EODD
    EBADF 9 "fd"
    EAGAIN 35 "again" also=EWOULDBLOCK
    ENOATTR 87 "no attribute" host=ENODATA

signals
    SIGHUP 1 terminate
    SIGINFO 29 ignore host=16
    SIGUSR1 30 terminate
    SIGRT 65 terminate
    SIGTHR 100 terminate host=40

ioctls
    GETWINDOW 0x40087468 out window same
    SETMODE   0x20007401 int same
    OTHER     0x20007402 none - runtime
"""


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables of `linux` (the host) and `toy` (the guest)."""
    root = tmp_path_factory.mktemp("tables")
    for kernel, text in (("linux", HOST_TABLE), ("toy", GUEST_TABLE)):
        (root / kernel).mkdir()
        (root / kernel / "all.tbl").write_text(text)
    return root


@pytest.fixture(scope="session")
def compiler() -> str:
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        pytest.skip("no C compiler")
    return found


@pytest.fixture(scope="session")
def generated(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the generator writes for the made-up kernels."""
    out = tmp_path_factory.mktemp("generated")
    generate.write(out, tables, tables)
    return out


Runner = Callable[[str], str]


@pytest.fixture(scope="session")
def run_c(compiler: str, generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Compile a program together with calls_toy.c and the stand-in runtime; return its output."""

    def run(source: str) -> str:
        folder = tmp_path_factory.mktemp("program")
        (folder / "main.c").write_text(source)
        stand_in = Path(__file__).parent / "stand_in.c"
        sources = [folder / "main.c", generated / "calls_toy.c", stand_in]
        binary = folder / "main"
        subprocess.run([compiler, *C_FLAGS, f"-I{generated}", "-o", binary, *sources], check=True)
        done = subprocess.run([binary], check=True, capture_output=True, text=True, timeout=20)
        return done.stdout

    return run
