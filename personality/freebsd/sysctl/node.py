"""What a node of the tree is, and how a value of each type is laid out.

Types and flags are those of FreeBSD's <sys/sysctl.h>.
"""

from __future__ import annotations

from personality.bsd import sysctl_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from personality.bsd.sysctl_value import Handler, Value
    from personality.supervisor.guest import Guest

TYPE_MASK = 0xF
NODE, INT, STRING, S64, OPAQUE, UINT, LONG, ULONG, U64 = range(1, 10)
_LAYOUTS = {INT: "<i", UINT: "<I", LONG: "<q", ULONG: "<Q", S64: "<q", U64: "<Q"}

READ = 0x80000000
WRITE = 0x40000000
ANYBODY = 0x10000000  # no privilege needed to write
SKIP = 0x01000000  # not listed by a walk
MPSAFE = 0x00040000
TUNABLE = 0x00080000

AUTO = -1  # the number is given out when the tree is put together, as OID_AUTO is
FIRST_AUTO = 0x100


class Node:
    """One node: a branch with children, a leaf with a value, or a handler for what is below it."""

    __slots__ = (
        "_by_name",
        "_by_number",
        "children",
        "description",
        "format",
        "handler",
        "kind",
        "name",
        "number",
        "value",
        "write",
    )

    def __init__(
        self,
        name: str,
        kind: int,
        format: str,
        description: str,
        number: int,
        *,
        value: Value | None = None,
        handler: Handler | None = None,
        write: Callable[[Guest, bytes], None] | None = None,
        children: Sequence[Node] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.format = format
        self.description = description
        self.number = number
        self.value = value
        self.handler = handler
        self.write = write
        self.children = number_children(children)
        self._by_number = {child.number: child for child in self.children}
        self._by_name = {child.name: child for child in self.children}

    @property
    def type(self) -> int:
        return self.kind & TYPE_MASK

    @property
    def is_branch(self) -> bool:
        """Whether a walk goes on below it."""
        return self.type == NODE and self.handler is None

    def child(self, number: int) -> Node | None:
        return self._by_number.get(number)

    def named(self, name: str) -> Node | None:
        return self._by_name.get(name)

    def encode(self, guest: Guest) -> bytes:
        """The leaf's value now, as the guest's kernel would lay it out."""
        return sysctl_value.encode(self.value, _LAYOUTS.get(self.type), guest)


def number_children(children: Sequence[Node]) -> list[Node]:
    """Give numbers to those that have none, and sort: the order in which a walk meets them."""
    following = FIRST_AUTO
    for child in children:
        if child.number == AUTO:
            child.number = following
            following += 1
    return sorted(children, key=lambda child: child.number)


def _leaf(kind: int, format: str) -> Callable[..., Node]:
    def make(
        name: str,
        value: Value,
        description: str = "",
        number: int = AUTO,
        flags: int = READ,
        write: Callable[[Guest, bytes], None] | None = None,
    ) -> Node:
        access = flags | (WRITE if write is not None else 0) | MPSAFE
        return Node(name, kind | access, format, description, number, value=value, write=write)

    return make


integer = _leaf(INT, "I")
unsigned = _leaf(UINT, "IU")
long = _leaf(LONG, "L")
unsigned_long = _leaf(ULONG, "LU")
quad = _leaf(S64, "Q")
unsigned_quad = _leaf(U64, "QU")
string = _leaf(STRING, "A")


def opaque(name: str, format: str, value: Value, description: str = "", number: int = AUTO) -> Node:
    """A leaf that holds a structure, given as bytes; `format` is what sysctl(8) reads ("S,timeval")."""
    return Node(name, OPAQUE | READ | MPSAFE, format, description, number, value=value)


def branch(name: str, children: Sequence[Node], description: str = "", number: int = AUTO) -> Node:
    return Node(name, NODE | READ | WRITE | MPSAFE, "N", description, number, children=children)


def handled(
    name: str,
    handler: Handler,
    description: str = "",
    number: int = AUTO,
    *,
    kind: int = NODE,
    format: str = "N",
    flags: int = READ,
) -> Node:
    """A node whose handler sees the request, with the numbers that follow the node's own."""
    return Node(name, kind | flags | MPSAFE, format, description, number, handler=handler)
