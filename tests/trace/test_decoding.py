"""Every row of every kernel decodes to typed values, whatever its arguments are."""

from __future__ import annotations

import random

import pytest

from guise.tracing import ndjson, text
from syscalls import load, parse
from syscalls.decode import Decoder, RawCall, Seen
from syscalls.emit_trace import captures, requests
from syscalls.model import HOST, Call
from syscalls.values import Integer, Value


def raw(kernel: str, call: Call, chance: random.Random, *, failed: bool) -> RawCall:
    """A call with arbitrary arguments, and arbitrary bytes behind those that are addresses."""
    abi = load(kernel)
    arguments = tuple(chance.choice((0, 1, 3, chance.getrandbits(64))) for _ in call.arguments)
    before: dict[int, Seen] = {}
    after: dict[int, Seen] = {}
    for capture in captures(abi, call):
        data = chance.randbytes(capture.size * chance.choice((1, 3)))
        for when, place in (("ENTRY", before), ("EXIT", after)):
            if when in capture.when:
                place[capture.argument] = Seen(data, truncated=chance.random() < 0.2)
    return RawCall(call.number, arguments, before, after, "done", -2 if failed else chance.getrandbits(16))


@pytest.mark.parametrize("kernel", parse.kernels())
def test_every_row(kernel: str) -> None:
    abi, decoder = load(kernel), Decoder(load(kernel), load(HOST))
    for call in abi.calls.values():
        chance = random.Random(call.number)
        for failed in (False, True):
            decoded = decoder.decode(raw(kernel, call, chance, failed=failed))
            assert decoded.name == call.name
            names = [name for name, _ in decoded.arguments[: len(call.arguments)]]
            assert names == [a.name for a in call.arguments if a.name in names or not a.meaning.by]
            if failed:
                assert decoded.outcome.error == "ENOENT"
            assert text.call(decoded).startswith(f"{call.name}(")
            by_name = dict(decoded.arguments)
            for argument in call.arguments:
                value = by_name.get(argument.name)
                assert value is None or ndjson.value(value)["kind"]
                bits = argument.type.name in ("ptr", "dev") or argument.meaning.name
                assert value is None or typed(value) or bits


def typed(value: Value) -> bool:
    """Whether it is more than bits, which are shown as a hexadecimal number."""
    return not (isinstance(value, Integer) and value.base == 16)


PLAIN = [
    ("linux", "clone", (0x1200011, 0, 0, 0, 0), {}, "SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID, NULL"),
    ("linux", "futex", (64, 128, 2, 0, 0, 0), {3: bytes(16)}, "FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 2, NULL"),
    ("linux", "futex", (64, 137, 2, 80, 0, 0xFFFFFFFF), {3: (5).to_bytes(16, "little")},
     "FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG, 2, {sec=5, nsec=0}, NULL, FUTEX_BITSET_MATCH_ANY"),
    ("linux", "fcntl", (5, 2, 1), {}, "(5, F_SETFD, FD_CLOEXEC)"),
    ("linux", "fcntl", (5, 3, 77), {}, "(5, F_GETFL) = O_RDONLY"),
    ("linux", "prctl", (15, 64, 0, 0, 0), {1: b"name"}, 'PR_SET_NAME, "name"'),
    ("linux", "prctl", (24, 21, 0, 0, 0), {}, "PR_CAPBSET_DROP, CAP_SYS_ADMIN"),
    ("linux", "socket", (2, 0x80801, 6), {}, "AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, IPPROTO_TCP"),
    ("linux", "setsockopt", (3, 6, 1, 64, 4), {3: b"\1\0\0\0"}, "SOL_TCP, TCP_NODELAY, 1, 4"),
    ("linux", "setsockopt", (3, 1, 13, 64, 8), {3: b"\1\0\0\0\2\0\0\0"}, "SO_LINGER, {onoff=1, linger=2}, 8"),
    ("linux", "epoll_ctl", (3, 1, 4, 64), {3: b"\1\0\0\0" + bytes(8)}, "EPOLL_CTL_ADD, 4, {events=EPOLLIN"),
    ("linux", "mmap", (0, 4096, 0, 0x20022, 0xFFFFFFFF, 0), {}, "PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_"),
    ("linux", "wait4", (1, 64, 0, 0), {1: b"\0\3\0\0"}, "{exited=3}"),
    ("linux", "wait4", (1, 64, 0, 0), {1: b"\x8b\0\0\0"}, "{killed=SIGSEGV, core=1}"),
    ("linux", "access", (64, 0), {0: b"x"}, '"x", F_OK'),
    ("linux", "fchown", (3, 0xFFFFFFFF, 5), {}, "(3, -1, 5)"),
    ("linux", "ioctl", (0, 0x5413, 64), {2: b"\2\0\3\0" + bytes(4)}, "TIOCGWINSZ, {row=2, col=3"),
    ("linux", "ioctl", (0, 0x12345678, 64), {}, "0x12345678, 0x40"),
    ("freebsd", "fcntl", (5, 11, 64), {2: bytes(32)}, "F_GETLK, {start=0, len=0"),
    ("freebsd", "socket", (28, 0x30000002, 17), {}, "SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_UDP"),
    ("freebsd", "__sysctl", (64, 2, 0, 0, 0, 0), {0: b"\1\0\0\0\x21\0\0\0"}, "[CTL_KERN, KERN_USRSTACK], 2"),
    ("freebsd", "sigprocmask", (3, 0, 0), {}, "SIG_SETMASK, NULL, NULL"),
    ("freebsd", "procctl", (0, 1, 11, 64), {3: b"\x0f\0\0\0"}, "PROC_PDEATHSIG_CTL, SIGTERM"),
    ("freebsd", "getsockopt", (3, 65535, 0x1006, 64, 72), {3: bytes(16)}, "SO_RCVTIMEO, {sec=0, usec=0}"),
    ("netbsd", "__wait450", (1, 64, 0, 0), {1: b"\x7f\x11\0\0"}, "{stopped=SIGSTOP}"),
    ("netbsd", "__futex", (64, 129, 1, 0, 0, 0, 0), {}, "FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1"),
    ("netbsd", "fcntl", (5, 4, 4), {}, "F_SETFL, O_RDONLY|O_NONBLOCK"),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "name", "arguments", "behind", "expected"), PLAIN)
def test_plain_numbers(
    kernel: str, name: str, arguments: tuple[int, ...], behind: dict[int, bytes], expected: str
) -> None:
    """What a number stands for is often said by another argument."""
    abi = load(kernel)
    seen = {index: Seen(data) for index, data in behind.items()}
    decoded = Decoder(abi, load(HOST)).decode(RawCall(abi.calls[name].number, arguments, {}, seen, "done", 0))
    assert expected in text.call(decoded)


def test_what_an_argument_leads_to_is_taken_by_what_another_is() -> None:
    """The runtime's table has a row for each value of the argument that chooses."""
    abi = load(HOST)
    wanted = requests(abi, abi.calls["futex"])
    assert {0, 128, 128 | 256, 9, 9 | 128 | 256} <= set(wanted)
    assert not {1, 129} & set(wanted)
    assert [capture.kind for capture in requests(abi, abi.calls["prctl"])[15]] == ["STRING"]
