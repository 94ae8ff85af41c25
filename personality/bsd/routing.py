"""Interfaces and routes in the form of the BSDs' routing messages: what all of them have in common.

Every address is a sockaddr with its length in front, padded to 8 bytes, in the order of the RTA_ bits.
"""

from __future__ import annotations

import socket
import struct

from personality.bsd import netlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_AF_INET, _AF_LINK = 2, 18
_ETHERNET, _LOOPBACK, _TUNNEL, _OTHER, _PPP = 6, 0x18, 0x83, 1, 0x17  # IFT_*
_KINDS = {1: _ETHERNET, 772: _LOOPBACK, 512: _PPP, 768: _TUNNEL, 769: _TUNNEL, 776: _TUNNEL, 778: _TUNNEL}
# Host IFF_* to theirs; IFF_SIMPLEX goes with IFF_BROADCAST.
_LINK_FLAGS = ((0x1, 0x1), (0x2, 0x802), (0x4, 0x4), (0x8, 0x8), (0x10, 0x10), (0x40, 0x40), (0x80, 0x80),
               (0x100, 0x100), (0x200, 0x200), (0x1000, 0x8000))  # fmt: skip

_LOWER_UP = 0x10000  # the host's IFF_LOWER_UP

# RTA_*, the addresses that a message has, and RTF_*: the same in all of them.
DST, GATEWAY, NETMASK, IFP, IFA, BRD = 0x1, 0x2, 0x4, 0x10, 0x20, 0x80
UP, VIA_GATEWAY, HOST, STATIC = 0x1, 0x2, 0x4, 0x800


def routing_message(head: bytes, parts: list[bytes]) -> bytes:
    """A message whose head lacks its first field, the length."""
    body = head + b"".join(part + bytes(-len(part) % 8) for part in parts)
    size = 2 + len(body)
    padding = -size % 8
    return struct.pack("<H", size + padding) + body + bytes(padding)


def link_flags(link: netlink.Link) -> int:
    """The BSDs' IFF_* of an interface."""
    return sum(theirs for ours, theirs in _LINK_FLAGS if link.flags & ours)


def link_kind(link: netlink.Link) -> int:
    """IFT_* of an interface."""
    return _KINDS.get(link.kind, _OTHER)


def link_sizes(link: netlink.Link) -> tuple[int, int, int, int]:
    """As struct if_data begins: IFT_*, length of the address and of the header, LINK_STATE_*."""
    kind = link_kind(link)
    address = 0 if kind == _LOOPBACK else len(link.address)
    return kind, address, 14 if kind == _ETHERNET else 0, 2 if link.flags & _LOWER_UP else 1


def link_traffic(link: netlink.Link) -> tuple[int, ...]:
    """Counters as struct if_data has them, from packets received to those dropped on the way out."""
    packets_in, packets_out, bytes_in, bytes_out, errors_in, errors_out, dropped, lost, multicast, hits = (
        link.counters
    )
    return (
        packets_in, errors_in, packets_out, errors_out, hits, bytes_in, bytes_out,
        multicast, 0, dropped, lost,
    )  # fmt: skip


class Form:
    """How one kernel writes addresses: its number for IPv6, and how short a link's may be."""

    def __init__(self, *, inet6: int, smallest_link: int) -> None:
        self.inet6 = inet6
        self.smallest_link = smallest_link

    def link_address(self, link: netlink.Link) -> bytes:
        """struct sockaddr_dl: the interface's name and hardware address."""
        name = link.name.encode("utf-8", "surrogateescape")
        kind = link_kind(link)
        hardware = b"" if kind == _LOOPBACK else link.address
        data = (name + hardware)[:48]
        size = max(self.smallest_link, 8 + len(data))
        head = struct.pack("<BBH4B", size, _AF_LINK, link.index, kind, len(name), len(hardware), 0)
        return head + data.ljust(size - 8, b"\0")

    def family(self, host_family: int) -> int:
        """The kernel's number of an address family of the host's, 0: none."""
        known = {int(socket.AF_INET): _AF_INET, int(socket.AF_INET6): self.inet6}
        return known.get(host_family, 0)

    def inet(self, host_family: int, address: bytes, index: int) -> bytes:
        """struct sockaddr_in or sockaddr_in6; link-local addresses carry their interface."""
        if host_family == socket.AF_INET:
            return struct.pack("<BBH4s8x", 16, _AF_INET, 0, address)
        scope = index if address[:2] in (b"\xfe\x80", b"\xff\x02", b"\xff\x01") else 0
        return struct.pack("<BBHI16sI", 28, self.inet6, 0, 0, address, scope)

    def interface_address(self, address: netlink.Address) -> list[bytes]:
        """Behind a message about an interface's address: mask, address, where to broadcast if anywhere."""
        parts = [
            self.mask(address.family, address.prefix),
            self.inet(address.family, address.address, address.index),
        ]
        if address.broadcast:
            parts.append(self.inet(address.family, address.broadcast, address.index))
        return parts

    def routes(
        self, family: int
    ) -> Iterator[tuple[netlink.Route, netlink.Link | None, int, int, list[bytes]]]:
        """Of the main table, those of a family (0: of all): with the link, RTF_*, RTA_* and addresses."""
        by_index = {link.index: link for link in netlink.links()}
        for route in netlink.routes():
            link = by_index.get(route.index)
            if family not in (0, self.family(route.family)) or not (route.gateway or link):
                continue
            full = route.prefix == (32 if route.family == socket.AF_INET else 128)
            flags = UP | (VIA_GATEWAY if route.gateway else 0) | (HOST if full else 0) | STATIC
            which = DST | GATEWAY | (0 if full else NETMASK)
            parts = [self.inet(route.family, route.destination, route.index)]
            if route.gateway:
                parts.append(self.inet(route.family, route.gateway, route.index))
            elif link is not None:
                parts.append(self.link_address(link))
            if not full:
                parts.append(self.mask(route.family, route.prefix))
            yield route, link, flags, which, parts

    def mask(self, host_family: int, prefix: int) -> bytes:
        """The mask of a prefix, as an address."""
        bits = 32 if host_family == socket.AF_INET else 128
        mask = ((1 << prefix) - 1) << (bits - prefix)
        return self.inet(host_family, mask.to_bytes(bits // 8, "big"), 0)
