"""Which types of a guest agree with the host's, and how the others are converted.

One answer serves the C emitters, which must know whether a pointer may go to the host kernel as it
is, and `syscalls.check`, which must say why a `same` row cannot be generated.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import Abi, Constant, ConstantSet, Field, Struct


@dataclass(frozen=True, slots=True)
class Pair:
    """A guest's tables beside the host's."""

    guest: Abi
    host: Abi

    def struct(self, item: Struct) -> Struct | None:
        """The host struct that a guest's corresponds to."""
        return self.host.structs.get(item.host or item.name)

    def set(self, item: ConstantSet) -> ConstantSet | None:
        """The host's flag set or enum that a guest's corresponds to."""
        other = self.host.sets.get(item.host or item.name)
        if other is None or other.kind != item.kind or item.shown or other.shown:
            return None
        return other

    def host_constant(self, item: ConstantSet, entry: Constant) -> Constant | None:
        other = self.set(item)
        if other is None or entry.host == "none" or entry.drop:
            return None
        wanted = entry.host or entry.name
        return next((o for o in other.entries if o.name == wanted), None)

    def guest_constants(self, item: ConstantSet) -> dict[str, Constant]:
        """Host constant name -> the guest's constant that stands for it; namesakes win."""
        found: dict[str, Constant] = {}
        for entry in item.entries:
            host = self.host_constant(item, entry)
            if host is not None and (host.name not in found or entry.name == host.name):
                found[host.name] = entry
        return found

    # Identity: may the guest's bytes go to the host kernel as they are? ---------------------------

    def same_scalar(self, guest: str, host: str) -> bool:
        return (
            guest in self.guest.scalars
            and host in self.host.scalars
            and self.guest.scalars[guest].size == self.host.scalars[host].size
        )

    def same_set(self, name: str, host: str) -> bool:
        """All values that the guest knows mean the same to the host."""
        ours = self.guest.sets.get(name)
        other = self.set(ours) if ours else None
        if ours is None or other is None or other.name != host:
            return False
        pairs = ((e, self.host_constant(ours, e)) for e in ours.entries)
        return all(h is not None and h.value == e.value for e, h in pairs)

    def same_struct(self, guest: Struct, host: Struct) -> bool:
        """Equal layout, member names and meanings."""
        if guest.size != host.size or len(guest.fields) != len(host.fields):
            return False
        return all(self._same_field(g, h) for g, h in zip(guest.fields, host.fields, strict=True))

    def _same_field(self, guest: Field, host: Field) -> bool:
        if (guest.name, guest.offset, guest.count) != (host.name, host.offset, host.count):
            return False
        if guest.meaning or host.meaning:
            return False
        inner, other = self.guest.structs.get(guest.type), self.host.structs.get(host.type)
        if inner is not None and other is not None:
            return self.same_struct(inner, other)
        return self.same_scalar(guest.type, host.type)

    # Conversion ----------------------------------------------------------------------------------

    def obstacle(self, guest: Struct) -> str:
        """Why `guest` cannot be converted to its host struct and back, or ""."""
        host = self.struct(guest)
        if host is None:
            return f"the host has no struct {guest.host or guest.name}"
        if guest.name == "sigset":
            return ""
        theirs = {f.name: f for f in host.fields}
        for entry in guest.fields:
            if (other := theirs.get(entry.name)) is not None and (why := self._field_obstacle(entry, other)):
                return f"{guest.name}.{entry.name}: {why}"
        return ""

    def _field_obstacle(self, guest: Field, host: Field) -> str:
        if (guest.count is None) != (host.count is None):
            return "an array on one side only"
        inner, other = self.guest.structs.get(guest.type), self.host.structs.get(host.type)
        if (inner is None) != (other is None):
            return "a struct on one side only"
        if inner is not None and other is not None:
            return "" if self.same_struct(inner, other) else self._nested_obstacle(inner, other)
        if guest.meaning in ("", "signal"):
            return ""
        group = self.guest.sets[guest.meaning]
        if group.kind != "constants" and self.set(group) is None:
            return f"the host has no {group.kind} {group.host or group.name}"
        if group.kind == "constants" and not self.same_set(group.name, group.host or group.name):
            return f"constants {group.name} differ, and only flags and enums are converted"
        return ""

    def _nested_obstacle(self, inner: Struct, other: Struct) -> str:
        counterpart = self.struct(inner)
        if counterpart is None or counterpart.name != other.name:
            return f"struct {inner.name} is not the host's {other.name}"
        return self.obstacle(inner)
