"""What a kernel promises its programs, as plain values.

Everything that follows from a call table (the C translators, the decoder, the support table in the
documentation, the guards against a kernel's own headers) reads these classes and nothing else, so
that no fact about an ABI is written down twice.  All values are frozen: they are checked once, when
the tables are read, and trusted from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from . import HOST as HOST

Direction = Literal["", "in", "out", "inout"]
Service = Literal["same", "runtime", "supervisor", "missing", "obsolete"]
Unknown = Literal["EINVAL", "drop"]


class TableError(Exception):
    """A table says something that cannot be right; the message starts with ``file:line``."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


@dataclass(frozen=True, slots=True)
class Scalar:
    """An integer type: its width in bytes and whether it has a sign."""

    name: str
    size: int
    signed: bool

    @property
    def c_type(self) -> str:
        if self.name == "char":
            return self.name
        return f"{'s' if self.signed else 'u'}{self.size * 8}"


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an argument or of a result.

    ``value``   by value: a scalar, a flag set, an enum, `signal`, or an opaque address (`ptr`)
    ``string``  the address of a NUL-terminated string (`path`, `str`) or of a list of them (`strv`)
    ``bytes``   the address of `count` bytes
    ``object``  the address of one `name` (struct, scalar, sigset), or of `count` of them
    ``none``    no result; ``registers``: the handler sets the registers itself; ``noreturn``
    """

    kind: Literal["value", "string", "bytes", "object", "none", "registers", "noreturn"]
    name: str = ""
    direction: Direction = ""
    count: int | str | None = None

    @property
    def is_address(self) -> bool:
        return self.kind in ("string", "bytes", "object") or self.name == "ptr"

    def __str__(self) -> str:
        count = "" if self.count is None else f"[{self.count}]"
        if self.kind == "bytes":
            return f"{self.direction}{count}"
        if self.kind == "object":
            return f"{self.direction} {self.name}{count}"
        return self.name or self.kind


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a plain value stands for, to whoever looks at a call; no translation depends on it.

    `name`: a set of flags or constants, a struct or scalar (of bytes), one of `SHOWN`, or `choices`, among
    which the argument called `by` chooses.  `many`: of bytes, one such struct behind the other.
    """

    name: str = ""
    by: str = ""
    many: bool = False

    def __str__(self) -> str:
        chooser = f"[{self.by}]" if self.by or self.many else ""
        return f":{self.name}{chooser}" if self.name else ""


