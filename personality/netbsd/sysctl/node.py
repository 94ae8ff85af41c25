"""What a node of the tree is, and how a value of each type is laid out.

Types and flags are those of NetBSD's <sys/sysctl.h>.
"""

from __future__ import annotations

import struct

from personality.bsd import sysctl_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from personality.bsd.sysctl_value import Handler, Value
    from personality.supervisor.guest import Guest

NODE, INT, STRING, QUAD, STRUCT = range(1, 6)
_LAYOUTS = {INT: "<i", QUAD: "<q"}

READ_WRITE = 0x70
PERMANENT = 0x200
UNSIGNED = 0x80000
_VERSION = 0x01000000  # SYSCTL_VERSION, in the flags
TREE_VERSION = 1  # of the nodes: this tree does not change

AUTO = -1  # the number is given out when the tree is put together
_FIRST_AUTO = 1024  # CREATE_BASE
_NODE_SIZE = 96  # struct sysctlnode
_NAME_SIZE = 32


class Node:
    """One node: a branch with children, a leaf with a value, or a handler for what is below it."""

    __slots__ = (
        "by_number",
        "children",
        "description",
        "flags",
        "handler",
        "name",
        "number",
        "partial",
        "type",
        "value",
        "write",
    )

    def __init__(
        self,
        name: str,
        number: int,
        type: int,
        description: str,
        *,
        flags: int = 0,
        value: Value | None = None,
        handler: Handler | None = None,
        write: Callable[[Guest, bytes], None] | None = None,
        children: Sequence[Node] = (),
        partial: bool = False,
    ) -> None:
        self.name = name
        self.number = number
        self.type = type
        self.description = description
        self.flags = flags | PERMANENT | (READ_WRITE if write is not None or type == NODE else 0)
        self.value = value
        self.handler = handler
        self.write = write
        self.partial = partial  # a short buffer gets what fits, and that is no error
        self.children = _numbered(children)
        self.by_number = {child.number: child for child in self.children}

    def encode(self, guest: Guest) -> bytes:
        """The leaf's value now, as the guest's kernel would lay it out."""
        return sysctl_value.encode(self.value, _LAYOUTS.get(self.type), guest)

    def describe(self, guest: Guest) -> bytes:
        """struct sysctlnode, as CTL_QUERY tells about a node."""
        name = self.name.encode()[: _NAME_SIZE - 1]
        count = len(self.children)
        inner = struct.pack("<IIQ", count, count, 0) if self.type == NODE else bytes(16)
        if self.type == NODE or self.handler is not None or self.value is None:
            size = _NODE_SIZE if self.type == NODE else struct.calcsize(_LAYOUTS.get(self.type, ""))
        else:
            size = len(self.encode(guest))
        return struct.pack(
            f"<Ii{_NAME_SIZE}sII16s4Q",
            _VERSION | self.flags | self.type,
            self.number,
            name,
            TREE_VERSION,
            0,
            inner,
            size,
            0,
            0,
            0,
        )


def _numbered(children: Sequence[Node]) -> list[Node]:
    following = _FIRST_AUTO
    for child in children:
        if child.number == AUTO:
            child.number = following
            following += 1
    return list(children)


def _leaf(type: int, flags: int = 0, *, partial: bool = False) -> Callable[..., Node]:
    def make(
        name: str,
        number: int,
        value: Value,
        description: str = "",
        write: Callable[[Guest, bytes], None] | None = None,
    ) -> Node:
        return Node(name, number, type, description, flags=flags, value=value, write=write, partial=partial)

    return make


integer = _leaf(INT)
unsigned = _leaf(INT, UNSIGNED)
quad = _leaf(QUAD)
string = _leaf(STRING)
structure = _leaf(STRUCT)
growing = _leaf(STRUCT, partial=True)  # a struct that got longer: programs ask for what they know of it


def branch(name: str, number: int, children: Sequence[Node], description: str = "") -> Node:
    return Node(name, number, NODE, description, children=children)


def handled(name: str, number: int, handler: Handler, description: str = "", type: int = NODE) -> Node:
    """A node whose handler sees the request, with the numbers that follow the node's own."""
    return Node(name, number, type, description, handler=handler)
