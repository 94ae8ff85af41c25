"""__sysctl: arguments in, one request through the tree, length and errno out.

The rules are those of NetBSD's kern_sysctl.c, errno by errno.  The length that goes back is what
there is, also when less fitted; a node that nobody serves by itself can be asked about its children.
"""

from __future__ import annotations

import errno
import importlib
import struct

from personality.bsd.request import Request
from personality.netbsd.sysctl.node import NODE, READ_WRITE, Node
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_MAX_NAME = 12  # CTL_MAXNAME
_QUERY, _DESCRIBE = -2, -7  # CTL_*
_CHANGES = (-3, -4, -5, -6)  # CTL_CREATE, CTL_CREATESYM, CTL_DESTROY, CTL_MMAP
_NODE_SIZE = 96
_VERSION_1 = 1  # SYSCTL_VERSION, on top of a node's flags

# number -> module that defines NODE
_BRANCHES = {1: "kern", 2: "vm", 3: "vfs", 4: "net", 6: "hw", 7: "machdep", 10: "proc", 13: "security"}


def top(number: int) -> Node | None:
    """A node directly below the root."""
    name = _BRANCHES.get(number)
    if name is None:
        return None
    node: Node = importlib.import_module(f"personality.netbsd.sysctl.{name}").NODE
    return node


def sysctl(guest: Guest, args: tuple[int, ...]) -> int:
    """__sysctl(name, namelen, old, oldlenp, new, newlen).  Raises OSError."""
    name, name_length, old, old_length, new, new_length = args[:6]
    name_length &= 0xFFFFFFFF
    length = guest.read_u64(old_length) if old_length else 0
    if not 1 <= name_length <= _MAX_NAME:
        raise fail(errno.EINVAL)
    numbers = struct.unpack(f"<{name_length}i", guest.read(name, 4 * name_length))
    request = Request(guest, old, length, new, new_length, (args[6], args[7]))
    try:
        answer(request, numbers)
    finally:
        if old_length:
            guest.write_u64(old_length, request.written)
    if request.short:
        raise fail(errno.ENOMEM)
    return 0


def answer(request: Request, name: tuple[int, ...]) -> None:
    """Put the value of `name` into the request, and take the new one.  Raises OSError."""
    node, used = _locate(name)
    rest = name[used:]
    if rest == (_QUERY,) and (node is None or node.type == NODE):
        _query(request, node)
    elif node is not None and node.handler is not None:
        node.handler(request, rest)
    elif rest == (_DESCRIBE,):
        _describe(request, node)
    elif rest:
        raise fail(errno.EPERM if len(rest) == 1 and rest[0] in _CHANGES else _not_found(node))
    elif node is None or node.type == NODE:
        raise fail(errno.EINVAL)
    else:
        _look_up(request, node)


def _locate(name: tuple[int, ...]) -> tuple[Node | None, int]:
    """As far down as the name leads: the node there (None: the root), and how many numbers led to it."""
    node: Node | None = None
    for used, number in enumerate(name):
        below = top(number) if node is None else node.by_number.get(number)
        if below is None:
            return node, used
        node = below
        if node.handler is not None:
            return node, used + 1
    return node, len(name)


def _not_found(node: Node | None) -> int:
    return errno.ENOENT if node is None or node.type == NODE else errno.ENOTDIR


def _look_up(request: Request, node: Node) -> None:
    if request.new_size and not (node.flags & READ_WRITE and request.guest.credentials().privileged):
        raise fail(errno.EPERM)
    value = node.encode(request.guest)
    request.out(value[: request.length] if node.partial and request.address else value)
    if request.new_size and node.write is not None:
        node.write(request.guest, request.take_new())


def roots() -> list[Node]:
    """The whole tree."""
    found = (top(number) for number in sorted(_BRANCHES))
    return [node for node in found if node is not None]


def _below(node: Node | None) -> list[Node]:
    return roots() if node is None else node.children


def _asked(request: Request) -> bytes:
    """The node that came as the new value.  Raises OSError(EINVAL): not one of this version."""
    if request.new_size != _NODE_SIZE:
        raise fail(errno.EINVAL)
    given = request.take_new()
    if given[3] != _VERSION_1:
        raise fail(errno.EINVAL)
    return given


def _query(request: Request, node: Node | None) -> None:
    _asked(request)
    for child in _below(node):
        request.out(child.describe(request.guest))


def _describe(request: Request, node: Node | None) -> None:
    """struct sysctldesc for each child, or for the one that was asked about."""
    if node is not None and node.type != NODE:
        raise fail(errno.ENOTDIR)
    wanted = struct.unpack_from("<i", _asked(request), 4)[0] if request.new_size else None
    for child in _below(node):
        if wanted in (None, child.number):
            text = child.description.encode() + b"\0"
            entry = struct.pack("<iII", child.number, 1, len(text)) + text
            request.out(entry + bytes(-len(entry) % 4))
