"""Numbers that mirror the kernel's, compared with its headers and with Guise's own tables."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.zone import filter, kernel
from syscalls import load

HEADERS = [
    "asm/unistd.h", "linux/capability.h", "linux/fcntl.h", "linux/mount.h", "linux/prctl.h", "linux/sched.h",
    "sys/ioctl.h", "linux/audit.h", "linux/seccomp.h",
]  # fmt: skip
I386 = Path("/usr/include/x86_64-linux-gnu/asm/unistd_32.h")


def constants(names: list[str]) -> dict[str, int]:
    """What the compiler says these are; those that its headers do not have are left out."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    text = "".join(f"#include <{name}>\n" for name in HEADERS)
    text += "".join(f'#ifdef {name}\nVALUE "{name}" ({name})\n#endif\n' for name in names)
    lines = subprocess.run(
        [compiler, "-E", "-P", "-"], input=text, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = {}
    for line in lines:
        if line.startswith("VALUE "):
            expression = re.sub(r"(?<=[0-9a-fA-F])[uUlL]+\b", "", line.split("(", 1)[1].rpartition(")")[0])
            expression = re.sub(r"\b0([0-7]+)\b", r"0o\1", expression)
            found[line.split('"')[1]] = eval(expression)  # arithmetic of the compiler's own headers
    return found


def agree(expected: dict[str, int]) -> None:
    found = constants(list(expected))
    assert found, "the headers have none of these"
    assert found == {name: expected[name] for name in found}


def test_refused_calls_are_those_of_the_tables() -> None:
    rows = {call.name: call.number for call in load("linux").calls.values()}
    special = {
        "clone": filter.CLONE,
        "unshare": filter.UNSHARE,
        "ioctl": filter.IOCTL,
        "socket": filter.SOCKET,
    }
    for name, number in {
        **{name: native for name, native, _compatible, _error in filter.REFUSED},
        **{name: numbers[0] for name, numbers in special.items()},
    }.items():
        assert rows.get(name) == number, name
    assert (
        max(number for name, number in rows.items() if number < 512 and not name.startswith("reserved"))
        == filter.HIGHEST
    )


def test_refused_calls_of_32_bits() -> None:
    if not I386.exists():
        pytest.skip("needs the 32-bit numbers of linux-libc-dev")
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", I386.read_text()))
    special = {
        "clone": filter.CLONE,
        "unshare": filter.UNSHARE,
        "ioctl": filter.IOCTL,
        "socket": filter.SOCKET,
    }
    rows = {name: compatible for name, _native, compatible, _error in filter.REFUSED}
    for name, number in {**rows, **{name: pair[1] for name, pair in special.items()}}.items():
        if name in numbers:
            assert number == int(numbers[name]), name


def test_constants() -> None:
    namespaces = {"mount": "NS", "uts": "UTS", "ipc": "IPC", "user": "USER", "pid": "PID", "net": "NET"}
    agree({f"CLONE_NEW{name}": kernel.NEW_NAMESPACE[kind] for kind, name in namespaces.items()})
    agree(
        {name: getattr(kernel, name) for name in dir(kernel) if re.match(r"(MS|AT|OPEN_TREE|PR|MNT)_", name)}
        | {f"MOUNT_{name}": getattr(kernel, name) for name in dir(kernel) if name.startswith("ATTR_")}
        | {
            "MOVE_MOUNT_F_EMPTY_PATH": kernel.MOVE_FROM_DESCRIPTOR,
            "MOVE_MOUNT_T_EMPTY_PATH": kernel.MOVE_TO_DESCRIPTOR,
        }
    )
    agree({f"CAP_{name.upper()}": number for number, name in enumerate(kernel.CAPABILITIES)})
    agree({"TIOCSTI": filter.TIOCSTI, "TIOCLINUX": filter.TIOCLINUX, "CLONE_NEWTIME": filter.TIME_NAMESPACE})


def test_namespaces_of_the_filter() -> None:
    every = 0x02000000  # CLONE_NEWCGROUP, which no zone makes
    for value in kernel.NEW_NAMESPACE.values():
        every |= value
    assert every == filter.NAMESPACES


def run_filter(number: int, *arguments: int, arch: int = 0xC000003E) -> int:
    """What the filter's program answers, by the rules of classic BPF as seccomp has them."""
    data = number.to_bytes(4, "little") + arch.to_bytes(4, "little") + bytes(8)
    data += b"".join(value.to_bytes(8, "little") for value in (*arguments, *(0,) * (6 - len(arguments))))
    code = filter.program()
    accumulator = at = 0
    while True:
        operation, yes, no, value = filter.INSTRUCTION.unpack_from(code, at * 8)
        at += 1
        if operation == 0x20:
            accumulator = int.from_bytes(data[value : value + 4], "little")
        elif operation == 0x06:
            return int(value)
        elif operation == 0x05:
            at += value
        else:
            tests = {0x15: accumulator == value, 0x25: accumulator > value, 0x45: bool(accumulator & value)}
            at += yes if tests[operation] else no


ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def test_the_filter_answers_as_the_table_says() -> None:
    for arch, column in ((0xC000003E, 1), (0x40000003, 2)):
        refused = {row[column]: row[3] for row in filter.REFUSED if row[column] is not None}
        special = {pair[column - 1] for pair in (filter.CLONE, filter.UNSHARE, filter.IOCTL, filter.SOCKET)}
        for number in range(600):
            answer = run_filter(number, arch=arch)
            if number > filter.HIGHEST:
                assert answer == ERRNO | 38
            elif number in refused:
                assert answer == ERRNO | refused[number]
            else:
                assert answer == ALLOW, number
        assert special.isdisjoint(refused)
    assert run_filter(0x40000000 | 39) == ERRNO | 38
    assert run_filter(39, arch=0xC00000B7) == ERRNO | 38


def test_the_filter_looks_at_arguments() -> None:
    clone, unshare, ioctl, socket = (
        pair[0] for pair in (filter.CLONE, filter.UNSHARE, filter.IOCTL, filter.SOCKET)
    )
    assert run_filter(clone, 0x003D0F00) == ALLOW  # a thread
    for flag in kernel.NEW_NAMESPACE.values():
        assert run_filter(clone, flag | 17) == run_filter(unshare, flag) == ERRNO | 1
    assert run_filter(unshare, filter.TIME_NAMESPACE) == ERRNO | 1
    assert run_filter(unshare, 0x400) == ALLOW  # CLONE_FILES
    assert run_filter(ioctl, 0, 0x5401) == ALLOW
    for request in (filter.TIOCSTI, filter.TIOCLINUX, filter.TIOCSTI | 1 << 32):
        assert run_filter(ioctl, 0, request) == ERRNO | 1
    assert run_filter(socket, 2) == ALLOW
    assert run_filter(socket, filter.AF_ALG) == run_filter(socket, filter.AF_VSOCK) == ERRNO | 97
