"""net.route: interface lists and routes as NetBSD's routing messages.

Layouts are those of <net/if.h> and <net/route.h> on amd64.
"""

from __future__ import annotations

import errno
import struct

from personality.bsd import netlink
from personality.bsd.request import Request
from personality.bsd.routing import (
    BRD,
    IFA,
    IFP,
    NETMASK,
    UP,
    Form,
    link_flags,
    link_sizes,
    link_traffic,
    routing_message,
)
from personality.supervisor.guest import fail

_DUMP, _FLAGS, _OLD_IFLIST, _IFLIST = 1, 2, 5, 6  # NET_RT_*; the old one: up to 7, and in Go
_VERSION = 4  # RTM_VERSION
_GET, _OLD_NEWADDR, _IFINFO, _NEWADDR = 0x4, 0xC, 0x14, 0x16
_AF_MAX = 37
_FORM = Form(inet6=24, smallest_link=20)


def answer(request: Request, rest: tuple[int, ...]) -> None:
    """net.route.<protocol>.<family>.<what>.<index or flags>.  Raises OSError."""
    if request.new_size:
        raise fail(errno.EPERM)
    if len(rest) != 4:
        raise fail(errno.EINVAL)
    family, what, index = rest[1:]
    if not 0 <= family <= _AF_MAX:
        raise fail(errno.EINVAL)
    if what in (_IFLIST, _OLD_IFLIST):
        messages = interface_list(family, index, old=what == _OLD_IFLIST)
    elif what == _DUMP:
        messages = route_list(family)
    elif what == _FLAGS:
        messages = []  # only link-layer entries are asked for this way, and the host keeps those elsewhere
    else:  # lists in the form of older releases
        raise fail(errno.EINVAL)
    for message in messages:
        request.out(message)


def interface_list(family: int, wanted: int, *, old: bool = False) -> list[bytes]:
    """RTM_IFINFO for each interface, each followed by RTM_NEWADDR for its addresses."""
    messages = []
    addresses = netlink.addresses()
    for link in netlink.links():
        if wanted not in (0, link.index):
            continue
        head = struct.pack("<BBiiHxx", _VERSION, _IFINFO, IFP, link_flags(link), link.index)
        messages.append(routing_message(head + _if_data(link), [_FORM.link_address(link)]))
        for address in addresses:
            if address.index == link.index and family in (0, _FORM.family(address.family)):
                messages.append(_address(address, link, old=old))
    return messages


def _address(address: netlink.Address, link: netlink.Link, *, old: bool) -> bytes:
    """struct ifa_msghdr, or ifa_msghdr70, and the addresses behind it."""
    which = NETMASK | IFA | (BRD if address.broadcast else 0)
    if old:
        head = struct.pack("<BBiiiH6x", _VERSION, _OLD_NEWADDR, which, UP, 0, link.index)
    else:
        head = struct.pack("<BBHxx5i4x", _VERSION, _NEWADDR, link.index, UP, which, 0, 0, 0)
    return routing_message(head, _FORM.interface_address(address))


def route_list(family: int) -> list[bytes]:
    """RTM_GET for each route of the main table."""
    messages = []
    for route, link, flags, which, parts in _FORM.routes(family):
        head = struct.pack("<BBHxx7i4x", _VERSION, _GET, route.index, flags, which, 0, 0, 0, 0, 0)
        metrics = struct.pack("<10Q", 0, link.mtu if link is not None else 0, *(0,) * 8)
        messages.append(routing_message(head + metrics, parts))
    return messages


def _if_data(link: netlink.Link) -> bytes:
    """struct if_data, 136 bytes."""
    kind, hardware, header, state = link_sizes(link)
    counters = link_traffic(link)[:-1]  # none for what was dropped on the way out
    return struct.pack("<3Bxi3Q11Q2q", kind, hardware, header, state, link.mtu, 0, 0, *counters, 0, 0, 0)
