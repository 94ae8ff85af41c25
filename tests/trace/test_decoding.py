"""Every row of every kernel decodes to typed values, whatever its arguments are."""

from __future__ import annotations

import random
import struct

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


def entry(layout: str, name: str, *members: int) -> bytes:
    """A directory entry, as long as it says itself: in NetBSD's the second member, else the third."""
    head = struct.pack(f"<{layout}", *members)
    return (head + name.encode()).ljust(members[1 if layout == "QHHB" else 2], b"\0")


def mount(layout: str, size: int, texts: dict[int, str], *members: int) -> bytes:
    """What a kernel says of a file system: the first members, and texts at their places."""
    data = bytearray(struct.pack(f"<{layout}", *members).ljust(size, b"\0"))
    for place, text_there in texts.items():
        data[place : place + len(text_there)] = text_there.encode()
    return bytes(data)


def siginfo(*members: int) -> bytes:
    return struct.pack(f"<{len(members)}i", *members).ljust(128, b"\0")


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
    ("linux", "select", (70, 64, 0, 0, 0), {1: b"\x0b" + bytes(7) + b"\x82"},
     "(70, [0, 1, 3, 65], NULL, NULL, NULL)"),
    ("freebsd", "select", (3, 64, 0, 0, 0), {1: b"\xff"}, "(3, [0, 1, 2], NULL, NULL, NULL)"),
    ("linux", "getdents64", (3, 64, 999),
     {1: entry("QqHB", "a", 1, 2, 24, 8) + entry("QqHB", "long name here", 3, 4, 40, 4)},
     '(3, [{type=DT_REG, name="a", ...}, {type=DT_DIR, name="long name here", ...}], 999)'),
    ("linux", "getdents", (3, 64, 999), {1: entry("QqH", "a", 1, 2, 24)}, '[{name="a", ...}], 999)'),
    ("freebsd", "getdirentries", (3, 64, 999, 0), {1: entry("QqHBxHxx", "b", 1, 2, 32, 12, 1)},
     '(3, [{type=DT_SOCK, name="b", ...}], 999, NULL)'),
    ("netbsd", "__getdents30", (3, 64, 999), {1: entry("QHHB", "c", 1, 24, 1, 1)},
     '[{type=DT_FIFO, name="c", ...}]'),
    ("linux", "statfs", (64, 64), {1: (0xEF53).to_bytes(120, "little")}, "{type=EXT4_SUPER_MAGIC, bsize=0, "),
    ("freebsd", "statfs", (64, 64), {1: mount("IIQ", 2344, {280: "ufs", 1320: "/"}, 0, 0, 0x1001)},
     '{fstypename="ufs", mntfromname="", mntonname="/", flags=MNT_RDONLY|MNT_LOCAL, ...}'),
    ("freebsd", "getfsstat", (64, 9999, 2),
     {0: mount("I", 2344, {280: "ufs"}, 0) + mount("I", 2344, {280: "nfs"}, 0)},
     '([{fstypename="ufs", mntfromname="", mntonname="", flags=0, ...}, {fstypename="nfs", '),
    ("netbsd", "__statvfs190", (64, 64, 2), {1: mount("Q", 3296, {192: "ffs", 224: "/usr"}, 8)},
     '{fstypename="ffs", mntfromname="", mntonname="/usr", flag=MNT_NOSUID, ...}'),
    ("netbsd", "lseek", (3, 0, 9, 1), {}, "lseek(3, 9, SEEK_CUR)"),
    ("netbsd", "pipe2", (64, 0x400004), {0: bytes(8)}, "([0, 0], O_NONBLOCK|O_CLOEXEC)"),
    ("linux", "mknod", (64, 0o10644, 0), {0: b"f"}, '("f", S_IFIFO|0644, 0)'),
    ("linux", "fstat", (3, 64), {1: bytes(24) + (0o100600).to_bytes(120, "little")},
     "{mode=S_IFREG|0600, nlink=0, uid=0"),
    ("linux", "waitid", (1, 5, 64, 4, 0), {2: siginfo(17, 0, 2, 0, 5, 0, 9)},
     "{signo=SIGCHLD, errno=0, code=CLD_KILLED, pid=5, uid=0, status=9}"),
    ("freebsd", "_umtx_op", (64, 11, 5, 24, 80), {4: (7).to_bytes(24, "little")},
     "UMTX_OP_WAIT_UINT, 5, 24, {timeout={sec=7, nsec=0}, flags=0, clockid=0})"),
    ("freebsd", "cpuset_getaffinity", (3, 1, 0, 16, 64), {4: b"\5" + bytes(15)}, "16, [0, 2])"),
    ("freebsd", "sigaltstack", (64, 0), {0: bytes(16) + b"\4" + bytes(7)},
     "{sp=0x0, size=0, flags=SS_DISABLE}"),
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


def test_a_set_of_descriptors_before_and_after() -> None:
    """What select was asked about, and what it answered; names are those that are known."""
    abi = load(HOST)
    raw = RawCall(
        abi.calls["select"].number, (8, 64, 0, 0, 0), {1: Seen(b"\x28")}, {1: Seen(b"\x08")}, "done", 1,
        descriptors={3: b"pipe:[7]"}, descriptors_after={3: b"pipe:[7]"},
    )  # fmt: skip
    assert "(8, [3<pipe:[7]>, 5] => [3<pipe:[7]>], NULL" in text.call(Decoder(abi, load(HOST)).decode(raw))


def test_a_list_that_was_cut_off_says_so() -> None:
    abi = load(HOST)
    whole = entry("QqHB", "a", 1, 2, 24, 8)
    for data, truncated, expected in ((whole * 2, True, ", ...], "), (whole + whole[:9], False, ", ...], ")):
        raw = RawCall(abi.calls["getdents64"].number, (3, 64, 99), {}, {1: Seen(data, truncated)}, "done", 99)
        assert expected in text.call(Decoder(abi, load(HOST)).decode(raw))
    many = RawCall(abi.calls["getdents64"].number, (3, 64, 99), {}, {1: Seen(whole * 40)}, "done", 960)
    decoded = Decoder(abi, load(HOST)).decode(many)
    assert text.call(decoded).count("DT_REG") == 16
    shown = ndjson.value(decoded.arguments[1][1])["target"]
    assert len(shown["values"]) == 40
    assert not shown["truncated"]


def test_what_is_copied_of_lists_and_sets() -> None:
    """Bits are counted in bytes; file systems are counted by the result, directories in its bytes."""
    abi = load("freebsd")
    found = {name: captures(abi, abi.calls[name]) for name in ("select", "getfsstat", "getdirentries")}
    assert [c.flags for c in found["select"][:3]] == [("BITS", "NARROW")] * 3
    assert (found["getfsstat"][0].size, found["getfsstat"][0].flags) == (2344, ("EACH", "RESULT"))
    assert (found["getdirentries"][0].size, found["getdirentries"][0].flags) == (1, ("RESULT",))
