"""Process tables, interface lists, modules and kenv: their layouts and what they say."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
import sys

import pytest

from personality.bsd.disks import disks
from personality.freebsd import jails, kenv, modules
from personality.freebsd.sysctl import process

from .test_sysctl import LENGTH, NAME, NEW, OLD, Kernel, Memory, fails


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def test_the_entry_of_one_process(kernel: Kernel) -> None:
    entry = kernel.get(1, 14, 1, os.getpid())
    assert len(entry) == process.KINFO_SIZE == 1088
    assert struct.unpack_from("<2i", entry) == (1088, 0)
    assert struct.unpack_from("<3i", entry, 72) == (os.getpid(), os.getppid(), os.getpgrp())
    assert struct.unpack_from("<2I", entry, 168) == (os.geteuid(), os.getuid())
    assert entry[388] in (2, 3)
    assert struct.unpack_from("<i", entry, 596)[0] >= 1
    with open("/proc/self/comm", encoding="ascii") as file:
        assert entry[447:467].rstrip(b"\0").decode() == file.read().strip()


def test_all_processes_are_listed(kernel: Kernel) -> None:
    table = kernel.get(1, 14, 8, 0)
    assert len(table) % 1088 == 0
    pids = [struct.unpack_from("<i", table, at + 72)[0] for at in range(0, len(table), 1088)]
    assert os.getpid() in pids
    assert len(pids) == len(set(pids))
    with fails(errno.ENOMEM):
        kernel.get(1, 14, 8, 0, room=1000)
    group = kernel.get(1, 14, 2, os.getpgrp())
    assert all(
        struct.unpack_from("<i", group, at + 80)[0] == os.getpgrp() for at in range(0, len(group), 1088)
    )


def test_facts_of_this_process(kernel: Kernel) -> None:
    me = -1
    assert kernel.get(1, 14, 12, me)[:-1].decode() == os.path.realpath(sys.executable)
    with open("/proc/self/cmdline", "rb") as file:
        assert kernel.get(1, 14, 7, me) == file.read()
    assert kernel.get(1, 14, 39, me) == struct.pack("<H", current_mask())
    files = struct.unpack("<i", kernel.get(1, 14, 43, me))[0]
    assert abs(files - len(os.listdir("/proc/self/fd"))) <= 1
    soft, hard = struct.unpack("<2q", kernel.get(1, 14, 37, me, 8))
    assert soft == os.sysconf("SC_OPEN_MAX")
    assert hard >= soft
    with fails(errno.EINVAL):
        kernel.get(1, 14, 37, me, 99)
    groups = kernel.get(1, 14, 34, me)
    assert struct.unpack_from("<I", groups)[0] == os.getegid()


def current_mask() -> int:
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


def test_a_title_replaces_the_arguments_until_it_is_taken_back(kernel: Kernel) -> None:
    kernel.get(1, 14, 7, os.getpid(), new=b"worker: idle\0")
    assert kernel.get(1, 14, 7, os.getpid()) == b"worker: idle\0"
    kernel.get(1, 14, 7, os.getpid(), new=b"")
    with open("/proc/self/cmdline", "rb") as file:
        assert kernel.get(1, 14, 7, os.getpid()) == file.read()
    other = subprocess.Popen(["sleep", "60"])
    try:
        with fails(errno.EPERM):
            kernel.get(1, 14, 7, other.pid, new=b"x\0")
    finally:
        other.kill()
        other.wait()


def records(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = struct.unpack_from("<i", data)[0]
        assert size % 8 == 0
        found.append(data[:size])
        data = data[size:]
    return found


def test_descriptors_of_this_process(kernel: Kernel, tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "file")
    with open(path, "w", encoding="ascii") as file:
        file.write("x" * 100)
        file.flush()
        entries = {
            struct.unpack_from("<i", entry, 8)[0]: entry for entry in records(kernel.get(1, 14, 33, -1))
        }
        mine = entries[file.fileno()]
    assert struct.unpack_from("<i", mine, 4)[0] == 1  # KF_TYPE_VNODE
    assert struct.unpack_from("<i", mine, 16)[0] == 2  # KF_FLAG_WRITE
    assert struct.unpack_from("<q", mine, 24)[0] == 100
    assert struct.unpack_from("<Q", mine, 32 + 280)[0] == 100
    assert mine[368:].rstrip(b"\0").decode() == path
    assert entries[-1][368:].rstrip(b"\0").decode() == os.getcwd()


def test_the_working_directory_comes_as_a_whole_record(kernel: Kernel) -> None:
    (entry,) = records(kernel.get(1, 14, 42, os.getpid()))
    assert len(entry) == 1392
    assert entry[368:].rstrip(b"\0").decode() == os.getcwd()


def test_disks(kernel: Kernel) -> None:
    count = kernel.number("kern.devstat.numdevs")
    assert count == len(disks())
    table = kernel.named("kern.devstat.all")
    assert len(table) == 8 + 288 * count
    assert table[:8] == kernel.named("kern.devstat.generation")
    for number, disk in enumerate(disks()):
        entry = table[8 + 288 * number :][:288]
        assert entry[:4] == entry[280:284]
        name = entry[44:60].rstrip(b"\0").decode()
        assert disk.name in (name, f"{name}{struct.unpack_from('<i', entry, 60)[0]}")
        assert 0 < sum(struct.unpack_from("<2Q", entry, 104)) <= disk.reads + disk.writes


def test_mappings_of_this_process(kernel: Kernel) -> None:
    entries = records(kernel.get(1, 14, 32, -1))
    ranges = [struct.unpack_from("<2Q", entry, 8) for entry in entries]
    assert ranges == sorted(ranges)
    paths = {entry[136:].rstrip(b"\0").decode() for entry in entries}
    assert any("libc" in path for path in paths)


def messages(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = struct.unpack_from("<H", data)[0]
        assert size % 8 == 0
        assert data[2] == 5  # RTM_VERSION
        found.append(data[:size])
        data = data[size:]
    return found


@pytest.mark.parametrize(("what", "link_header", "address_header"), [(3, 168, 20), (5, 176, 176)])
def test_interface_lists(kernel: Kernel, what: int, link_header: int, address_header: int) -> None:
    names = []
    loopback = False
    for message in messages(kernel.get(4, 17, 0, 0, what, 0)):
        if message[3] == 0x0E:
            size, family, index, _kind, length = struct.unpack_from("<BBHBB", message, link_header)
            assert (size, family) == (56, 18)
            name = message[link_header + 8 : link_header + 8 + length].decode()
            assert socket.if_nametoindex(name) == index
            names.append(name)
        else:
            assert message[3] == 0x0C
            mask_size = message[address_header]
            address = message[address_header + (mask_size + 7) // 8 * 8 :]
            loopback = loopback or address[:8] == b"\x10\x02\0\0\x7f\0\0\1"
    assert sorted(names) == sorted(name for _, name in socket.if_nameindex())
    assert loopback


def test_one_interface_and_one_family(kernel: Kernel) -> None:
    index = socket.if_nametoindex("lo")
    found = messages(kernel.get(4, 17, 0, 2, 3, index))
    assert [message[3] for message in found] == [0x0E] + [0x0C] * (len(found) - 1)
    assert kernel.get(4, 17, 0, 0, 3, 9999) == b""


def test_routes_and_groups_are_whole_messages(kernel: Kernel) -> None:
    for message in messages(kernel.get(4, 17, 0, 0, 1, 0)):
        assert message[3] == 4
        assert len(message) > 152
    for message in messages(kernel.get(4, 17, 0, 0, 4, 0)):
        assert message[3] == 0x0F


def test_kenv() -> None:
    guest = Memory()
    guest.write(NAME, b"kernelname\0")
    assert kenv.kenv(guest, (0, NAME, OLD, 64, 0, 0, 0, 0)) == len("/boot/kernel/kernel") + 1
    assert guest.read(OLD, 20) == b"/boot/kernel/kernel\0"
    assert kenv.kenv(guest, (0, NAME, OLD, 5, 0, 0, 0, 0)) == 5
    guest.write(NAME, b"nothing\0")
    for args, number in (((0, NAME), errno.ENOENT), ((9, NAME), errno.EINVAL)):
        with fails(number):
            kenv.kenv(guest, (*args, OLD, 64, 0, 0, 0, 0))
    if os.geteuid() != 0:
        with fails(errno.EPERM):
            kenv.kenv(guest, (1, NAME, OLD, 64, 0, 0, 0, 0))
    needed = kenv.kenv(guest, (3, 0, 0, 0, 0, 0, 0, 0))
    assert kenv.kenv(guest, (3, 0, OLD, needed, 0, 0, 0, 0)) == 0
    assert guest.read(OLD, needed).count(b"\0") == len(kenv.ENVIRONMENT)
    assert kenv.kenv(guest, (3, 0, OLD, needed - 1, 0, 0, 0, 0)) == needed


def test_the_kernel_is_the_only_linker_file() -> None:
    guest = Memory()
    guest.write(NAME, b"kernel\0")
    assert modules.kldfind(guest, (NAME,)) == 1
    assert modules.kldnext(guest, (0,)) == 1
    assert modules.kldnext(guest, (1,)) == 0
    for version in (1056, 2080):
        guest.write_u32(OLD, version)
        assert modules.kldstat(guest, (1, OLD)) == 0
        assert guest.read(OLD + 4, 7) == b"kernel\0"
        assert guest.read_u32(OLD + 1032) == 1
    assert guest.read(OLD + 1056, 20) == b"/boot/kernel/kernel\0"
    guest.write_u32(OLD, 99)
    with fails(errno.EINVAL):
        modules.kldstat(guest, (1, OLD))
    with fails(errno.ENOENT):
        modules.modfind(guest, (NAME,))
    with fails(errno.EFAULT):
        modules.modfind(guest, (8,))


def test_there_are_no_jails() -> None:
    guest = Memory()
    for args, number in (
        ((NEW, 2, 0), errno.ENOENT),
        ((NEW, 3, 0), errno.EINVAL),
        ((NEW, 2, 1), errno.EINVAL),
        ((8, 2, 0), errno.EFAULT),
    ):
        with fails(number):
            jails.jail_get(guest, args)
    assert guest.read_u64(LENGTH) == 0