PLAIN = Meaning()
SHOWN = ("signal", "wait_status", "ioctl", "hexadecimal", "bit_set", "fd_set", "file_mode", "text", "sysctl")
"""Meanings that no table need define."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an argument is where the one that chooses is `key` (`*`: anything else)."""

    key: str
    type: Type
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Choices:
    name: str
    entries: tuple[Choice, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    type: Type
    meaning: Meaning = PLAIN


@dataclass(frozen=True, slots=True)
class Call:
    """One row of a call table.

    `arguments` is what the row lists; `open_ended` says that the row's list ends in ``...`` (or that
    there is no list).  `host_call` and `host_arguments` name the host's counterpart of a `same` row;
    `host_arguments` is None when the guest's own arguments are passed in order.
    """

    number: int
    name: str
    arguments: tuple[Argument, ...]
    result: Type
    service: Service
    where: str
    open_ended: bool = False
    reason: str = ""
    host_call: str = ""
    host_arguments: tuple[str, ...] | None = None
    handler: str = ""
    """The C function's name after `<kernel>_sys_`, for a `runtime` row."""
    handler_arguments: tuple[str, ...] | None = None
    """What it gets: names of arguments, numbers, constants of this kernel; None: the arguments in order."""
    tags: frozenset[str] = frozenset()
    since: str = ""
    until: str = ""
    result_meaning: Meaning = PLAIN

    @property
    def signature(self) -> str:
        parts = [f"{a.name}: {a.type}" for a in self.arguments] + ["..."] * self.open_ended
        return f"{self.name}({', '.join(parts)}) -> {self.result}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a section can be checked against the kernel's own headers; empty: nowhere."""

    headers: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    prefix: str = ""
    """What the header puts before the name of a member or of a call (`st_`, `SYS_`)."""


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct; `meaning` names the flag set or enum that its value belongs to."""

    name: str
    type: str
    offset: int
    count: int | None = None
    meaning: str = ""
    c_name: str | None = ""
    """Name in the kernel's header when that is not the section's prefix + `name`; None: no such member."""
    to: str = ""
    """What it points at: a struct, `bytes`, `address` (of a socket), `control` (messages) or `string`."""
    to_count: str = ""
    shown: str = ""
    """What its value stands for, to whoever looks at it, where no translation depends on that."""
    """The member that counts how many of them; for bytes and the like how many bytes."""


@dataclass(frozen=True, slots=True)
class Struct:
    name: str
    size: int
    align: int
    fields: tuple[Field, ...]
    where: str
    packed: bool = False
    host: str = ""
    """The host struct that this one is converted to and from, when that has another name."""
    c_name: str = ""
    source: Source = Source()
    length: str = ""
    """Of records that lie one behind the other: the member that says how long each is."""
    brief: tuple[str, ...] = ()
    """The members that a line of a trace has room for; empty: the first ones."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A named number.  `mask` is not None for a value inside a masked field of a flag set."""

    name: str
    value: int
    where: str
    mask: int | None = None
    drop: bool = False
    host: str = ""
    text: str = ""
    guarded: bool = True


@dataclass(frozen=True, slots=True)
class ConstantSet:
    """A `flags`, `enum` or `constants` section."""

    name: str
    kind: Literal["flags", "enum", "constants"]
    entries: tuple[Constant, ...]
    where: str
    unknown: Unknown = "EINVAL"
    host: str = ""
    """The host set that this one is converted to and from, when that has another name."""
    source: Source = Source()
    shown: bool = False
    """Only there to be read in traces: nothing is converted by it."""


@dataclass(frozen=True, slots=True)
class Errno:
    """`also`: other spellings.  `host`: the host error of the same meaning under another name.
    `from_host`: host errors that this kernel has no word for and that become this one."""

    name: str
    number: int
    text: str
    where: str
    also: tuple[str, ...] = ()
    host: str = ""
    from_host: tuple[str, ...] = ()
    guarded: bool = True


@dataclass(frozen=True, slots=True)
class Signal:
    """`host`: the host signal that carries it, by name or number, when it is not the namesake."""

    name: str
    number: int
    action: str
    text: str
    where: str
    also: tuple[str, ...] = ()
    host: str | int = ""
    guarded: bool = True


@dataclass(frozen=True, slots=True)
class Ioctl:
    name: str
    number: int
    type: Type
    service: Service
    where: str
    reason: str = ""
    host: str = ""
    guarded: bool = True


@dataclass(frozen=True, slots=True)
class Abi:
    """All tables of one kernel."""

    kernel: str
    calls: Mapping[str, Call]
    by_number: Mapping[int, Call]
    scalars: Mapping[str, Scalar]
    structs: Mapping[str, Struct]
    sets: Mapping[str, ConstantSet]
    errno: Mapping[str, Errno]
    signals: Mapping[str, Signal]
    ioctls: Mapping[str, Ioctl]
    choices: Mapping[str, Choices] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Headers of the sections that have no name of their own: calls, errno, signals, ioctls."""
    family: str = ""
    """The kernels that it shares handlers with (`bsd`); empty: it shares none."""

    def call_limit(self) -> int:
        """One more than the highest call number."""
        return max(self.by_number, default=-1) + 1

    def kind_of(self, name: str) -> str:
        """What a type name means here: scalar, struct, flags, enum, signal, or "" when unknown."""
        if name in self.structs:
            return "struct"
        if name in self.sets:
            return self.sets[name].kind
        if name in self.scalars:
            return "scalar"
        return name if name == "signal" else ""

    def size_of(self, name: str) -> int:
        """Bytes of a scalar or a struct; flag sets, enums and signals are passed as 32-bit integers."""
        if name in self.structs:
            return self.structs[name].size
        return self.scalars[name].size if name in self.scalars else 4

    def errno_from_host(self, host: Abi) -> dict[int, int]:
        """Host errno number -> this kernel's: by name, else by what the table says (`host=`, `from=`)."""
        names: dict[str, int] = {}
        for entry in self.errno.values():
            for name in (*entry.from_host, *filter(None, [entry.host])):
                names.setdefault(name, entry.number)
        names.update((name, e.number) for e in self.errno.values() for name in (e.name, *e.also))
        result: dict[int, int] = {}
        for entry in host.errno.values():
            for name in (entry.name, *entry.also):
                if name in names:
                    result.setdefault(entry.number, names[name])
        return result

    def signal_to_host(self, host: Abi) -> dict[int, int]:
        """This kernel's signal number -> the host's, for those that can be represented."""
        numbers = {name: s.number for s in host.signals.values() for name in (s.name, *s.also)}
        result: dict[int, int] = {}
        for entry in self.signals.values():
            target = entry.host if isinstance(entry.host, int) else numbers.get(entry.host or entry.name)
            if target is not None:
                result[entry.number] = target
        return result
