"""net.*: what programs ask about protocols, and the routing table's node."""

from __future__ import annotations

from personality.bsd.facts import net_setting
from personality.netbsd.sysctl import routing
from personality.netbsd.sysctl.node import AUTO, branch, handled, integer, string

_IP = [
    integer("forwarding", 1, net_setting("ipv4/ip_forward"), "Enable forwarding of IPv4 packets"),
    integer("redirect", 2, 1, "Enable sending of ICMP redirect messages"),
    integer("ttl", 3, net_setting("ipv4/ip_default_ttl", 0, 64), "Default TTL for an INET datagram"),
    integer("forwsrcrt", 5, 0, "Enable forwarding of source-routed datagrams"),
    integer("directed-broadcast", 6, 0, "Enable forwarding of broadcast datagrams"),
    integer("allowsrcrt", 7, 0, "Accept source-routed datagrams"),
    integer("mtudisc", 9, 1, "Use RFC1191 Path MTU Discovery"),
    integer("anonportmin", 10, net_setting("ipv4/ip_local_port_range", 0, 49152), "Lowest ephemeral port"),
    integer("anonportmax", 11, net_setting("ipv4/ip_local_port_range", 1, 65535), "Highest ephemeral port"),
    integer("lowportmin", 16, 600, "Lowest privileged ephemeral port"),
    integer("lowportmax", 17, 1023, "Highest privileged ephemeral port"),
]

_TCP = [
    integer("rfc1323", 1, 1, "Enable RFC1323 TCP extensions"),
    integer("sendspace", 2, net_setting("ipv4/tcp_wmem", 1, 32768), "Default TCP send buffer size"),
    integer("recvspace", 3, net_setting("ipv4/tcp_rmem", 1, 65536), "Default TCP receive buffer size"),
    integer("mssdflt", 4, 536, "Default maximum segment size"),
    integer("sack", AUTO, 1, "Enable RFC2018 Selective ACKnowledgement"),
    integer("keepidle", 9, 14400, "Allowed connection idle ticks before sending a keepalive probe"),
    integer("keepintvl", 10, 150, "Ticks before next keepalive probe is sent"),
    integer("keepcnt", 11, 8, "Number of keepalive probes to send"),
    branch(
        "congctl",
        AUTO,
        [
            string("available", AUTO, "newreno cubic", "Available congestion control mechanisms"),
            string("selected", AUTO, "newreno", "Selected congestion control mechanism"),
        ],
        "TCP congestion control",
    ),
]

_UDP = [
    integer("checksum", 1, 1, "Compute UDP checksums"),
    integer("sendspace", 2, 9216, "Default UDP send buffer size"),
    integer("recvspace", 3, net_setting("core/rmem_default", 0, 41600), "Default UDP receive buffer size"),
]

_IP6 = [
    integer("forwarding", 1, net_setting("ipv6/conf/all/forwarding"), "Forward INET6 datagrams"),
    integer("hlim", 3, net_setting("ipv6/conf/all/hop_limit", 0, 64), "Hop limit for an INET6 datagram"),
    integer("v6only", 24, 1, "Disallow PF_INET6 sockets from connecting to PF_INET sockets"),
    integer("use_deprecated", 21, 1, "Allow use of deprecated addresses as source addresses"),
]

_LOCAL = [
    integer("inflight", AUTO, 0, "File descriptors in flight"),
    integer("deferred", AUTO, 0, "File descriptors deferred for close"),
]

NODE = branch(
    "net",
    4,
    [
        branch("local", 1, _LOCAL, "PF_LOCAL related settings"),
        branch(
            "inet",
            2,
            [
                branch("ip", 0, _IP, "IPv4 related settings"),
                branch("tcp", 6, _TCP, "TCP related settings"),
                branch("udp", 17, _UDP, "UDPv4 related settings"),
            ],
            "PF_INET related settings",
        ),
        branch("inet6", 24, [branch("ip6", 41, _IP6, "IPv6 related settings")], "PF_INET6 related settings"),
        handled("route", 34, routing.answer, "PF_ROUTE information"),
        handled("oroute", 17, routing.answer, "PF_ROUTE information of releases before 8"),
    ],
    "Networking",
)
