"""FreeBSD's sysctl against its rules: lengths, errnos, names, and a walk over the whole tree."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator

import pytest

from personality.bsd.facts import processors
from personality.freebsd import releases
from personality.freebsd.sysctl import calls, node, tree
from personality.supervisor.guest import Guest

NAME, OLD, LENGTH, NEW = 0x10000, 0x20000, 0x90000, 0xA0000


class Memory(Guest):
    """A guest whose memory is one array; addresses above it fault."""

    __slots__ = ("bytes",)

    def __init__(self, release: int = 0) -> None:
        super().__init__(os.getpid(), os.getpid(), "freebsd", release)
        self.bytes = bytearray(0xB0000)

    def read(self, address: int, size: int) -> bytes:
        self._check(address, size)
        return bytes(self.bytes[address : address + size])

    def write(self, address: int, data: bytes) -> None:
        self._check(address, len(data))
        self.bytes[address : address + len(data)] = data

    def _check(self, address: int, size: int) -> None:
        if size and (address < 4096 or address + size > len(self.bytes)):
            raise OSError(errno.EFAULT, "Bad address")


class Kernel:
    """sysctl as a program calls it."""

    def __init__(self, release: int = 0) -> None:
        self.guest = Memory(release)

    def get(self, *name: int, room: int = 0x70000, new: bytes | None = None) -> bytes:
        self.guest.write(NAME, struct.pack(f"<{len(name)}I", *(number & 0xFFFFFFFF for number in name)))
        return self._call(calls.sysctl, len(name), room, new)

    def named(self, name: str, room: int = 0x70000, new: bytes | None = None) -> bytes:
        self.guest.write(NAME, name.encode())
        return self._call(calls.sysctlbyname, len(name), room, new)

    def _call(self, function: object, size: int, room: int, new: bytes | None) -> bytes:
        assert callable(function)
        self.guest.write_u64(LENGTH, room)
        if new is not None:
            self.guest.write(NEW, new)
        args = (NAME, size, OLD, LENGTH, NEW if new is not None else 0, len(new or b""), 0, 0)
        assert function(self.guest, args) == 0
        return self.guest.read(OLD, self.guest.read_u64(LENGTH))

    def number(self, name: str) -> int:
        return int.from_bytes(self.named(name), "little", signed=True)

    def text(self, name: str) -> str:
        value = self.named(name)
        assert value.endswith(b"\0")
        return value[:-1].decode()

    def walk(self) -> Iterator[tuple[int, ...]]:
        name: tuple[int, ...] = (1,)
        while True:
            try:
                raw = self.get(0, 2, *name)
            except FileNotFoundError:
                return
            following = struct.unpack(f"<{len(raw) // 4}I", raw)
            assert following > name or len(name) == 1
            name = following
            yield name


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def fails(number: int) -> pytest.RaisesExc[OSError]:
    def right(error: OSError) -> bool:
        return error.errno == number

    return pytest.RaisesExc(OSError, check=right)


def test_what_every_program_asks_at_its_start(kernel: Kernel) -> None:
    assert kernel.get(6, 3) == struct.pack("<i", processors(kernel.guest))
    assert kernel.get(6, 7) == struct.pack("<i", 4096)
    assert kernel.get(1, 24) == struct.pack("<i", releases.DEFAULT)
    assert kernel.text("kern.ostype") == "FreeBSD"
    assert kernel.text("kern.hostname") == os.uname().nodename
    assert len(kernel.get(1, 37, room=16)) == 16
    assert kernel.number("kern.smp.cpus") == processors(kernel.guest)


def test_the_release_asked_for_is_seen() -> None:
    kernel = Kernel(1302001)
    assert kernel.text("kern.osrelease") == "13.2-RELEASE"
    assert kernel.number("kern.osreldate") == 1302001
    assert "13.2-RELEASE" in kernel.text("kern.version")


def test_a_short_buffer_gets_what_fits_and_enomem(kernel: Kernel) -> None:
    kernel.guest.write(OLD, b"\xee" * 16)
    with fails(errno.ENOMEM):
        kernel.named("kern.ostype", room=4)
    assert kernel.guest.read(OLD, 8) == b"Free\xee\xee\xee\xee"
    assert kernel.guest.read_u64(LENGTH) == 4


def test_without_a_buffer_only_the_length_is_told(kernel: Kernel) -> None:
    kernel.guest.write(NAME, struct.pack("<2I", 1, 1))
    kernel.guest.write_u64(LENGTH, 0)
    assert calls.sysctl(kernel.guest, (NAME, 2, 0, LENGTH, 0, 0, 0, 0)) == 0
    assert kernel.guest.read_u64(LENGTH) == len("FreeBSD") + 1


def test_no_length_means_no_output(kernel: Kernel) -> None:
    kernel.guest.write(NAME, struct.pack("<2I", 1, 1))
    assert calls.sysctl(kernel.guest, (NAME, 2, 0, 0, 0, 0, 0, 0)) == 0
    with fails(errno.ENOMEM):
        calls.sysctl(kernel.guest, (NAME, 2, OLD, 0, 0, 0, 0, 0))


def test_a_long_buffer_is_only_written_where_needed(kernel: Kernel) -> None:
    kernel.guest.write(OLD, b"\xee" * 16)
    assert kernel.get(6, 3, room=16) == struct.pack("<i", processors(kernel.guest))
    assert kernel.guest.read(OLD + 4, 4) == b"\xee" * 4


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ((1,), errno.EINVAL),
        ((), errno.EINVAL),
        ((1, *(0,) * 24), errno.EINVAL),
        ((1, 9999), errno.ENOENT),
        ((77, 1), errno.ENOENT),
        ((1, 1, 1), errno.ENOTDIR),
        ((1, 30), errno.EISDIR),
        ((1, 14), errno.EISDIR),
        ((1, 14, 1), errno.EINVAL),
        ((1, 14, 1, 0x7FFFFFF0), errno.ESRCH),
        ((1, 14, 12), errno.EINVAL),
        ((4, 17, 0, 0, 3), errno.EISDIR),
        ((4, 17, 0, 0, 3, 0, 0), errno.ENOTDIR),
        ((4, 17, 0, 0, 99, 0), errno.EINVAL),
        ((4, 17, 0, 200, 3, 0), errno.EINVAL),
    ],
)
def test_errnos_of_numeric_names(kernel: Kernel, name: tuple[int, ...], number: int) -> None:
    with fails(number):
        kernel.get(*name)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("no.such.thing", errno.ENOENT),
        ("kern.ostype.more", errno.ENOENT),
        ("", errno.EINVAL),
        ("x" * 1025, errno.EINVAL),
        ("x" * 1024, errno.ENAMETOOLONG),
        (".kern", errno.ENOENT),
        ("kern..ostype", errno.ENOENT),
    ],
)
def test_errnos_of_spelled_names(kernel: Kernel, name: str, number: int) -> None:
    with fails(number):
        kernel.named(name)


def test_bad_pointers_fault(kernel: Kernel) -> None:
    kernel.guest.write(NAME, struct.pack("<2I", 1, 1))
    kernel.guest.write_u64(LENGTH, 100)
    for args in ((8, 2, OLD, LENGTH), (NAME, 2, 8, LENGTH), (NAME, 2, OLD, 8)):
        with fails(errno.EFAULT):
            calls.sysctl(kernel.guest, (*args, 0, 0, 0, 0))


def test_what_is_read_only_cannot_be_written(kernel: Kernel) -> None:
    for name in ("kern.ostype", "hw.ncpu", "kern.proc.pathname"):
        with fails(errno.EPERM):
            kernel.get(*tree.parse(name), *((-1,) if "proc" in name else ()), new=b"\1\0\0\0")


def test_names_become_numbers_and_back(kernel: Kernel) -> None:
    raw = kernel.get(0, 3, new=b"kern.proc.pathname\0")
    assert struct.unpack("<3I", raw) == (1, 14, 12)
    assert kernel.get(0, 3, new=b"hw.ncpu.") == struct.pack("<2I", 6, 3)
    assert kernel.get(0, 1, 6, 3) == b"hw.ncpu\0"
    assert kernel.get(0, 1, 1, 14, 12, 77) == b"kern.proc.pathname.77\0"
    assert kernel.get(0, 1, 1234, 5) == b"1234.5\0"
    with fails(errno.ENOENT):
        kernel.get(0, 3)
    with fails(errno.ENOENT):
        kernel.get(0, 3, new=b"kern.nothing")


def test_formats_and_descriptions(kernel: Kernel) -> None:
    kind, text = struct.unpack_from("<I", raw := kernel.get(0, 4, 6, 3))[0], raw[4:]
    assert (kind & node.TYPE_MASK, text) == (node.INT, b"I\0")
    assert kind & node.READ
    assert not kind & node.WRITE
    assert kernel.get(0, 4, 1, 21)[4:] == b"S,timeval\0"
    assert kernel.get(0, 5, 1, 10) == b"Hostname\0"


def test_a_walk_meets_every_leaf_once_and_each_can_be_read(kernel: Kernel) -> None:
    names = list(kernel.walk())
    assert len(names) == len(set(names)) > 300
    assert names == sorted(names)
    spelled = [kernel.get(0, 1, *name)[:-1].decode() for name in names]
    assert len(set(spelled)) == len(spelled)
    for number, name in zip(names, spelled, strict=True):
        assert tree.parse(name) == number, name
        kind = struct.unpack_from("<I", kernel.get(0, 4, *number))[0]
        kernel.get(0, 5, *number)
        if kind & node.TYPE_MASK == node.NODE or name == "kern.devname":
            continue
        value = kernel.get(*number)
        sizes = {node.INT: 4, node.UINT: 4, node.LONG: 8, node.ULONG: 8, node.S64: 8, node.U64: 8}
        expected = sizes.get(kind & node.TYPE_MASK)
        assert expected is None or len(value) == expected, name
        assert kind & node.TYPE_MASK != node.STRING or value.endswith(b"\0"), name


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("kern.clockrate", 20),
        ("kern.boottime", 16),
        ("vm.loadavg", 24),
        ("vm.vmtotal", 88),
        ("kern.cp_time", 40),
    ],
)
def test_structures_have_their_size(kernel: Kernel, name: str, size: int) -> None:
    assert len(kernel.named(name)) == size


def test_counters_can_be_read_as_the_32_bits_that_they_once_had(kernel: Kernel) -> None:
    assert len(kernel.named("vm.stats.sys.v_swtch")) == 8
    assert len(kernel.named("vm.stats.sys.v_swtch", room=4)) == 4
    with fails(errno.ENOENT):
        kernel.named("vm.swap_info")


def test_the_top_of_the_stack_comes_from_the_runtime(kernel: Kernel) -> None:
    kernel.guest.write(NAME, struct.pack("<2I", 1, 33))
    kernel.guest.write_u64(LENGTH, 8)
    assert calls.sysctl(kernel.guest, (NAME, 2, OLD, LENGTH, 0, 0, 0x7FFE12340000, 0x7FFE1233FFE0)) == 0
    assert kernel.guest.read_u64(OLD) == 0x7FFE12340000
    kernel.guest.write(NAME, struct.pack("<2I", 1, 32))
    assert calls.sysctl(kernel.guest, (NAME, 2, OLD, LENGTH, 0, 0, 0x7FFE12340000, 0x7FFE1233FFE0)) == 0
    assert kernel.guest.read_u64(OLD) == 0x7FFE1233FFE0
