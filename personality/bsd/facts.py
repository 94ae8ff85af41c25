"""The machine and its kernel, as far as the host tells; each fact is a function of the guest that asks."""

from __future__ import annotations

import os
import struct
import time

from personality.bsd.sysctl_value import told_in_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from personality.supervisor.guest import Guest

PAGE = 4096


@told_in_process("processors")
def processors(_guest: Guest) -> int:
    return os.cpu_count() or 1


def memory(_guest: Guest) -> int:
    return os.sysconf("SC_PHYS_PAGES") * PAGE


def meminfo() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    values: dict[str, int] = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            words = rest.split()
            values[name] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return values


def cpu_fact(name: str) -> str:
    """A line of /proc/cpuinfo for the first processor, "" when it is not there."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def megahertz(_guest: Guest) -> int:
    return int(float(cpu_fact("cpu MHz") or 0))


def model(_guest: Guest) -> str:
    return cpu_fact("model name") or "amd64"


def hostname(_guest: Guest) -> str:
    return os.uname().nodename


def domain(_guest: Guest) -> str:
    with open("/proc/sys/kernel/domainname", encoding="utf-8", errors="replace") as file:
        name = file.read().strip()
    return "" if name == "(none)" else name


def set_hostname(_guest: Guest, value: bytes) -> None:
    import socket

    socket.sethostname(os.fsdecode(value.rstrip(b"\0")))


def set_domain(_guest: Guest, value: bytes) -> None:
    with open("/proc/sys/kernel/domainname", "wb") as file:
        file.write(value.rstrip(b"\0"))


def machine_id() -> str:
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            text = file.read().strip()
    except OSError:
        text = ""
    return text if len(text) == 32 else "0" * 32


def host_uuid(_guest: Guest) -> str:
    text = machine_id()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def host_id(_guest: Guest) -> int:
    return int(machine_id()[:8], 16)


def statistics(name: str) -> list[int]:
    """The numbers of one line of /proc/stat."""
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words and words[0] == name:
                return [int(word) for word in words[1:]]
    return []


def boot_time(_guest: Guest) -> bytes:
    """As /proc/stat's btime says it, where there may be no /proc."""
    return struct.pack("<2q", int(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)), 0)


def host_number(path: str, limit: int = 0x7FFFFFFF) -> int:
    with open(path, encoding="ascii") as file:
        return min(int(file.read().split()[0]), limit)


def max_processes(_guest: Guest) -> int:
    return host_number("/proc/sys/kernel/pid_max")


def max_files(_guest: Guest) -> int:
    return host_number("/proc/sys/fs/file-max")


def open_files(_guest: Guest) -> int:
    return host_number("/proc/sys/fs/file-nr")


def files_per_process(_guest: Guest) -> int:
    return host_number("/proc/sys/fs/nr_open")


def net_setting(path: str, word: int = 0, default: int = 0) -> Callable[[Guest], int]:
    """A number that the host keeps under /proc/sys/net, as a fact."""

    def read(_guest: Guest) -> int:
        try:
            with open(f"/proc/sys/net/{path}", encoding="ascii") as file:
                return int(file.read().split()[word])
        except FileNotFoundError:
            return default  # that protocol is not in the host kernel

    return read
