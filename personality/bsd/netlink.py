"""Interfaces, addresses and routes of the host, read through its routing socket."""

from __future__ import annotations

import socket
import struct

from personality.rtnetlink import DUMP, Channel, attributes

_LINKS, _ADDRESSES, _ROUTES = 18, 22, 26  # RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE
_MAIN_TABLE = 254


class Link:
    """A network interface; `flags` and `kind` are the host's IFF_* and ARPHRD_*."""

    __slots__ = ("address", "broadcast", "counters", "flags", "index", "kind", "mtu", "name")

    def __init__(self, index: int, kind: int, flags: int, attributes: dict[int, bytes]) -> None:
        self.index = index
        self.kind = kind
        self.flags = flags
        self.name = attributes.get(3, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
        self.address = attributes.get(1, b"")
        self.broadcast = attributes.get(2, b"")
        self.mtu = int.from_bytes(attributes.get(4, b"\0"), "little")
        # rtnl_link_stats64: packets, bytes, errors, dropped (each in and out), multicast, collisions
        self.counters = (
            struct.unpack_from("<10Q", attributes[23]) if len(attributes.get(23, b"")) >= 80 else (0,) * 10
        )


class Address:
    """An address of an interface, with the length of its prefix."""

    __slots__ = ("address", "broadcast", "family", "index", "prefix")

    def __init__(self, family: int, prefix: int, index: int, attributes: dict[int, bytes]) -> None:
        self.family = family
        self.prefix = prefix
        self.index = index
        self.address = attributes.get(2) or attributes.get(1, b"")  # IFA_LOCAL where there is a peer
        self.broadcast = attributes.get(4, b"") or (attributes.get(1, b"") if 2 in attributes else b"")


class Route:
    """A route of the main table; `gateway` is empty for one over a link."""

    __slots__ = ("destination", "family", "gateway", "index", "prefix", "scope")

    def __init__(self, family: int, prefix: int, scope: int, attributes: dict[int, bytes]) -> None:
        self.family = family
        self.prefix = prefix
        self.scope = scope
        size = 4 if family == socket.AF_INET else 16
        self.destination = attributes.get(1, bytes(size))
        self.gateway = attributes.get(5, b"")
        self.index = int.from_bytes(attributes.get(4, b"\0"), "little")


def links() -> list[Link]:
    found = []
    for body in _dump(_LINKS, struct.pack("<BBHiII", 0, 0, 0, 0, 0, 0)):
        _family, kind, index, flags, _change = struct.unpack_from("<BxHiII", body)
        found.append(Link(index, kind, flags, attributes(body[16:])))
    return sorted(found, key=lambda link: link.index)


def addresses() -> list[Address]:
    found = []
    for body in _dump(_ADDRESSES, struct.pack("<BBBBI", 0, 0, 0, 0, 0)):
        family, prefix, _flags, _scope, index = struct.unpack_from("<BBBBI", body)
        found.append(Address(family, prefix, index, attributes(body[8:])))
    return found


def routes() -> list[Route]:
    found = []
    for body in _dump(_ROUTES, struct.pack("<8BI", 0, 0, 0, 0, 0, 0, 0, 0, 0)):
        family, prefix, _source, _tos, table, _protocol, scope, kind, _flags = struct.unpack_from(
            "<8BI", body
        )
        if table == _MAIN_TABLE and kind == 1:  # RTN_UNICAST
            found.append(Route(family, prefix, scope, attributes(body[12:])))
    return found


def groups(link: Link) -> list[tuple[int, bytes]]:
    """The multicast groups that an interface has joined, each with the host's family."""
    found: list[tuple[int, bytes]] = []
    current = ""
    for line in _lines("/proc/net/igmp"):
        words = line.split()
        if not line.startswith("\t") and len(words) > 1:
            current = words[1].rstrip(":")
        elif line.startswith("\t") and current == link.name:
            found.append((socket.AF_INET, bytes.fromhex(words[0])[::-1]))
    for line in _lines("/proc/net/igmp6"):
        words = line.split()
        if len(words) > 2 and int(words[0]) == link.index:
            found.append((socket.AF_INET6, bytes.fromhex(words[2])))
    return found


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []  # that protocol is not in the host kernel


def _dump(kind: int, body: bytes) -> list[bytes]:
    """The bodies of all answers to a dump request.  Raises OSError."""
    with Channel() as channel:
        return channel.ask(kind, DUMP, body)
