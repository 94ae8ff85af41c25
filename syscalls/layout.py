"""Where the members of a struct lie.

Rows may leave an offset out (the next natural one is meant) or give it; either way the result here is
explicit, so that the C compiler's own idea can be asserted against it and never be relied upon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .model import Field, Scalar, Struct, TableError

UNPLACED = -1


@dataclass(frozen=True, slots=True)
class RawStruct:
    """A struct as its section says it, fields possibly `UNPLACED`, size possibly None."""

    struct: Struct
    size: int | None
    places: tuple[str, ...]
    """`file:line` of each field."""


def lay_out(raw: Mapping[str, RawStruct], scalars: Mapping[str, Scalar]) -> dict[str, Struct]:
    """Place all structs, in an order in which each comes after the ones it contains.

    Raises TableError for an unknown type, members that overlap, a struct that contains itself, and a
    stated size that is too small.
    """
    done: dict[str, Struct] = {}
    open_names: list[str] = []

    def place(name: str) -> Struct:
        if name in done:
            return done[name]
        item = raw[name]
        if name in open_names:
            raise TableError(item.struct.where, f"struct {name} contains itself")
        open_names.append(name)
        result = _place_one(item, measure)
        open_names.pop()
        done[name] = result
        return result

    def measure(type_name: str, where: str) -> tuple[int, int]:
        if type_name in raw:
            inner = place(type_name)
            return inner.size, inner.align
        if type_name in scalars:
            return scalars[type_name].size, scalars[type_name].size
        raise TableError(where, f"unknown type {type_name!r}")

    for name in raw:
        place(name)
    return done


def _place_one(item: RawStruct, measure: object) -> Struct:
    assert callable(measure)
    end, align, packed = 0, 1, False
    fields: list[Field] = []
    for entry, where in zip(item.struct.fields, item.places, strict=True):
        size, natural = measure(entry.type, where)
        offset = -(-end // natural) * natural if entry.offset == UNPLACED else entry.offset
        if offset < end:
            raise TableError(where, f"{entry.name} at {offset} overlaps what ends at {end}")
        packed = packed or offset % natural != 0
        align = max(align, natural)
        end = offset + size * (1 if entry.count is None else entry.count)
        fields.append(replace(entry, offset=offset))
    natural_size = -(-end // align) * align
    size = natural_size if item.size is None else item.size
    if size < end:
        raise TableError(item.struct.where, f"size={size}, but its members end at {end}")
    packed = packed or size % align != 0
    return replace(item.struct, fields=tuple(fields), size=size, align=1 if packed else align, packed=packed)
