"""Values and structs by the names that a kernel's tables give them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

from .model import Abi, ConstantSet, Field, Scalar, Struct, Type
from .values import Data, Descriptor, Flags, Integer, Items, Members, Pointer, Symbol, Text, Value

_OCTAL = frozenset(("mode",))
_HEXADECIMAL = frozenset(("ptr", "dev"))
_OWNERS = frozenset(("uid", "gid"))
_NOBODY = 0xFFFFFFFF  # leave it as it is
_MOST_ITEMS = 64
_MOST_RECORDS = 1024
_FLAG_SETS = 4096
"""Of one kind, whose names are remembered."""
Reader = Callable[[int], Value]
"""Makes a value of a register's or of memory's bits."""


def is_address(argument: str) -> bool:
    """Whether an argument of that name of a network call is a socket address."""
    return argument in ("name", "to", "from", "asa", "addr", "umyaddr", "uservaddr", "usockaddr", "upeer")


class SeenBytes(Protocol):
    """Bytes that were taken from guest memory."""

    @property
    def data(self) -> bytes: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def fault(self) -> bool: ...


class TypeDecoder:
    """Reads values of one kernel's types."""

    def __init__(self, abi: Abi) -> None:
        self._abi = abi
        self.memory: Mapping[int, SeenBytes] = {}
        """Of the call that is being decoded: what was behind pointers in structs."""
        self.descriptors: Mapping[int, bytes] = {}
        self._constants = {c.name: c.value for g in abi.sets.values() for c in g.entries}
        self._readers: dict[tuple[str, str], Reader] = {}
        self._members: dict[str, list[tuple[str, Callable[[bytes], Value]]]] = {}
        self._signals = {s.number: s.name for s in abi.signals.values()}
        self._continued = next((s.number for s in abi.signals.values() if s.name == "SIGCONT"), 0)
        self._by_value = {
            name: {c.value: c.name for c in reversed(group.entries)}
            for name, group in abi.sets.items()
            if group.kind != "flags"
        }
        self._requests = {item.number & 0xFFFFFFFF: item.name for item in reversed(list(abi.ioctls.values()))}
        self._families = {
            c.value: c.name for g in abi.sets.values() for c in g.entries if c.name.startswith("AF_")
        }
        self._at_cwd = next(
            (c.value for g in abi.sets.values() for c in g.entries if c.name == "AT_FDCWD"), None
        )

    def signal(self, number: int) -> str:
        return self._signals.get(number, "")

    def value(self, name: str, raw: int) -> Value:
        """A value passed in a register, or read from memory and extended."""
        return self.reader(name)(raw)

    def meant(self, name: str, meaning: str, raw: int) -> Value:
        """A value of a plain type that stands for something."""
        return self.reader(name, meaning)(raw)

    def reader(self, name: str, meaning: str = "") -> Reader:
        """What makes values of a type, and of what it stands for: looked up once, used for every call."""
        reader = self._readers.get((name, meaning))
        if reader is None:
            reader = self._reader_of_meaning(name, meaning) if meaning else self._reader_of_type(name)
            self._readers[name, meaning] = reader
        return reader

    def _reader_of_type(self, name: str) -> Reader:
        kind = self._abi.kind_of(name)
        if kind == "signal":
            return lambda raw: Symbol(number := _narrow(raw, 4, True), self.signal(number))
        if kind == "flags":
            return self._flags_reader(name, 4)
        if kind in ("enum", "constants"):
            names = self._by_value[name]
            return lambda raw: Symbol(number := _narrow(raw, 4, True), names.get(number, ""))
        if name == "ptr":
            return Pointer
        scalar = self._abi.scalars.get(name) or Scalar("long", 8, True)
        size, signed = scalar.size, scalar.signed
        if name in ("fd", "dirfd"):
            return lambda raw: self._descriptor(name, _narrow(raw, size, signed))
        if name in _OWNERS:
            return lambda raw: Integer(-1 if (n := _narrow(raw, size, signed)) == _NOBODY else n)
        base = 8 if name in _OCTAL else 16 if name in _HEXADECIMAL else 10
        return lambda raw: Integer(_narrow(raw, size, signed), base)

    def _reader_of_meaning(self, name: str, meaning: str) -> Reader:
        if meaning == "wait_status":
            return lambda raw: self._wait_status(raw & 0xFFFFFFFF)
        if meaning == "ioctl":
            return self._request
        size = self._abi.size_of(name)
        if meaning == "file_mode":
            return lambda raw: _file_mode(_narrow(raw, size, False))
        if meaning == "hexadecimal":
            return lambda raw: Integer(_narrow(raw, size, False), 16)
        kind = self._abi.kind_of(meaning)
        if kind == "flags":
            return self._flags_reader(meaning, size)
        if kind in ("enum", "constants"):
            return lambda raw: self._symbol(meaning, name, raw, size)
        return self.reader(meaning)

    def _flags_reader(self, name: str, size: int) -> Reader:
        group = self._abi.sets[name]
        read = lru_cache(_FLAG_SETS)(lambda value: self._flags(group, value))
        return lambda raw: read(_narrow(raw, size, False))

    def _descriptor(self, name: str, number: int) -> Value:
        if name == "dirfd" and number == self._at_cwd:
            return Symbol(number, "AT_FDCWD")
        return Descriptor(number, self.descriptors.get(number, b""))

    def _request(self, raw: int) -> Value:
        number = raw & 0xFFFFFFFF
        request = self._requests.get(number)
        return Symbol(number, request) if request else Integer(number, 16)

    def _symbol(self, meaning: str, name: str, raw: int, size: int) -> Value:
        """A constant by name; what has none stays what it is."""
        number = _narrow(raw, size, True)
        known = self._by_value[meaning].get(number) or self._by_value[meaning].get(_narrow(raw, size, False))
        return Symbol(number, known) if known else self.value(name, raw)

    def content(self, name: str, data: bytes) -> Value:
        """A buffer that holds one value.  Of a struct that has grown since, what there is."""
        if name == "text":
            return Text(data.split(b"\0")[0])
        if name == "bit_set":
            bits = int.from_bytes(data, "little")
            return Items(tuple(Integer(n) for n in range(bits.bit_length()) if bits >> n & 1))
        struct = self._abi.structs.get(name)
        if struct is not None and data:
            whole = self.object(name, data.ljust(struct.size, b"\0"))
            assert isinstance(whole, Members)
            there = {field.name for field in struct.fields if field.offset < len(data)}
            members = tuple((key, value) for key, value in whole.members if key in there)
            return Members(name, members, struct.brief)
        if struct is None and len(data) == self._abi.size_of(name):
            return self.meant(name, name, int.from_bytes(data, "little"))
        return Data(data, len(data))

    def descriptor_set(self, data: bytes, count: int) -> Value:
        """What select is asked about or answers: of `count` descriptors those whose bits are set."""
        bits = int.from_bytes(data, "little") & (1 << min(count & 0xFFFFFFFF, 8 * len(data))) - 1
        numbers = [n for n in range(bits.bit_length()) if bits >> n & 1]
        return Items(
            tuple(Descriptor(n, self.descriptors.get(n, b"")) for n in numbers[:_MOST_ITEMS]),
            len(numbers) > _MOST_ITEMS,
        )

    def records(self, name: str, data: bytes, truncated: bool) -> Value:
        """Structs one behind the other; of those with a length of their own each is as long as it says."""
        struct = self._abi.structs[name]
        length = next((field for field in struct.fields if field.name == struct.length), None)
        found: list[Value] = []
        at = 0
        while at < len(data) and len(found) < _MOST_RECORDS:
            size = struct.size
            if length is not None:
                place = at + length.offset
                size = int.from_bytes(data[place : place + self._abi.size_of(length.type)], "little")
            if size == 0 or at + size > len(data):
                break
            found.append(self._record(struct, data[at : at + size]))
            at += size
        return Items(tuple(found), truncated or at < len(data))

    def _record(self, struct: Struct, data: bytes) -> Value:
        """One; the text at its end has the room that its own length leaves."""
        whole = self.object(struct.name, data.ljust(struct.size, b"\0"))
        last = struct.fields[-1]
        if not struct.length or last.count is None or not isinstance(whole, Members):
            return whole
        text = Text(data[last.offset :].split(b"\0")[0])
        return Members(whole.type, (*whole.members[:-1], (last.name, text)), whole.brief)

    def objects(self, kind: Type, data: bytes, truncated: bool, meaning: str = "") -> Value:
        """One object, or as many as the bytes hold when the type is an array."""
        size = 8 if kind.name == "ptr" else self._abi.size_of(kind.name)
        if kind.count is None and meaning and len(data) >= size:
            return self.meant(kind.name, meaning, int.from_bytes(data[:size], "little"))
        if kind.count is None:
            return self.object(kind.name, data) if len(data) >= size else Data(data, size)
        count = len(data) // size if size else 0
        pieces = [data[i * size : (i + 1) * size] for i in range(min(count, _MOST_ITEMS))]
        if meaning == "sysctl":
            return self._variable(pieces, truncated)
        shown = tuple(self.object(kind.name, piece) for piece in pieces)
        return Items(shown, truncated or count > _MOST_ITEMS)

    def _variable(self, pieces: list[bytes], truncated: bool) -> Value:
        """A variable of the kernel's by its numbers, of which tables name the first two."""
        numbers = [int.from_bytes(piece, "little", signed=True) for piece in pieces]
        first = self._by_value["sysctl"].get(numbers[0], "") if numbers else ""
        below = self._by_value.get(f"sysctl_{first.lower()}", {})
        names = [first, below.get(numbers[1], "") if len(numbers) > 1 else ""]
        shown = [Symbol(n, name) if name else Integer(n) for n, name in zip(numbers, names, strict=False)]
        return Items((*shown, *map(Integer, numbers[2:])), truncated)

    def object(self, name: str, data: bytes) -> Value:
        if name == "sigset":
            return self._signal_set(data)
        if name in self._abi.structs:
            members = self._members.get(name)
            if members is None:
                members = self._members[name] = self._members_of(self._abi.structs[name])
            brief = self._abi.structs[name].brief
            return Members(name, tuple([(field, read(data)) for field, read in members]), brief)
        return self.value(name, int.from_bytes(data[: self._abi.size_of(name)], "little"))

    def _members_of(self, struct: Struct) -> list[tuple[str, Callable[[bytes], Value]]]:
        return [
            (field.name, self._member_reader(struct, field))
            for field in struct.fields
            if not field.name.startswith(("spare", "pad", "_"))
        ]

    def socket_address(self, data: bytes) -> Value:
        """By its family; the BSDs put a length before it."""
        layout = self._abi.structs.get("sockaddr_in")
        has_length = layout is not None and layout.fields[0].name == "len"
        if len(data) < 2:
            return Data(data, len(data))
        number = data[1] if has_length else int.from_bytes(data[:2], "little")
        family = Symbol(number, self._families.get(number, ""))
        members: list[tuple[str, Value]] = [("family", family)]
        if family.name == "AF_INET" and len(data) >= 8:
            members.append(("port", Integer(int.from_bytes(data[2:4], "big"))))
            members.append(("addr", Text(str(ipaddress.IPv4Address(data[4:8])).encode())))
        elif family.name == "AF_INET6" and len(data) >= 24:
            members.append(("port", Integer(int.from_bytes(data[2:4], "big"))))
            members.append(("addr", Text(str(ipaddress.IPv6Address(data[8:24])).encode())))
        elif family.name in ("AF_UNIX", "AF_LOCAL"):
            path = data[2:]
            members.append(("path", Text(path if path[:1] == b"\0" else path.split(b"\0")[0])))
        else:
            members.append(("data", Data(data[2:], len(data) - 2)))
        return Members("sockaddr", tuple(members))

    def _member_reader(self, struct: Struct, field: Field) -> Callable[[bytes], Value]:
        """What reads a member from the bytes of the whole struct."""
        if field.to:
            return lambda data: self._pointed(struct, field, data)
        start, size = field.offset, 8 if field.type == "ptr" else self._abi.size_of(field.type)
        end = start + size * (field.count or 1)
        if field.count is not None:
            return lambda data: self._array(field, data[start:end], size)
        meaning = field.meaning or field.shown
        if not meaning and field.name == "mode":
            return lambda data: Integer(int.from_bytes(data[start:end], "little"), 8)
        if not meaning and (field.type == "sigset" or field.type in self._abi.structs):
            return lambda data: self.object(field.type, data[start:end])
        read = self.reader(field.type, meaning)
        return lambda data: read(int.from_bytes(data[start:end], "little"))

    def _array(self, field: Field, data: bytes, size: int) -> Value:
        if field.type == "char" or field.shown == "text":
            return Text(data.split(b"\0")[0])
        if field.type == "u8":
            return Data(data, len(data))
        return Items(tuple(self._element(field, data[at : at + size]) for at in range(0, len(data), size)))

    def _pointed(self, struct: Struct, field: Field, data: bytes) -> Value:
        """What a member points at, as far as it was taken."""
        address = int.from_bytes(data[field.offset : field.offset + 8], "little")
        seen = self.memory.get(address)
        if address == 0 or seen is None:
            return Pointer(address)
        if seen.fault:
            return Pointer(address, fault=True)
        if field.to == "bytes":
            length = len(seen.data)
            if seen.truncated:
                length = self._count(struct, field, data) or length
            return Pointer(address, Data(seen.data, length))
        if field.to == "address":
            return Pointer(address, self.socket_address(seen.data))
        if field.to == "control":
            return Pointer(address, self._control(seen.data))
        if field.to == "string":
            return Pointer(address, Text(seen.data, seen.truncated))
        return Pointer(address, self.objects(Type("object", field.to, "in", 1), seen.data, seen.truncated))

    def _count(self, struct: Struct, field: Field, data: bytes) -> int:
        other = next((other for other in struct.fields if other.name == field.to_count), None)
        if other is None:
            return 0
        return int.from_bytes(data[other.offset : other.offset + self._abi.size_of(other.type)], "little")

    def _control(self, data: bytes) -> Value:
        """Control messages: a head that gives length, level and kind, then the data, each aligned to 8."""
        head = self._abi.structs.get("cmsghdr")
        if head is None:
            return Data(data, len(data))
        places = {field.name: (field.offset, self._abi.size_of(field.type)) for field in head.fields}
        first = (head.size + 7) & ~7
        found: list[Value] = []
        at = 0
        while at + head.size <= len(data):
            length, level, kind = (
                int.from_bytes(data[at + place : at + place + size], "little")
                for place, size in (places["len"], places["level"], places["type"])
            )
            if length < head.size:
                break
            body = data[at + first : at + length]
            found.append(self._message(level, kind, body))
            at += (length + 7) & ~7
        return Items(tuple(found))

    def _message(self, level: int, kind: int, body: bytes) -> Value:
        of_socket = level == self._constants.get("SOL_SOCKET")
        name = next((n for n, v in self._constants.items() if n.startswith("SCM_") and v == kind), "")
        shown: Value = Data(body, len(body))
        if of_socket and name == "SCM_RIGHTS":
            numbers = (int.from_bytes(body[i : i + 4], "little", signed=True) for i in range(0, len(body), 4))
            shown = Items(tuple(Descriptor(number, self.descriptors.get(number, b"")) for number in numbers))
        return Members(
            "cmsghdr",
            (
                ("level", Symbol(level, "SOL_SOCKET" if of_socket else "")),
                ("type", Symbol(kind, name if of_socket else "")),
                ("data", shown),
            ),
        )

    def _element(self, field: Field, data: bytes) -> Value:
        meaning = field.meaning or field.shown
        if meaning:
            return self.meant(field.type, meaning, int.from_bytes(data, "little"))
        return self.object(field.type, data)

    def _flags(self, group: ConstantSet, value: int) -> Value:
        rest, names = value, []
        masks = {c.mask for c in group.entries if c.mask is not None}
        for constant in group.entries:
            if constant.mask is not None and value & constant.mask == constant.value:
                names.append(constant.name)
        for mask in masks:
            rest &= ~mask
        plain = [c for c in group.entries if c.mask is None]
        for constant in sorted(plain, key=lambda c: -c.value.bit_count()):
            bits = constant.value
            if bits and rest & bits == bits:
                names.append(constant.name)
                rest &= ~bits
        if not value and not names:
            names = [c.name for c in plain if not c.value][:1]
        order = {c.name: i for i, c in enumerate(group.entries)}
        return Flags(value, tuple(sorted(names, key=lambda name: order[name])), rest)

    def _wait_status(self, status: int) -> Value:
        """Alike on all kernels but for what says that a process was continued."""
        low, high = status & 0x7F, status >> 8 & 0xFF
        members: tuple[tuple[str, Value], ...]
        if status in (0xFFFF, self._continued):
            members = (("continued", Integer(1)),)
        elif low == 0:
            members = (("exited", Integer(high)),)
        elif low == 0x7F:
            members = (("stopped", Symbol(high, self.signal(high))),)
        else:
            members = (("killed", Symbol(low, self.signal(low))),)
            if status & 0x80:
                members += (("core", Integer(1)),)
        return Members("wait_status", members)

    def _signal_set(self, data: bytes) -> Value:
        bits = int.from_bytes(data, "little")
        found = [number for number in range(1, len(data) * 8 + 1) if bits >> (number - 1) & 1]
        missing = [number for number in self._signals if not bits >> (number - 1) & 1]
        few = len(missing) < len(self._signals) // 2
        shown, others = (
            tuple(Symbol(number, self.signal(number)) for number in numbers) for numbers in (found, missing)
        )
        return Items(shown, missing=others if few else None)


def _narrow(value: int, size: int, signed: bool) -> int:
    value &= (1 << (8 * size)) - 1
    return value - (1 << (8 * size)) if signed and value >> (8 * size - 1) else value


_FILE_TYPES = {
    1: "S_IFIFO",
    2: "S_IFCHR",
    4: "S_IFDIR",
    6: "S_IFBLK",
    8: "S_IFREG",
    10: "S_IFLNK",
    12: "S_IFSOCK",
}
"""Alike on all kernels."""


def _file_mode(value: int) -> Value:
    """A file's type by name, its permissions in octal."""
    kind = _FILE_TYPES.get(value >> 12 & 0xF)
    return Flags(value, (kind,), value & ~0xF000, 8) if kind else Integer(value, 8)
