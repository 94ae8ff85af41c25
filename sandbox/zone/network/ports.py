"""Ports of a zone on the host: a small program that passes them on for as long as the zone runs."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.zone import ZoneError
from sandbox.zone.configuration import published_port


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the host that leads to one of the zone; `host` "" is every address of the host."""

    outside: int
    inside: int
    host: str = ""
    kind: str = "tcp"

    @classmethod
    def parse(cls, text: str) -> Port:
        """[ADDRESS:]OUTSIDE:INSIDE[/tcp|/udp].  Raises ZoneError."""
        try:
            host, outside, inside, kind = published_port(text)
        except ValueError as error:
            raise ZoneError(f"{text!r} is no port: {error}") from None
        return cls(outside, inside, host, kind)

    def open(self) -> socket.socket:
        """Bound, and listening where it is for connections.  Raises OSError."""
        both = not self.host and socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both or ":" in self.host else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM if self.kind == "udp" else socket.SOCK_STREAM)
        try:
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
            if self.kind == "tcp":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((self.host, self.outside))
            if self.kind == "tcp":
                one.listen(1024)
        except OSError:
            one.close()
            raise
        return one


def publish(pid: int, address: str, ports: Iterable[Port]) -> int | None:
    """Pass what comes to the host's `ports` on to the zone at `address`, until process `pid` has ended.

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
                listening.append(port.open())
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
        pairs = [
            f"{port.kind}:{one.fileno()}:{port.inside}" for one, port in zip(listening, wanted, strict=True)
        ]
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
