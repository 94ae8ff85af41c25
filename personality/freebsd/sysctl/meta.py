"""sysctl.*: the nodes that tell about the tree itself; libc's sysctlbyname and sysctl(8) use them."""

from __future__ import annotations

import errno
import struct

from personality.bsd.request import Request
from personality.freebsd.sysctl import tree
from personality.freebsd.sysctl.node import ANYBODY, INT, READ, SKIP, WRITE, Node, branch, handled
from personality.supervisor.guest import fail

_PATH_LIMIT = 1024  # MAXPATHLEN


def _numbers(name: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(name)}I", *name)


def _name(request: Request, name: tuple[int, ...]) -> None:
    request.out(tree.spell(name).encode() + b"\0")


def _next(request: Request, name: tuple[int, ...]) -> None:
    _following(request, name, hidden=False)


def _next_of_all(request: Request, name: tuple[int, ...]) -> None:
    _following(request, name, hidden=True)


def _following(request: Request, name: tuple[int, ...], *, hidden: bool) -> None:
    found = tree.following(name, hidden=hidden)
    if found is None:
        raise fail(errno.ENOENT)
    request.out(_numbers(found))


def _name_to_oid(request: Request, _rest: tuple[int, ...]) -> None:
    if request.new_size == 0:
        raise fail(errno.ENOENT)
    if request.new_size >= _PATH_LIMIT:
        raise fail(errno.ENAMETOOLONG)
    name = request.take_new().split(b"\0")[0]
    request.out(_numbers(tree.parse(name.decode("utf-8", "surrogateescape"))))


def _format(request: Request, name: tuple[int, ...]) -> None:
    node = _node(name)
    request.out(struct.pack("<I", node.kind) + node.format.encode() + b"\0")


def _description(request: Request, name: tuple[int, ...]) -> None:
    request.out(_node(name).description.encode() + b"\0")


def _label(_request: Request, name: tuple[int, ...]) -> None:
    _node(name)
    raise fail(errno.ENOENT)  # labels belong to nodes made by drivers, and there are none


def _node(name: tuple[int, ...]) -> Node:
    if not name:
        raise fail(errno.ENOENT)
    return tree.find(name)[0]


NODES = {
    "sysctl": branch(
        "sysctl",
        [
            handled("name", _name, "Name of an oid", 1, flags=READ | SKIP),
            handled("next", _next, "Next oid", 2, flags=READ | SKIP),
            handled(
                "name2oid",
                _name_to_oid,
                "Oid of a name",
                3,
                kind=INT,
                format="I",
                flags=READ | WRITE | ANYBODY | SKIP,
            ),
            handled("oidfmt", _format, "Kind and format of an oid", 4, flags=READ | SKIP),
            handled("oiddescr", _description, "Description of an oid", 5, flags=READ | SKIP),
            handled("oidlabel", _label, "Label of an oid", 6, flags=READ | SKIP),
            handled("nextnoskip", _next_of_all, "Next oid, hidden ones too", 7, flags=READ | SKIP),
        ],
        "Sysctl internal magic",
        0,
    )
}
