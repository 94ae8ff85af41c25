"""Turns a recorded call back into what the guest said: names, flags, structs, errors of its kernel.

`captures` are the bytes that were behind arguments, as `emit_trace.captures` asked for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import decode_types
from .emit_trace import is_environment, leads
from .model import PLAIN, Abi, Argument, Call, Choice, Meaning, Type
from .values import Change, Data, DecodedCall, Flags, Integer, Items, Outcome, Pointer, Symbol, Text, Value

RESTARTS = (-512, -513)
_GUEST_ERRNO = 8192
_LARGEST_ERROR = 8192
_MOST_SETTINGS = (1 << 16) + 1
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Seen:
    """Bytes behind one argument at one moment."""

    data: bytes
    truncated: bool = False
    fault: bool = False


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call as it was recorded; `result` as the runtime's handlers return it (-errno of the host)."""

    number: int
    arguments: tuple[int, ...]
    before: Mapping[int, Seen]
    after: Mapping[int, Seen]
    state: str
    result: int = 0
    second: int = 0
    nested: Mapping[int, Seen] = field(default_factory=dict)
    """What was behind pointers in structs, by its address."""
    descriptors: Mapping[int, bytes] = field(default_factory=dict)
    """What the process's descriptors stood for at the call's entry..."""
    descriptors_after: Mapping[int, bytes] = field(default_factory=dict)
    """... and at its exit."""


