"""A zone's own network: an address on a bridge, names of other zones, ports that the host publishes."""

from sandbox.zone.network.link import Attached, Link, attach, detach, free_address, leftovers, traffic
from sandbox.zone.network.names import names
from sandbox.zone.network.ports import Port, publish

__all__ = [
    "Attached", "Link", "Port", "attach", "detach", "free_address", "leftovers", "names", "publish",
    "traffic",
]  # fmt: skip
