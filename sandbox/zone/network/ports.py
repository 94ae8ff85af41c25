"""Ports of a zone on the host: a small program that passes connections on for as long as the zone runs."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.zone import ZoneError

_TEXT = re.compile(r"(?:([0-9.]+):)?([0-9]{1,5}):([0-9]{1,5})(?:/(tcp|udp))?")


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the host that leads to one of the zone; `host` "" is every address of the host."""

    outside: int
    inside: int
    host: str = ""

    @classmethod
    def parse(cls, text: str) -> Port:
        """[ADDRESS:]OUTSIDE:INSIDE[/tcp].  Raises ZoneError."""
        found = _TEXT.fullmatch(text)
        if not found or not all(0 < int(number) < 1 << 16 for number in found.group(2, 3)):
            raise ZoneError(
                f"{text!r} is no port: write OUTSIDE:INSIDE or ADDRESS:OUTSIDE:INSIDE, as in 8080:80"
            )
        if found[4] == "udp":
            raise ZoneError(f"{text} cannot be published: only connections (tcp) are passed on")
        try:
            host = str(ipaddress.IPv4Address(found[1])) if found[1] else ""
        except ValueError:
            raise ZoneError(f"{found[1]} is no address of the host") from None
        return cls(int(found[2]), int(found[3]), host)


def publish(pid: int, address: str, ports: Iterable[Port]) -> int | None:
    """Pass connections to the host's `ports` on to the zone at `address`, until process `pid` has ended.

    The number of the process that does it.  Raises ZoneError where a port is taken.
    """
    listening: list[socket.socket] = []
    watched = -1
    wanted = list(ports)
    if not wanted:
        return None
    try:
        for port in wanted:
            try:
                listening.append(socket.create_server((port.host, port.outside), backlog=1024))
            except OSError as error:
                where = f"{port.host or 'the host'} port {port.outside}"
                raise ZoneError(
                    f"{where} cannot be published: {os.strerror(error.errno or 0).lower()}"
                ) from None
        try:
            watched = os.pidfd_open(pid)
        except OSError:
            raise ZoneError(f"no port can be published: process {pid} has ended") from None
        descriptors = [one.fileno() for one in listening]
        pairs = [f"{one.fileno()}:{port.inside}" for one, port in zip(listening, wanted, strict=True)]
        import subprocess

        program = os.path.join(os.path.dirname(__file__), "forward.py")
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", program, str(watched), address, *pairs],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            pass_fds=[watched, *descriptors], start_new_session=True, env={},
        )  # fmt: skip
    finally:
        for one in listening:
            one.close()
        if watched >= 0:
            os.close(watched)
    child.returncode = 0  # it is nobody's to wait for: it ends with the zone
    return child.pid
