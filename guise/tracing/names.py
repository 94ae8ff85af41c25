"""What a descriptor stands for, in the words that strace has for it: a path, or a socket's addresses."""

from __future__ import annotations

from personality.tracing import layout
from syscalls.decode import Decoder
from syscalls.values import Integer, Members, Symbol, Text

_STREAM, _DATAGRAM = 1, 2


def describe(data: bytes, host: Decoder) -> tuple[int, bytes]:
    """A captured struct trace_descriptor: the number, and `/etc/passwd` or `TCP:[127.0.0.1:80->10.0.0.1:4]`.

    The addresses are in the host's layout.
    """
    number, *lengths, domain, kind, _protocol, _pad = layout.DESCRIPTOR_HEAD.unpack_from(data)
    at = layout.DESCRIPTOR_HEAD.size
    parts = []
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    link, own, peers = parts
    if not link.startswith(b"socket:"):
        return number, link
    family = host.types.value("address_family", domain)
    name = family.name.removeprefix("AF_") if isinstance(family, Symbol) and family.name else "socket"
    if name in ("INET", "INET6"):
        name = {_STREAM: "TCP", _DATAGRAM: "UDP"}.get(kind, name) + "v6" * (name == "INET6")
    local, peer = _address(host, own), _address(host, peers)
    if not local and not peer:
        return number, f"{name}:".encode() + link.removeprefix(b"socket:")
    arrow = b"->" + peer if peer else b""
    return number, f"{name}:[".encode() + local + arrow + b"]"


def _address(host: Decoder, data: bytes) -> bytes:
    shown = host.types.socket_address(data) if len(data) > 2 else None
    if not isinstance(shown, Members):
        return b""
    members = dict(shown.members)
    where, port = members.get("addr"), members.get("port")
    if isinstance(where, Text) and isinstance(port, Integer):
        inner = b"[" + where.data + b"]" if b":" in where.data else where.data
        return inner + f":{port.value}".encode()
    path = members.get("path")
    return path.data.replace(b"\0", b"@") if isinstance(path, Text) else b""
