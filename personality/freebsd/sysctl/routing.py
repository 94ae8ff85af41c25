"""net.routetable: interface lists and routes as FreeBSD's routing messages.

Layouts are those of <net/if.h> and <net/route.h> on amd64.  Every address is a sockaddr with its
length in front, padded to 8 bytes, in the order of the RTA_ bits.
"""

from __future__ import annotations

import errno
import socket
import struct

from personality.freebsd.sysctl import netlink, tree
from personality.freebsd.sysctl.request import Request

_DUMP, _FLAGS, _IFLIST, _IFMALIST, _IFLISTL = 1, 2, 3, 4, 5  # NET_RT_*
_VERSION = 5  # RTM_VERSION
_GET, _NEWADDR, _IFINFO, _NEWMADDR = 0x4, 0xC, 0xE, 0xF
_DST, _GATEWAY, _NETMASK, _IFP, _IFA, _BRD = 0x1, 0x2, 0x4, 0x10, 0x20, 0x80  # RTA_*
_UP, _VIA_GATEWAY, _HOST, _STATIC = 0x1, 0x2, 0x4, 0x800  # RTF_*
_AF_INET, _AF_LINK, _AF_INET6, _AF_MAX = 2, 18, 28, 44
_ETHERNET, _LOOPBACK, _TUNNEL, _OTHER, _PPP = 6, 0x18, 0x83, 1, 0x17  # IFT_*
_KINDS = {1: _ETHERNET, 772: _LOOPBACK, 512: _PPP, 768: _TUNNEL, 769: _TUNNEL, 776: _TUNNEL, 778: _TUNNEL}
# Host IFF_* to FreeBSD's; IFF_SIMPLEX goes with IFF_BROADCAST.
_LINK_FLAGS = ((0x1, 0x1), (0x2, 0x802), (0x4, 0x4), (0x8, 0x8), (0x10, 0x10), (0x40, 0x40), (0x80, 0x80),
               (0x100, 0x100), (0x200, 0x200), (0x1000, 0x8000))  # fmt: skip
_IF_DATA_SIZE = 152
_LONG_HEADER = 176  # if_msghdrl and ifa_msghdrl
_SHORT_LINK_HEADER, _SHORT_ADDRESS_HEADER, _MULTICAST_HEADER, _ROUTE_HEADER = 168, 20, 16, 152


def answer(request: Request, rest: tuple[int, ...]) -> None:
    """net.routetable.<protocol>.<family>.<what>.<index or flags>[.<fib>].  Raises OSError."""
    name = rest[1:]
    if request.new:
        raise tree.fail(errno.EPERM)
    allowed = (3, 4) if len(name) > 1 and name[1] == _DUMP else (3,)
    if len(name) not in allowed:
        raise tree.fail(errno.EISDIR if len(name) < 3 else errno.ENOTDIR)
    family, what, index = name[:3]
    if family > _AF_MAX:
        raise tree.fail(errno.EINVAL)
    if what in (_IFLIST, _IFLISTL):
        messages = interface_list(family, index, long_form=what == _IFLISTL)
    elif what == _IFMALIST:
        messages = multicast_list(family, index)
    elif what == _DUMP:
        messages = route_list(family)
    elif what == _FLAGS:
        messages = []  # only link-layer entries are asked for this way, and the host keeps those elsewhere
    else:
        raise tree.fail(errno.EINVAL)
    for message in messages:
        request.out(message)
        if request.short:
            return


def interface_list(family: int, wanted: int, *, long_form: bool) -> list[bytes]:
    """RTM_IFINFO for each interface, each followed by RTM_NEWADDR for its addresses."""
    messages = []
    addresses = netlink.addresses()
    for link in netlink.links():
        if wanted in (0, link.index):
            messages.append(_interface(link, long_form=long_form))
            for address in addresses:
                if address.index == link.index and family in (0, _family(address.family)):
                    messages.append(_address(address, link, long_form=long_form))
    return messages


def _interface(link: netlink.Link, *, long_form: bool) -> bytes:
    if long_form:
        head = struct.pack(
            "<BBiiHxxHHi", _VERSION, _IFINFO, _IFP, link_flags(link), link.index, _LONG_HEADER, 24, 0
        )
    else:
        head = struct.pack("<BBiiHxx", _VERSION, _IFINFO, _IFP, link_flags(link), link.index)
    return _message(head + _if_data(link), [link_address(link)])


def _address(address: netlink.Address, link: netlink.Link, *, long_form: bool) -> bytes:
    which = _NETMASK | _IFA | (_BRD if address.broadcast else 0)
    if long_form:
        head = struct.pack("<BBiiHxxHHi", _VERSION, _NEWADDR, which, 0, link.index, _LONG_HEADER, 24, 0)
        head += _if_data(link)
    else:
        head = struct.pack("<BBiiHxxi", _VERSION, _NEWADDR, which, 0, link.index, 0)
    parts = [_mask(address.family, address.prefix), _inet(address.family, address.address, link.index)]
    if address.broadcast:
        parts.append(_inet(address.family, address.broadcast, link.index))
    return _message(head, parts)


