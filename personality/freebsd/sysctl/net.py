"""net.*: what programs ask about protocols, and the routing table's node."""

from __future__ import annotations

from personality.bsd.facts import net_setting
from personality.freebsd.sysctl import routing
from personality.freebsd.sysctl.node import Node, branch, handled, integer, string, unsigned, unsigned_long

_PORTS = branch(
    "portrange",
    [
        integer("lowfirst", 1023),
        integer("lowlast", 600),
        integer("first", net_setting("ipv4/ip_local_port_range", 0, 10000)),
        integer("last", net_setting("ipv4/ip_local_port_range", 1, 65535)),
        integer("hifirst", net_setting("ipv4/ip_local_port_range", 0, 49152)),
        integer("hilast", net_setting("ipv4/ip_local_port_range", 1, 65535)),
        integer("reservedhigh", 1023),
        integer("reservedlow", 0),
        integer("randomized", 1),
    ],
    "IP Ports",
)

_IP = [
    integer("forwarding", net_setting("ipv4/ip_forward"), "Enable IP forwarding between interfaces", 1),
    integer("redirect", 1, "Enable sending IP redirects", 2),
    integer("ttl", net_setting("ipv4/ip_default_ttl", 0, 64), "Maximum TTL on IP packets", 3),
    integer("sourceroute", 0, "Enable forwarding source routed IP packets", 8),
    integer("accept_sourceroute", 0, "Enable accepting source routed IP packets", 13),
    _PORTS,
]

_TCP = [
    integer("mssdflt", 536, "Default TCP Maximum Segment Size", 3),
    integer("keepidle", net_setting("ipv4/tcp_keepalive_time"), "Time before sending keepalive probes", 6),
    integer("keepintvl", net_setting("ipv4/tcp_keepalive_intvl"), "Time between keepalive probes", 7),
    integer("sendspace", net_setting("ipv4/tcp_wmem", 1, 32768), "Initial send socket buffer size", 8),
    integer("recvspace", net_setting("ipv4/tcp_rmem", 1, 65536), "Initial receive socket buffer size", 9),
    integer("keepinit", 75000, "Time to establish connection", 10),
    integer("keepcnt", net_setting("ipv4/tcp_keepalive_probes"), "Number of keepalive probes to send"),
    integer("sendbuf_max", net_setting("ipv4/tcp_wmem", 2), "Max size of automatic send buffer"),
    integer("recvbuf_max", net_setting("ipv4/tcp_rmem", 2), "Max size of automatic receive buffer"),
    integer("always_keepalive", 1, "Assume SO_KEEPALIVE on all TCP connections"),
    integer("delayed_ack", 1, "Delay ACK to try and piggyback it onto a data packet"),
    branch("sack", [integer("enable", 1, "Enable/Disable TCP SACK support")], "TCP SACK"),
    integer("blackhole", 0, "Do not send RST on segments to closed ports"),
    branch("cc", [string("available", "cubic newreno", "Available congestion control algorithms")]),
    branch("fastopen", [integer("client_enable", 0), integer("server_enable", 0)]),
]

_UDP = [
    integer("checksum", 1, "compute udp checksum", 1),
    unsigned_long("maxdgram", 9216, "Maximum outgoing UDP datagram size", 3),
    unsigned_long(
        "recvspace", net_setting("core/rmem_default"), "Maximum space for incoming UDP datagrams", 4
    ),
    integer("blackhole", 0, "Do not send port unreachables for refused connects"),
]

_IP6 = [
    integer("forwarding", net_setting("ipv6/conf/all/forwarding"), "Enable forwarding of IPv6 packets", 1),
    integer("hlim", net_setting("ipv6/conf/all/hop_limit", 0, 64), "Default hop limit", 3),
    integer("v6only", 1, "Restrict AF_INET6 sockets to IPv6 addresses only", 24),
    integer("auto_linklocal", 1, "Default value of per-interface flag to add a link-local address", 35),
]

_LOCAL = [
    branch(
        "stream",
        [
            unsigned_long("sendspace", 65536, "Default stream send space"),
            unsigned_long("recvspace", 65536, "Default stream receive space"),
        ],
        "SOCK_STREAM",
    ),
    branch(
        "dgram",
        [
            unsigned_long("maxdgram", 2048, "Maximum datagram size"),
            unsigned_long("recvspace", 16384, "Default datagram receive space"),
        ],
        "SOCK_DGRAM",
    ),
    integer("inflight", 0, "File descriptors in flight"),
]

NODES: dict[str, Node] = {
    "net": branch(
        "net",
        [
            branch("local", _LOCAL, "Local domain", 1),
            branch(
                "inet",
                [
                    branch("ip", _IP, "IP", 0),
                    branch(
                        "icmp",
                        [integer("icmplim", 200, "Maximum number of ICMP responses per second")],
                        "ICMP",
                        1,
                    ),
                    branch("tcp", _TCP, "TCP", 6),
                    branch("udp", _UDP, "UDP", 17),
                ],
                "Internet Family",
                2,
            ),
            handled("routetable", routing.answer, "Return route tables and interface/address lists", 17),
            branch("inet6", [branch("ip6", _IP6, "IP6", 41)], "Internet6 Family", 28),
            unsigned("fibs", 1, "set number of fibs"),
            integer("my_fibnum", 0, "default FIB of caller"),
            integer("add_addr_allfibs", 0, "Add routes of new addresses to all fibs"),
        ],
        "Network, (see socket.h)",
        4,
    )
}
