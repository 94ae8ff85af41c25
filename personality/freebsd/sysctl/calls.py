"""__sysctl and __sysctlbyname: arguments in, one request through the tree, length and errno out."""

from __future__ import annotations

import errno

from personality.bsd.request import Request
from personality.freebsd.sysctl import tree
from personality.freebsd.sysctl.node import ANYBODY, NODE, WRITE, Node
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

_PATH_LIMIT = 1024  # MAXPATHLEN


def roots() -> list[Node]:
    """The whole tree."""
    found = (tree.top(number) for number in sorted(tree.BRANCHES))
    return [node for node in found if node is not None]


def sysctl(guest: Guest, args: tuple[int, ...]) -> int:
    """__sysctl(name, namelen, old, oldlenp, new, newlen).  Raises OSError."""
    name, name_length, old, old_length, new, new_length = args[:6]
    name_length &= 0xFFFFFFFF
    if name_length < 2 or name_length > tree.MAX_NAME:
        raise fail(errno.EINVAL)
    raw = guest.read(name, 4 * name_length)
    numbers = tuple(int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4))
    return _perform(guest, numbers, old, old_length, new, new_length, (args[6], args[7]))


def sysctlbyname(guest: Guest, args: tuple[int, ...]) -> int:
    """__sysctlbyname(name, namelen, old, oldlenp, new, newlen).  Raises OSError."""
    name, name_length, old, old_length, new, new_length = args[:6]
    if name_length == 0 or name_length > _PATH_LIMIT:
        raise fail(errno.EINVAL)
    if name_length == _PATH_LIMIT:
        raise fail(errno.ENAMETOOLONG)
    text = guest.read(name, name_length).split(b"\0")[0]
    numbers = tree.parse(text.decode("utf-8", "surrogateescape"))
    return _perform(guest, numbers, old, old_length, new, new_length, (args[6], args[7]))


def _perform(
    guest: Guest,
    name: tuple[int, ...],
    old: int,
    old_length: int,
    new: int,
    new_size: int,
    facts: tuple[int, int],
) -> int:
    length = guest.read_u64(old_length) if old_length else 0
    request = Request(guest, old, length, new, new_size, facts)
    answer(request, name)
    if old_length:
        guest.write_u64(old_length, request.finish())
    if request.short:
        raise fail(errno.ENOMEM)
    return 0


def answer(request: Request, name: tuple[int, ...]) -> None:
    """Put the value of `name` into the request, and take the new one.  Raises OSError."""
    node, used = tree.find(name)
    if node.type == NODE and node.handler is None:
        raise fail(errno.EISDIR)
    if request.new:
        _check_write(request, node)
    if node.handler is not None:
        node.handler(request, name[used:])
        return
    request.out(node.encode(request.guest))
    if request.new and node.write is not None and not request.short:
        node.write(request.guest, request.take_new())


def _check_write(request: Request, node: Node) -> None:
    if not node.kind & WRITE:
        raise fail(errno.EPERM)
    if not node.kind & ANYBODY and not request.guest.credentials().privileged:
        raise fail(errno.EPERM)
