"""Writes the C that is made of this family's Python: a kernel's sysctl tree, for its guests' own processes.

A guest that had to ask the supervisor for a constant would wait until that has imported the tree.  There is
one tree, the supervisor's; here its shape and its constants become tables, at each build.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from personality.bsd import sysctl_value
from personality.supervisor.guest import Guest


class Node(Protocol):
    """What the nodes of all the family's kernels have."""

    name: str
    number: int
    value: sysctl_value.Value | None
    handler: sysctl_value.Handler | None
    write: Any
    children: list[Any]

    def encode(self, guest: Guest) -> bytes: ...


class Tables:
    """The rows of one tree: nodes in the order of a walk, their names and their values."""

    def __init__(self, kernel: str) -> None:
        self._nobody = Guest(0, 0, kernel)
        self.nodes: list[str] = []
        self.names = bytearray()
        self.values = bytearray()

    def add(self, nodes: Sequence[Node]) -> None:
        for position, node in enumerate(nodes):
            index = len(self.nodes)
            self.nodes.append("")
            self.add(node.children)
            following = len(self.nodes) if position + 1 < len(nodes) else 0
            kind, value, size = self._value(node)
            flags = int(bool(node.children)) | (2 if node.handler is not None and not node.children else 0)
            name = _place(self.names, node.name.encode() + b"\0")
            self.nodes[index] = (
                f"{{{node.number & 0xFFFFFFFF:#x}, {name}, {following}, {value}, {size}, {kind}, {flags}}},"
                f" /* {node.name} */"
            )

    def _value(self, node: Node) -> tuple[str, str | int, int]:
        """Kind, value and size as struct sysctl_node has them."""
        source = node.value if node.handler is None else node.handler
        told = sysctl_value.in_process.get(source)
        if told is not None:
            return "SYSCTL_FACT", f"FACT_{told[0].upper()}", told[1]
        partial = getattr(node, "partial", False)
        if source is None or callable(source) or node.write is not None or partial:
            return "SYSCTL_ELSEWHERE", 0, 0
        value = node.encode(self._nobody)
        return "SYSCTL_CONSTANT", _place(self.values, value), len(value)


def _place(store: bytearray, data: bytes) -> int:
    """Where `data` is in the store, into which it is put if it was not."""
    at = store.find(data)
    if at < 0:
        at = len(store)
        store += data
    return at


def files(kernel: str) -> dict[str, str]:
    """Name to text, for one kernel of the family."""
    tables = Tables(kernel)
    tables.add(importlib.import_module(f"personality.{kernel}.sysctl.calls").roots())
    return {"sysctl_tree.c": "\n".join(_tree(tables)) + "\n"}


def _tree(tables: Tables) -> Iterator[str]:
    yield "/* Generated from the rows in personality/<kernel>/sysctl/; not to be edited. */"
    yield '#include "sysctl.h"'
    yield "const struct sysctl_node sysctl_nodes[] = {"
    yield from tables.nodes
    yield "};"
    for declaration, data in (
        ("const char sysctl_names[]", tables.names),
        ("const u8 sysctl_values[]", tables.values),
    ):
        yield f"{declaration} = {{"
        for start in range(0, len(data), 24):
            yield " ".join(f"{byte}," for byte in data[start : start + 24])
        yield "};"
