"""The pair of interfaces that joins a zone's network namespace to a bridge of the host.

The host's end is named after the zone, so any process finds it again, and it goes with the namespace at the
latest.  The bridge has the network's first address, and goes with its last zone.
"""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import hashlib
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.zone import ZoneError, kernel, reason
from sandbox.zone.configuration import interface_name, zone_address, zone_address6
from sandbox.zone.network.netlink import Routes

INSIDE = "eth0"
_PREFIX = "gz"
_ALIAS = "guise zone "
_BRIDGE_ALIAS = "guise bridge"
_SIOCGIFBR, _SIOCDEVPRIVATE = 0x8940, 0x89F0  # linux/sockios.h
_GET_BRIDGES, _GET_PORTS = 1, 7  # BRCTL_GET_BRIDGES and BRCTL_GET_PORT_LIST of linux/if_bridge.h
_MOST_PORTS = 1024


@dataclass(frozen=True, slots=True)
class Link:
    """`address` is the zone's, with its network's length: "10.89.0.2/16"; `address6` "fd00:89::2/64" or "".

    Raises ZoneError.
    """

    address: str
    bridge: str = "guise0"
    address6: str = ""

    def __post_init__(self) -> None:
        interface = self.interface
        if interface.ip in (
            interface.network.network_address,
            self.gateway,
            interface.network.broadcast_address,
        ):
            raise ZoneError(f"{self.address} is no zone's address: the network itself and its bridge have it")
        try:
            zone_address6(self.address6)
        except ValueError as error:
            raise ZoneError(f"{self.address6!r} is no zone's address: {error}") from None
        try:
            if not self.bridge:
                raise ValueError("a name is needed")
            interface_name(self.bridge)
        except ValueError as error:
            raise ZoneError(f"{self.bridge!r} can be no bridge's name: {error}") from None

    @property
    def interface(self) -> ipaddress.IPv4Interface:
        try:
            return ipaddress.IPv4Interface(zone_address(self.address))
        except ValueError as error:
            raise ZoneError(f"{self.address!r} is no zone's address: {error}") from None

    @property
    def gateway(self) -> ipaddress.IPv4Address:
        return self.interface.network.network_address + 1

    @property
    def interface6(self) -> ipaddress.IPv6Interface | None:
        return ipaddress.IPv6Interface(self.address6) if self.address6 else None


@dataclass(frozen=True, slots=True)
class Attached:
    """outside: the host's end; address: the zone's."""

    outside: str
    address: str


def outside_name(zone: str) -> str:
    return _PREFIX + hashlib.sha256(zone.encode()).hexdigest()[:12]


def attach(zone: str, pid: int, link: Link) -> Attached:
    """Give the network namespace of process `pid` an interface with an address, and its loopback.

    Raises ZoneError; nothing is left of it then.
    """
    name = outside_name(zone)
    try:
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ZoneError(f"process {pid} has no network that {zone} can get: {reason(error)}") from None
    done = False
    try:
        if _same_file(namespace, "/proc/thread-self/ns/net"):
            raise ZoneError(f"process {pid} has the host's network: {zone} needs one of its own")
        with _changing(zone), _alone(), Routes() as routes:
            bridge = _bridge(routes, link)
            if _index(name):
                raise ZoneError(f"{zone} has a network already: {name}")
            routes.add_pair(name, INSIDE, namespace)
            routes.change(_index(name), alias=_ALIAS + zone, master=bridge, up=True)
            with _inside(namespace), Routes() as there:
                _set_up(there, link)
        done = True
    finally:
        os.close(namespace)
        if not done:
            with contextlib.suppress(ZoneError):
                detach(zone)
    return Attached(name, str(link.interface.ip))


def _set_up(routes: Routes, link: Link) -> None:
    routes.change(_index("lo"), up=True)
    index = _index(INSIDE)
    routes.add_address(index, link.interface.ip.packed, link.interface.network.prefixlen)
    if six := link.interface6:
        _add_address6(routes, index, six.ip, six.network)
    routes.change(index, up=True)
    routes.add_default_route(link.gateway.packed)
    if six:
        routes.add_default_route((six.network.network_address + 1).packed)


def _add_address6(
    routes: Routes, index: int, address: ipaddress.IPv6Address, network: ipaddress.IPv6Network
) -> None:
    """Raises ZoneError where the kernel has no IPv6, or not for this interface."""
    try:
        routes.add_address(index, address.packed, network.prefixlen)
    except OSError as error:
        if error.errno == errno.EEXIST:
            raise
        raise ZoneError(
            f"{address} cannot be given: {reason(error)}; is IPv6 switched off on this host?"
        ) from None