def multicast_list(family: int, wanted: int) -> list[bytes]:
    """RTM_NEWMADDR for each group an interface has joined."""
    messages = []
    for link in netlink.links():
        if wanted not in (0, link.index):
            continue
        for host_family, group in _groups(link):
            if family in (0, _family(host_family)):
                head = struct.pack("<BBiiHxx", _VERSION, _NEWMADDR, _IFP | _IFA, 0, link.index)
                messages.append(_message(head, [link_address(link), _inet(host_family, group, link.index)]))
    return messages


def _groups(link: netlink.Link) -> list[tuple[int, bytes]]:
    groups: list[tuple[int, bytes]] = []
    current = ""
    for line in _lines("/proc/net/igmp"):
        words = line.split()
        if not line.startswith("\t") and len(words) > 1:
            current = words[1].rstrip(":")
        elif line.startswith("\t") and current == link.name:
            groups.append((socket.AF_INET, bytes.fromhex(words[0])[::-1]))
    for line in _lines("/proc/net/igmp6"):
        words = line.split()
        if len(words) > 2 and int(words[0]) == link.index:
            groups.append((socket.AF_INET6, bytes.fromhex(words[2])))
    return groups


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []  # that protocol is not in the host kernel


def route_list(family: int) -> list[bytes]:
    """RTM_GET for each route of the main table."""
    messages = []
    by_index = {link.index: link for link in netlink.links()}
    for route in netlink.routes():
        if family not in (0, _family(route.family)):
            continue
        full = route.prefix == (32 if route.family == socket.AF_INET else 128)
        flags = _UP | (_VIA_GATEWAY if route.gateway else 0) | (_HOST if full else 0) | _STATIC
        which = _DST | _GATEWAY | (0 if full else _NETMASK)
        link = by_index.get(route.index)
        parts = [_inet(route.family, route.destination, route.index)]
        if route.gateway:
            parts.append(_inet(route.family, route.gateway, route.index))
        elif link is not None:
            parts.append(link_address(link))
        else:
            continue
        if not full:
            parts.append(_mask(route.family, route.prefix))
        head = struct.pack("<BBHxxii", _VERSION, _GET, route.index, flags, which)
        metrics = (
            struct.pack("<QQ", 0, link.mtu if link is not None else 0) + bytes(64) + struct.pack("<Q", 1)
        )
        head += bytes(24) + metrics
        messages.append(_message(head.ljust(_ROUTE_HEADER - 2, b"\0"), parts))
    return messages


def _message(head: bytes, parts: list[bytes]) -> bytes:
    """A message whose head lacks its first field, the length."""
    body = head + b"".join(part + bytes(-len(part) % 8) for part in parts)
    size = 2 + len(body)
    padding = -size % 8
    return struct.pack("<H", size + padding) + body + bytes(padding)


def link_flags(link: netlink.Link) -> int:
    """FreeBSD's IFF_* of an interface."""
    return sum(theirs for ours, theirs in _LINK_FLAGS if link.flags & ours)


def link_address(link: netlink.Link) -> bytes:
    """struct sockaddr_dl: the interface's name and hardware address."""
    name = link.name.encode("utf-8", "surrogateescape")
    hardware = b"" if _KINDS.get(link.kind) == _LOOPBACK else link.address
    data = (name + hardware)[:48]
    size = max(56, 8 + len(data))
    kind = _KINDS.get(link.kind, _OTHER)
    return struct.pack("<BBH4B", size, _AF_LINK, link.index, kind, len(name), len(hardware), 0) + data.ljust(
        size - 8, b"\0"
    )


def _if_data(link: netlink.Link) -> bytes:
    """struct if_data, 152 bytes."""
    kind = _KINDS.get(link.kind, _OTHER)
    hardware = 0 if kind == _LOOPBACK else len(link.address)
    state = 2 if link.flags & 0x10000 else 1  # IFF_LOWER_UP: LINK_STATE_UP, LINK_STATE_DOWN
    header = 14 if kind == _ETHERNET else 0
    packets_in, packets_out, bytes_in, bytes_out, errors_in, errors_out, dropped, lost, multicast, hits = (
        link.counters
    )
    counters = (
        packets_in,
        errors_in,
        packets_out,
        errors_out,
        hits,
        bytes_in,
        bytes_out,
        multicast,
        0,
        dropped,
        lost,
        0,
    )
    data = struct.pack("<6BHIIQ", kind, 0, hardware, header, state, 0, _IF_DATA_SIZE, link.mtu, 0, 0)
    return (data + struct.pack("<12Q", *counters)).ljust(_IF_DATA_SIZE, b"\0")


def _family(host_family: int) -> int:
    return {socket.AF_INET: _AF_INET, socket.AF_INET6: _AF_INET6}.get(socket.AddressFamily(host_family), 0)


def _inet(host_family: int, address: bytes, index: int) -> bytes:
    """struct sockaddr_in or sockaddr_in6; link-local addresses carry their interface."""
    if host_family == socket.AF_INET:
        return struct.pack("<BBH4s8x", 16, _AF_INET, 0, address)
    scope = index if address[:2] in (b"\xfe\x80", b"\xff\x02", b"\xff\x01") else 0
    return struct.pack("<BBHI16sI", 28, _AF_INET6, 0, 0, address, scope)


def _mask(host_family: int, prefix: int) -> bytes:
    bits = 32 if host_family == socket.AF_INET else 128
    mask = ((1 << prefix) - 1) << (bits - prefix)
    return _inet(host_family, mask.to_bytes(bits // 8, "big"), 0)
