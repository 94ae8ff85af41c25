"""The Guest object, with this process as the guest."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import mmap
import os
from collections.abc import Iterator

import pytest

from personality.supervisor import guest as module
from personality.supervisor.guest import Guest


@pytest.fixture(params=["core", "mem"])
def me(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guest]:
    """This process, through process_vm_readv and through /proc/PID/mem."""
    if request.param == "mem":
        monkeypatch.setattr(module, "_core", None)
    elif importlib.util.find_spec("personality._core") is None:
        pytest.skip("the core was not built: python3 -m pip install -e .")
    guest = Guest(os.getpid(), os.getpid(), "freebsd")
    yield guest
    guest.close()


def test_memory_both_ways(me: Guest) -> None:
    buffer = ctypes.create_string_buffer(b"hello world", 32)
    address = ctypes.addressof(buffer)
    assert me.read(address, 5) == b"hello"
    me.write(address, b"HOWDY")
    assert buffer.value == b"HOWDY world"
    me.write_u64(address, 0x1122334455667788)
    assert me.read_u32(address) == 0x55667788
    assert me.read_u64(address) == 0x1122334455667788
    assert me.read(address, 0) == b""


def test_strings_end_at_the_nul_and_at_the_limit(me: Guest) -> None:
    text = b"x" * 5000
    buffer = ctypes.create_string_buffer(text)
    assert me.read_string(ctypes.addressof(buffer), 8192) == text
    with pytest.raises(OSError, match="too long") as caught:
        me.read_string(ctypes.addressof(buffer), 5000)
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_string_may_end_at_the_last_byte_before_a_hole(me: Guest) -> None:
    area = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(address + mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
    area[mmap.PAGESIZE - 3 : mmap.PAGESIZE] = b"ab\0"
    assert me.read_string(address + mmap.PAGESIZE - 3, 1024) == b"ab"
    libc.mprotect(ctypes.c_void_p(address + mmap.PAGESIZE), mmap.PAGESIZE, 3)


@pytest.mark.parametrize("address", [0, 4096, 0x7FFFFFFFF000, 1 << 47, (1 << 64) - 8])
def test_bad_addresses_fault(me: Guest, address: int) -> None:
    for attempt in (lambda: me.read(address, 8), lambda: me.write(address, b"12345678")):
        with pytest.raises(OSError, match="Bad address") as caught:
            attempt()
        assert caught.value.errno == errno.EFAULT


def test_credentials_are_this_processes(me: Guest) -> None:
    credentials = me.credentials()
    assert credentials.real_user == os.getuid()
    assert credentials.effective_user == os.geteuid()
    assert credentials.effective_group == os.getegid()
    assert sorted(credentials.groups) == sorted(os.getgroups())
    assert credentials.privileged == (os.geteuid() == 0)


def test_a_process_that_is_gone_is_esrch(me: Guest) -> None:
    with pytest.raises(ProcessLookupError):
        me.credentials(4194304)


def test_descriptors_are_copied(me: Guest) -> None:
    reader, writer = os.pipe()
    copy = me.descriptor(reader)
    os.write(writer, b"x")
    assert os.read(copy, 1) == b"x"
    for descriptor in (copy, reader, writer):
        os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        me.descriptor(999)
