"""Interfaces, addresses and routes of zones, made over rtnetlink(7).

Numbers are from linux/rtnetlink.h, if_link.h, if_addr.h and veth.h.
"""

from __future__ import annotations

import os
import socket
import struct

from personality.rtnetlink import DUMP, Channel, attributes

_EXCLUSIVE, _CREATE = 0x200, 0x400  # NLM_F_*
_NEW_LINK, _DELETE_LINK, _GET_LINK, _NEW_ADDRESS, _NEW_ROUTE = 16, 17, 18, 20, 24
_NAME, _MASTER, _LINK_INFO, _ALIAS, _NAMESPACE = 3, 10, 18, 20, 28  # IFLA_*
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_ADDRESS, _LOCAL = 1, 2  # IFA_*
_GATEWAY = 5  # RTA_GATEWAY
_MAIN_TABLE, _STATIC, _UNICAST = 254, 4, 1
_UP = 1
_NO_DETECTION = 0x2  # IFA_F_NODAD: nobody is asked for a second whether it has the address


def _attribute(kind: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        value = struct.pack("=I", value)
    elif isinstance(value, str):
        value = os.fsencode(value) + b"\0"
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _family(address: bytes) -> int:
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6


def _link(index: int = 0, flags: int = 0) -> bytes:
    """struct ifinfomsg: all flags that are given are to be set, and no others change."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


class Routes(Channel):
    """Each method raises OSError with the kernel's error."""

    def add_bridge(self, name: str) -> None:
        info = _attribute(_LINK_INFO, _attribute(_INFO_KIND, b"bridge"))
        self.ask(_NEW_LINK, _CREATE | _EXCLUSIVE, _link() + _attribute(_NAME, name) + info)

    def add_pair(self, name: str, peer: str, namespace: int) -> None:
        """Two ends: one here, the other in the network namespace of a descriptor."""
        other = _link() + _attribute(_NAME, peer) + _attribute(_NAMESPACE, namespace)
        info = _attribute(_INFO_KIND, b"veth") + _attribute(_INFO_DATA, _attribute(_VETH_PEER, other))
        body = _link() + _attribute(_NAME, name) + _attribute(_LINK_INFO, info)
        self.ask(_NEW_LINK, _CREATE | _EXCLUSIVE, body)

    def change(self, index: int, *, alias: str = "", master: int = 0, up: bool = False) -> None:
        body = _link(index, _UP if up else 0)
        body += _attribute(_ALIAS, os.fsencode(alias)) if alias else b""
        body += _attribute(_MASTER, master) if master else b""
        self.ask(_NEW_LINK, 0, body)

    def delete(self, index: int) -> None:
        self.ask(_DELETE_LINK, 0, _link(index))

    def add_address(self, index: int, address: bytes, length: int) -> None:
        """An address of 4 or 16 bytes, and how many bits of it are its network's; it can be used at once."""
        flags = 0 if len(address) == 4 else _NO_DETECTION
        body = struct.pack("=BBBBI", _family(address), length, flags, 0, index)
        body += _attribute(_LOCAL, address) + _attribute(_ADDRESS, address)
        self.ask(_NEW_ADDRESS, _CREATE | _EXCLUSIVE, body)

    def add_default_route(self, gateway: bytes) -> None:
        body = struct.pack("=8BI", _family(gateway), 0, 0, 0, _MAIN_TABLE, _STATIC, 0, _UNICAST, 0)
        self.ask(_NEW_ROUTE, _CREATE | _EXCLUSIVE, body + _attribute(_GATEWAY, gateway))

    def alias(self, index: int) -> str:
        """What was written beside an interface, or ""."""
        return next(map(_alias_of, self.ask(_GET_LINK, 0, _link(index))), "")

    def aliases(self) -> list[str]:
        """Those of all interfaces that have one."""
        return [alias for body in self.ask(_GET_LINK, DUMP, _link()) if (alias := _alias_of(body))]


def _alias_of(body: bytes) -> str:
    """`body` begins with its struct ifinfomsg."""
    return os.fsdecode(attributes(body[16:]).get(_ALIAS, b"").rstrip(b"\0"))


__all__ = ["Routes"]