class Decoder:
    """Decodes the calls of one guest kernel; `host` is the kernel whose numbers results have."""

    def __init__(self, abi: Abi, host: Abi) -> None:
        self.abi = abi
        self._errno_from_host = abi.errno_from_host(host)
        self._errors = {e.number: e for e in abi.errno.values()}
        self._choices = {
            name: {choice.key: choice for choice in choices.entries} for name, choices in abi.choices.items()
        }
        self._readers: dict[int, list[tuple[str, Callable[[RawCall], Value | None]]]] = {}
        self.types = decode_types.TypeDecoder(abi)

    def name_of(self, number: int) -> str:
        call = self.abi.by_number.get(number)
        return call.name if call else f"call_{number}"

    def decode(self, raw: RawCall) -> DecodedCall:
        call = self.abi.by_number.get(raw.number)
        self.types.memory, self.types.descriptors = raw.nested, raw.descriptors
        if call is None:
            values = tuple((f"a{i}", Integer(v, 16)) for i, v in enumerate(raw.arguments))
            return DecodedCall(self.name_of(raw.number), raw.number, values, self.outcome(raw, None))
        readers = self._readers.get(raw.number)
        if readers is None:
            readers = self._readers[raw.number] = [
                (argument.name, self._reader(call, index)) for index, argument in enumerate(call.arguments)
            ]
        arguments = [
            (name, value) for name, read in readers[: len(raw.arguments)] if (value := read(raw)) is not None
        ]
        if call.open_ended:
            known = len(arguments)
            arguments += [(f"a{i}", Integer(v, 16)) for i, v in enumerate(raw.arguments[known:], known)]
        return DecodedCall(call.name, raw.number, tuple(arguments), self.outcome(raw, call), call.tags)

    def outcome(self, raw: RawCall, call: Call | None) -> Outcome:
        """How it ended."""
        result = raw.result
        if raw.state != "done":
            return Outcome(raw.state)
        if result in RESTARTS:
            return Outcome("restarted")
        if -_LARGEST_ERROR <= result < 0:
            guest = result < -4096
            number = result + _GUEST_ERRNO if guest else self._errno_from_host.get(-result, 0)
            entry = self._errors.get(number)
            if entry is None:
                return Outcome("done", errno=number or -result, error=f"errno {number or -result}")
            return Outcome("done", errno=number, error=entry.name, error_text=entry.text)
        if call is None:
            return Outcome("done", Integer(result), raw.second)
        self.types.descriptors = raw.descriptors_after
        result_of = Argument("", call.result, call.result_meaning)
        kind, meaning = self._meant(call, result_of, raw)
        return Outcome("done", self._by_value(kind, meaning, result & _MASK), raw.second)

    def signal(self, number: int) -> str:
        return self.types.signal(number)

    def _by_value(self, kind: Type, meaning: Meaning, value: int) -> Value:
        if kind.kind == "none":
            return Integer(_signed(value))
        return self.types.meant(kind.name or "long", meaning.name, value)

    def _reader(self, call: Call, index: int) -> Callable[[RawCall], Value | None]:
        """What decodes an argument, or gives None where the arguments that choose say that there is none."""
        argument = call.arguments[index]
        kind, meaning = argument.type, argument.meaning
        if meaning.by:
            return lambda raw: (
                None
                if self._meant(call, argument, raw)[0].kind == "none"
                else self._argument(call, index, raw)
            )
        if kind.is_address:
            return lambda raw: self._seen(raw, index, lambda seen: self._behind(call, argument, seen, raw))
        if kind.kind == "none":
            return lambda raw: Integer(_signed(raw.arguments[index]))
        read = self.types.reader(kind.name or "long", meaning.name)
        return lambda raw: read(raw.arguments[index])

    def _argument(self, call: Call, index: int, raw: RawCall) -> Value:
        argument = call.arguments[index]
        kind, meaning = self._meant(call, argument, raw, leads(call, index))
        if not kind.is_address:
            return self._by_value(kind, meaning, raw.arguments[index])
        shown = Argument(argument.name, kind, meaning)
        return self._seen(raw, index, lambda seen: self._behind(call, shown, seen, raw))

    def _meant(
        self, call: Call, argument: Argument, raw: RawCall, behind: bool = False
    ) -> tuple[Type, Meaning]:
        """A type and what it stands for, once the arguments that choose have chosen; `behind`: of what an
        address leads to."""
        kind, meaning = argument.type, argument.meaning
        while meaning.by:
            choice = self._chosen(call, meaning, raw)
            if choice is None:
                return kind, PLAIN
            if not behind:
                kind, meaning = choice.type, choice.meaning
            else:  # what is behind the address
                meaning = choice.meaning if choice.meaning.name else Meaning(choice.type.name)
        return kind, meaning

    def _chosen(self, call: Call, meaning: Meaning, raw: RawCall) -> Choice | None:
        choices = self._choices[meaning.name]
        index = next(i for i, argument in enumerate(call.arguments) if argument.name == meaning.by)
        if index >= len(raw.arguments):
            return None
        key = self._argument(call, index, raw)
        names: tuple[str, ...] = ()
        if isinstance(key, Flags):
            names = key.names
        elif isinstance(key, Symbol | Integer):
            names = (key.name if isinstance(key, Symbol) else "", str(key.value))
        return next((choices[name] for name in names if name in choices), choices.get("*"))

    def _seen(self, raw: RawCall, index: int, show: Callable[[Seen], Value]) -> Value:
        """A pointer, and what it led to before the call and after."""
        value = raw.arguments[index]
        if value == 0:
            return Pointer(0)
        before, after = raw.before.get(index), raw.after.get(index)
        if (before or after) is None:
            return Pointer(value)
        if (before and before.fault) or (after and after.fault):
            return Pointer(value, fault=True)
        shown = []
        for seen, names in ((before, raw.descriptors), (after, raw.descriptors_after)):
            if seen is not None:
                self.types.descriptors = names
                shown.append(show(seen))
        self.types.descriptors = raw.descriptors
        if len(shown) == 2 and shown[0] != shown[1]:
            return Pointer(value, Change(shown[0], shown[1]))
        return Pointer(value, shown[-1])

    def _behind(self, call: Call, argument: Argument, seen: Seen, raw: RawCall) -> Value:
        kind = argument.type
        if kind.kind == "string":
            if kind.name != "strv":
                return Text(seen.data, seen.truncated)
            if is_environment(argument) and len(seen.data) == 8:
                count = int.from_bytes(seen.data, "little")  # text of 8 bytes would be a larger number
                if count < _MOST_SETTINGS:
                    return Data(b"", count)
            texts = seen.data.split(b"\0")[:-1]
            return Items(tuple(Text(text) for text in texts), seen.truncated)
        if kind.kind == "object":
            return self.types.objects(kind, seen.data, seen.truncated, argument.meaning.name)
        if argument.meaning.name == "fd_set":
            return self.types.descriptor_set(seen.data, self._count(call, kind, raw))
        if argument.meaning.many:
            return self.types.records(argument.meaning.name, seen.data, seen.truncated)
        if argument.meaning.name:
            return self.types.content(argument.meaning.name, seen.data)
        if "net" in call.tags and decode_types.is_address(argument.name):
            return self.types.socket_address(seen.data)
        length = len(seen.data)
        if seen.truncated:
            length = self._length(call, kind, raw) or length
        return Data(seen.data, length)

    def _length(self, call: Call, kind: Type, raw: RawCall) -> int:
        """How long a buffer really was."""
        count = self._count(call, kind, raw)
        if kind.direction == "out" and not isinstance(kind.count, int) and 0 <= raw.result < count:
            return raw.result
        return count

    @staticmethod
    def _count(call: Call, kind: Type, raw: RawCall) -> int:
        """How many there are, as another argument says."""
        if isinstance(kind.count, int):
            return kind.count
        for index, other in enumerate(call.arguments):
            if other.name == kind.count and index < len(raw.arguments):
                return raw.arguments[index]
        return 0


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
