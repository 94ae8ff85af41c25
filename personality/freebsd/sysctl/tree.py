"""The tree's root: finding a node by number or name, and the order of a walk.

The rules are those of FreeBSD's kern_sysctl.c, errno by errno.
"""

from __future__ import annotations

import errno
import importlib

from personality.freebsd.sysctl.node import NODE, SKIP, Node
from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NAME = 24  # CTL_MAXNAME

# number -> (name, module that defines NODE)
BRANCHES = {
    0: ("sysctl", "meta"),
    1: ("kern", "kern"),
    2: ("vm", "vm"),
    3: ("vfs", "vfs"),
    4: ("net", "net"),
    5: ("debug", "small"),
    6: ("hw", "hw"),
    7: ("machdep", "small"),
    8: ("user", "small"),
    9: ("p1003_1b", "small"),
    256: ("security", "security"),
    257: ("compat", "small"),
    258: ("dev", "small"),
}
NUMBERS = {name: number for number, (name, _) in BRANCHES.items()}


def top(number: int) -> Node | None:
    """A node directly below the root."""
    place = BRANCHES.get(number)
    if place is None:
        return None
    module = importlib.import_module(f"personality.freebsd.sysctl.{place[1]}")
    node: Node = module.NODES[place[0]]
    return node


def find(name: tuple[int, ...]) -> tuple[Node, int]:
    """The node for a numeric name, and how many numbers led to it.  Raises OSError."""
    node = top(name[0])
    used = 1
    while node is not None:
        if not node.is_branch or used == len(name):
            if used < len(name) and node.type != NODE:
                raise fail(errno.ENOTDIR)
            return node, used
        node = node.child(name[used])
        used += 1
    raise fail(errno.ENOENT)


def parse(name: str) -> tuple[int, ...]:
    """The numbers of a dotted name; a trailing dot is ignored.  Raises OSError(ENOENT)."""
    words = name.split(".")
    if len(words) > 1 and words[-1] == "":
        words.pop()
    number = NUMBERS.get(words[0])
    node = top(number) if number is not None else None
    numbers: list[int] = []
    for position, _ in enumerate(words):
        if node is None or len(numbers) == MAX_NAME:
            raise fail(errno.ENOENT)
        numbers.append(node.number)
        last = position + 1 == len(words)
        if last or (node.handler is not None and not node.children):
            return tuple(numbers)
        node = node.named(words[position + 1])
    raise fail(errno.ENOENT)


def spell(name: tuple[int, ...]) -> str:
    """The dotted name; numbers that are no node's are spelled as numbers."""
    words: list[str] = []
    node: Node | None = None
    for position, number in enumerate(name):
        known = top(number) if position == 0 else node.child(number) if node is not None else None
        words.append(known.name if known is not None else str(_signed(number)))
        node = known if known is not None and known.is_branch else None
    return ".".join(words)


def following(name: tuple[int, ...], *, hidden: bool) -> tuple[int, ...] | None:
    """The first leaf after `name` in the order of a walk, or None at the end."""
    for number in sorted(BRANCHES):
        if name and number < name[0]:
            continue
        node = top(number)
        if node is None:
            continue
        rest = name[1:] if name and number == name[0] else None
        if name and number == name[0] and not node.is_branch:
            continue
        for found in _walk(node, rest, hidden):
            return (number, *found)
    return None


def _walk(node: Node, after: tuple[int, ...] | None, hidden: bool) -> Iterator[tuple[int, ...]]:
    """Leaves below `node` in order; only those that come after `after`, when it is given."""
    if not node.is_branch:
        yield ()
        return
    for child in node.children:
        if child.kind & SKIP and not hidden:
            continue
        rest: tuple[int, ...] | None = None
        if after:
            if child.number < after[0]:
                continue
            if child.number == after[0]:
                if not child.is_branch:
                    continue
                rest = after[1:]
        for found in _walk(child, rest, hidden):
            yield (child.number, *found)


def _signed(number: int) -> int:
    return number - (1 << 32) if number & 0x80000000 else number