def _bridge(routes: Routes, link: Link) -> int:
    """The bridge's index; it is made where it is missing."""
    index = _index(link.bridge)
    if not index:
        with _tolerate(errno.EEXIST):
            routes.add_bridge(link.bridge)
        index = _index(link.bridge)
        routes.change(index, alias=_BRIDGE_ALIAS)
        with _tolerate(errno.EEXIST):
            routes.add_address(index, link.gateway.packed, link.interface.network.prefixlen)
        routes.change(index, up=True)
    if six := link.interface6:
        with _tolerate(errno.EEXIST):  # an earlier zone's is of the same network
            _add_address6(routes, index, six.network.network_address + 1, six.network)
    return index


def detach(zone: str) -> None:
    """Take the zone's interfaces away, and the bridge with the last of them.  None there is no error."""
    name = outside_name(zone)
    if not _index(name) and not _bridges():
        return
    with _changing(zone), _alone(), Routes() as routes:
        if index := _index(name):
            with _tolerate(errno.ENODEV):
                routes.delete(index)
        for index in _bridges():  # a killed zone took its interface along: a bridge may be left
            with _tolerate(errno.ENODEV):
                if routes.alias(index) == _BRIDGE_ALIAS and not _ports(index):
                    routes.delete(index)


def _bridges() -> list[int]:
    """The indices of this host's bridges, by the old call for it, which lists nothing else."""
    indices = array.array("i", [0] * 256)
    request = bytearray(struct.pack("@4L", _GET_BRIDGES, indices.buffer_info()[0], len(indices), 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            return list(indices[: fcntl.ioctl(any_socket, _SIOCGIFBR, request)])
        except OSError:  # a kernel without bridges
            return []


def _ports(bridge: int) -> bool:
    """Whether anything is on a bridge; listing all interfaces takes long where there are hundreds."""
    indices = array.array("i", [0] * _MOST_PORTS)
    words = array.array("L", [_GET_PORTS, indices.buffer_info()[0], len(indices), 0])
    name = os.fsencode(socket.if_indextoname(bridge))
    request = bytearray(struct.pack("@16sP16x", name, words.buffer_info()[0]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCDEVPRIVATE, request)
    return any(indices)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Nobody else changes bridges meanwhile: one zone's end may not meet another's start."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(own, fcntl.LOCK_EX)
        yield
    finally:
        os.close(own)


def leftovers() -> list[str]:
    """The zones that have an interface on this host."""
    if not any(name.startswith(_PREFIX) for _, name in socket.if_nameindex()):
        return []
    with _changing("every zone"), Routes() as routes:
        aliases = routes.aliases()
    return sorted(alias.removeprefix(_ALIAS) for alias in aliases if alias.startswith(_ALIAS))


def traffic(zone: str) -> tuple[int, int] | None:
    """Bytes that a zone received and sent; None where it has no network of its own."""
    name = outside_name(zone)
    with open("/proc/thread-self/net/dev") as file:
        for line in file:
            where, _, numbers = line.partition(":")
            if where.strip() == name:
                columns = numbers.split()
                return int(columns[8]), int(columns[0])  # what the host's end sent, the zone received
    return None


def free_address(network: str, used: Iterable[str]) -> str:
    """An address of a network ("10.89.0.0/16") that is not in `used`, with its length.  Raises ZoneError."""
    try:
        whole = ipaddress.IPv4Network(network, strict=False)
    except ValueError:
        raise ZoneError(f"{network!r} is no network, as in 10.89.0.0/16") from None
    taken = {ipaddress.IPv4Interface(one).ip for one in used} | {whole.network_address + 1}
    for address in whole.hosts():
        if address not in taken:
            return f"{address}/{whole.prefixlen}"
    raise ZoneError(f"every address of {network} is some zone's: choose a larger network")


def _index(name: str) -> int:
    """Of an interface, from 1 on; 0 where there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


@contextlib.contextmanager
def _inside(namespace: int) -> Iterator[None]:
    """This thread in another network namespace."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.set_namespace(namespace, "net")
        yield
    finally:
        kernel.set_namespace(own, "net")
        os.close(own)


@contextlib.contextmanager
def _changing(zone: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ZoneError(f"the network of {zone} cannot be changed: {reason(error)}") from None


@contextlib.contextmanager
def _tolerate(code: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != code:
            raise


def _same_file(descriptor: int, path: str) -> bool:
    one, other = os.fstat(descriptor), os.stat(path)
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
