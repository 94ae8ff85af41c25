"""net.routetable: interface lists and routes as FreeBSD's routing messages.

Layouts are those of <net/if.h> and <net/route.h> on amd64.  Every address is a sockaddr with its
length in front, padded to 8 bytes, in the order of the RTA_ bits.
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
    Form,
    link_flags,
    link_sizes,
    link_traffic,
    routing_message,
)
from personality.supervisor.guest import fail

_DUMP, _FLAGS, _IFLIST, _IFMALIST, _IFLISTL = 1, 2, 3, 4, 5  # NET_RT_*
_VERSION = 5  # RTM_VERSION
_GET, _NEWADDR, _IFINFO, _NEWMADDR = 0x4, 0xC, 0xE, 0xF
_AF_MAX = 44
_FORM = Form(inet6=28, smallest_link=56)
_IF_DATA_SIZE = 152
_LONG_HEADER = 176  # if_msghdrl and ifa_msghdrl
_SHORT_LINK_HEADER, _SHORT_ADDRESS_HEADER, _MULTICAST_HEADER, _ROUTE_HEADER = 168, 20, 16, 152


def answer(request: Request, rest: tuple[int, ...]) -> None:
    """net.routetable.<protocol>.<family>.<what>.<index or flags>[.<fib>].  Raises OSError."""
    name = rest[1:]
    if request.new:
        raise fail(errno.EPERM)
    allowed = (3, 4) if len(name) > 1 and name[1] == _DUMP else (3,)
    if len(name) not in allowed:
        raise fail(errno.EISDIR if len(name) < 3 else errno.ENOTDIR)
    family, what, index = name[:3]
    if family > _AF_MAX:
        raise fail(errno.EINVAL)
    if what in (_IFLIST, _IFLISTL):
        messages = interface_list(family, index, long_form=what == _IFLISTL)
    elif what == _IFMALIST:
        messages = multicast_list(family, index)
    elif what == _DUMP:
        messages = route_list(family)
    elif what == _FLAGS:
        messages = []  # only link-layer entries are asked for this way, and the host keeps those elsewhere
    else:
        raise fail(errno.EINVAL)
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
                if address.index == link.index and family in (0, _FORM.family(address.family)):
                    messages.append(_address(address, link, long_form=long_form))
    return messages


def _interface(link: netlink.Link, *, long_form: bool) -> bytes:
    if long_form:
        head = struct.pack(
            "<BBiiHxxHHi", _VERSION, _IFINFO, IFP, link_flags(link), link.index, _LONG_HEADER, 24, 0
        )
    else:
        head = struct.pack("<BBiiHxx", _VERSION, _IFINFO, IFP, link_flags(link), link.index)
    return routing_message(head + _if_data(link), [_FORM.link_address(link)])


def _address(address: netlink.Address, link: netlink.Link, *, long_form: bool) -> bytes:
    which = NETMASK | IFA | (BRD if address.broadcast else 0)
    if long_form:
        head = struct.pack("<BBiiHxxHHi", _VERSION, _NEWADDR, which, 0, link.index, _LONG_HEADER, 24, 0)
        head += _if_data(link)
    else:
        head = struct.pack("<BBiiHxxi", _VERSION, _NEWADDR, which, 0, link.index, 0)
    return routing_message(head, _FORM.interface_address(address))


def multicast_list(family: int, wanted: int) -> list[bytes]:
    """RTM_NEWMADDR for each group an interface has joined."""
    messages = []
    for link in netlink.links():
        if wanted not in (0, link.index):
            continue
        for host_family, group in netlink.groups(link):
            if family in (0, _FORM.family(host_family)):
                head = struct.pack("<BBiiHxx", _VERSION, _NEWMADDR, IFP | IFA, 0, link.index)
                parts = [_FORM.link_address(link), _FORM.inet(host_family, group, link.index)]
                messages.append(routing_message(head, parts))
    return messages


def route_list(family: int) -> list[bytes]:
    """RTM_GET for each route of the main table."""
    messages = []
    for route, link, flags, which, parts in _FORM.routes(family):
        head = struct.pack("<BBHxxii", _VERSION, _GET, route.index, flags, which)
        metrics = (
            struct.pack("<QQ", 0, link.mtu if link is not None else 0) + bytes(64) + struct.pack("<Q", 1)
        )
        head += bytes(24) + metrics
        messages.append(routing_message(head.ljust(_ROUTE_HEADER - 2, b"\0"), parts))
    return messages


def _if_data(link: netlink.Link) -> bytes:
    """struct if_data, 152 bytes."""
    kind, hardware, header, state = link_sizes(link)
    data = struct.pack("<6BHIIQ", kind, 0, hardware, header, state, 0, _IF_DATA_SIZE, link.mtu, 0, 0)
    return (data + struct.pack("<12Q", *link_traffic(link), 0)).ljust(_IF_DATA_SIZE, b"\0")
