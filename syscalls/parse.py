"""Reads the tables of one kernel, `syscalls/<kernel>/*.tbl`, into an `Abi`.

The format is described in FORMAT.md.  Whatever cannot be right within one kernel's tables (a number
given twice, members that overlap) is refused here with `TableError`; what needs all sections or two
kernels to judge (is a type defined, has a `same` row a counterpart?) is left to `syscalls.check`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from . import kernels as kernels
from . import layout, lexer
from .lexer import Row, Section
from .model import (
    HOST,
    Abi,
    Argument,
    Call,
    Choice,
    Choices,
    Constant,
    ConstantSet,
    Direction,
    Errno,
    Field,
    Ioctl,
    Meaning,
    Scalar,
    Service,
    Signal,
    Source,
    Struct,
    TableError,
    Type,
    Unknown,
)

SCALARS = {
    name: Scalar(name, size, signed)
    for names, size, signed in [
        ("u8 uchar", 1, False),
        ("s8 char bool", 1, True),
        ("u16 ushort", 2, False),
        ("s16 short", 2, True),
        ("u32 uint mode uid gid", 4, False),
        ("s32 int fd dirfd pid tid", 4, True),
        ("u64 ulong size dev ptr", 8, False),
        ("s64 long ssize off time id", 8, True),
    ]
    for name in names.split()
}
STRINGS = frozenset(("path", "str", "strv"))
SERVICES = frozenset(("same", "runtime", "supervisor", "missing", "obsolete"))
TAGS = frozenset(
    ["file", "desc", "net", "process", "signal", "memory", "ipc", "time", "cred", "thread", "system", "wait"]
)

_CALL = re.compile(r"(\d+)\s+(\w+)\s*")
_RESULT = re.compile(r"->\s*(\w+(?::\w+(?:\[\w+\])?)?)\s*")
_ARGUMENT = re.compile(r"(\w+)\s*:\s*(.+)$")
_DIRECTED = re.compile(r"(in|out|inout)\s*(?:\s(\w+)\s*)?(?:\[\s*(\w+)\s*\])?$")
_SHOWN = re.compile(r"(.*?)(?::(\w+)(\[(\w*)\])?)?$")
_NAME = re.compile(r"[A-Za-z_]\w*$")
_POINTED = re.compile(r"(\w+)?(?:\[(\w+)\])?")
_FIELD = re.compile(r"(\w+)(?::(\w+))?(?:\[(\d+|0x[0-9a-fA-F]+)\])?$")


def parse_type(row: Row, text: str) -> Type:
    """An argument's type; whether its name exists is checked when all sections are read."""
    text = text.strip()
    directed = _DIRECTED.match(text)
    if directed:
        direction = cast(Direction, directed[1])
        count = int(directed[3]) if directed[3] and directed[3].isdigit() else directed[3]
        if not directed[2]:
            if count is None:
                raise row.fail(f"{text!r} needs a length or a type")
            return Type("bytes", "", direction, count)
        return Type("object", directed[2], direction, count)
    if not _NAME.match(text):
        raise row.fail(f"{text!r} is not a type")
    if text in STRINGS:
        return Type("string", text, "in")
    if text in ("none", "registers", "noreturn"):
        return Type(cast(Literal["none"], text), "")
    return Type("value", text)


def parse_shown(row: Row, text: str) -> tuple[Type, Meaning]:
    """`TYPE`, or `TYPE:MEANING`, or `TYPE:STRUCT[]`, or `TYPE:CHOICES[ARGUMENT]`."""
    found = _SHOWN.match(text.strip())
    assert found is not None
    kind = parse_type(row, found[1])
    many = found[3] == "[]"
    if many and kind.kind != "bytes":
        raise row.fail(f"{found[2]}[] is said of bytes, not of {kind}")
    return kind, Meaning(found[2] or "", found[4] or "", many)


class _Reader:
    def __init__(self, kernel: str) -> None:
        self.kernel = kernel
        self.calls: dict[str, Call] = {}
        self.by_number: dict[int, Call] = {}
        self.scalars = dict(SCALARS)
        self.structs: dict[str, layout.RawStruct] = {}
        self.sets: dict[str, ConstantSet] = {}
        self.errno: dict[str, Errno] = {}
        self.signals: dict[str, Signal] = {}
        self.ioctls: dict[str, Ioctl] = {}
        self.choices: dict[str, Choices] = {}
        self.sources: dict[str, Source] = {}
        self.family = ""
        self.readers: dict[str, Callable[[Section], None]] = {
            "kernel": self.read_kernel,
            "calls": self.read_calls,
            "types": self.read_types,
            "struct": self.read_struct,
            "flags": self.read_set,
            "enum": self.read_set,
            "constants": self.read_set,
            "errno": self.read_errno,
            "signals": self.read_signals,
            "ioctls": self.read_ioctls,
            "choices": self.read_choices,
        }

    def read(self, section: Section) -> None:
        reader = self.readers.get(section.kind)
        if reader is None:
            raise section.head.fail(f"unknown section {section.kind!r}")
        reader(section)

    # Sections ------------------------------------------------------------------------------------

    def read_kernel(self, section: Section) -> None:
        found = lexer.options(section.head, list(section.words), frozenset(("family",)))
        self.family = found.get("family", "")
        if not _NAME.match(self.family):
            raise section.head.fail("`kernel` needs family=NAME")

    def read_calls(self, section: Section) -> None:
        self.general_options(section)
        for row in section.rows:
            call = self.call(row)
            if (old := self.by_number.get(call.number)) is not None:
                raise row.fail(f"number {call.number} is {old.name} already ({old.where})")
            if (old := self.calls.get(call.name)) is not None:
                raise row.fail(f"call {call.name} is number {old.number} already ({old.where})")
            self.calls[call.name] = self.by_number[call.number] = call

    def call(self, row: Row) -> Call:
        start = _CALL.match(row.text)
        if not start:
            raise row.fail("a call's row begins with its number and its name")
        rest = row.text[start.end() :]
        arguments: tuple[Argument, ...] = ()
        open_ended = True
        if rest.startswith("("):
            inside, _, rest = rest[1:].partition(")")
            arguments, open_ended = self.arguments(row, inside)
            rest = rest.lstrip()
        elif rest.startswith("..."):
            rest = rest[3:].lstrip()
        result, meaning = Type("value", "long"), Meaning()
        if found := _RESULT.match(rest):
            (result, meaning), rest = parse_shown(row, found[1]), rest[found.end() :]
        items = lexer.words(rest)
        if not items and self.kernel == HOST:
            items = ["same"]
        service, target, given, reason = self.service(row, items)
        ours = service == "runtime"
        tags: frozenset[str] = frozenset()
        if items and items[0].startswith("{"):
            tags = frozenset(items.pop(0).strip("{}").replace(",", " ").split())
            if not tags <= TAGS:
                raise row.fail(f"unknown tag {', '.join(sorted(tags - TAGS))}")
        found_options = lexer.options(row, items, frozenset(("since", "until")))
        if service == "same" and open_ended:
            raise row.fail("a `same` row lists all its arguments")
        return Call(
            int(start[1]), start[2], arguments, result, service, row.where, open_ended, reason,
            "" if ours else target, None if ours else given, (target or start[2]) if ours else "",
            given if ours else None, tags, found_options.get("since", ""), found_options.get("until", ""),
            meaning,
        )  # fmt: skip

    def arguments(self, row: Row, text: str) -> tuple[tuple[Argument, ...], bool]:
        arguments: list[Argument] = []
        open_ended = False
        for part in filter(None, (p.strip() for p in text.split(","))):
            if open_ended:
                raise row.fail("nothing may follow `...`")
            if part == "...":
                open_ended = True
                continue
            found = _ARGUMENT.match(part)
            if not found:
                raise row.fail(f"{part!r} is not `name: type`")
            arguments.append(Argument(found[1], *parse_shown(row, found[2])))
        names = [a.name for a in arguments]
        for argument in arguments:
            count = argument.type.count
            if isinstance(count, str) and count not in names:
                raise row.fail(f"the length of {argument.name} is {count!r}, which is no argument")
            if argument.meaning.by and argument.meaning.by not in names:
                raise row.fail(f"{argument.meaning.by!r}, which says what {argument.name} is, is no argument")
        if len(set(names)) != len(names):
            raise row.fail("two arguments have one name")
        if len(arguments) > 8:
            raise row.fail("more than 8 arguments")
        return tuple(arguments), open_ended

    def service(self, row: Row, items: list[str]) -> tuple[Service, str, tuple[str, ...] | None, str]:
        """Take the service, with what belongs to it, from the front of `items`."""
        word, equals, target = items.pop(0).partition("=") if items else ("", "", "")
        if word not in SERVICES:
            raise row.fail(f"{word!r} is not a service ({', '.join(sorted(SERVICES))})")
        host_arguments: tuple[str, ...] | None = None
        if equals:
            if word not in ("same", "runtime"):
                raise row.fail("only `same` and `runtime` may name what serves them")
            target, bracket, inside = target.partition("(")
            if bracket:
                parts = inside.rstrip(")").split(",")
                host_arguments = tuple(filter(None, (p.strip() for p in parts)))
        reason = ""
        if word in ("missing", "obsolete"):
            if not items or not items[0].startswith('"') or len(items[0]) < 3:
                raise row.fail(f'{word} needs a reason in "quotes"')
            reason = lexer.unquote(items.pop(0))
        return cast(Service, word), target, host_arguments, reason

    def read_types(self, section: Section) -> None:
        self.general_options(section)
        for row in section.rows:
            items = lexer.words(row.text)
            if len(items) != 2:
                raise row.fail("a row of `types` is `name base-type`")
            base = self.scalars.get(items[1])
            if base is None:
                raise row.fail(f"unknown type {items[1]!r}")
            self.scalars[items[0]] = Scalar(items[0], base.size, base.signed)

    def read_struct(self, section: Section) -> None:
        name = self.section_name(section)
        if name in self.structs:
            raise section.head.fail(f"struct {name} exists already ({self.structs[name].struct.where})")
        known = frozenset(("size", "host", "cname", "prefix", "header", "define", "length", "brief"))
        found = lexer.options(section.head, list(section.words[1:]), known)
        fields: list[Field] = []
        for row in section.rows:
            entry = self.field(row)
            if any(entry.name == other.name for other in fields):
                raise row.fail(f"a second member {entry.name}")
            fields.append(entry)
        struct = Struct(
            name, 0, 1, tuple(fields), section.head.where, host=found.get("host", ""),
            c_name=found.get("cname", f"struct {name}"), source=_source(found),
            length=found.get("length", ""), brief=_names(found, "brief"),
        )  # fmt: skip
        for member in (*filter(None, [struct.length]), *struct.brief):
            if all(member != entry.name for entry in fields):
                raise section.head.fail(f"there is no member {member}")
        size = lexer.number(section.head, found["size"]) if "size" in found else None
        self.structs[name] = layout.RawStruct(struct, size, tuple(row.where for row in section.rows))

    def field(self, row: Row) -> Field:
        items = lexer.words(row.text)
        if len(items) < 2:
            raise row.fail("a member's row is `name type @offset`")
        name, type_text, *rest = items
        offset = layout.UNPLACED
        if rest and rest[0].startswith("@"):
            offset = lexer.number(row, rest.pop(0)[1:])
        found_type = _FIELD.match(type_text)
        if not found_type:
            raise row.fail(f"{type_text!r} is not a member's type")
        found = lexer.options(row, rest, frozenset(("cname", "guard", "to", "shown")))
        count = int(found_type[3], 0) if found_type[3] else None
        pointed = _POINTED.fullmatch(found.get("to", ""))
        if pointed is None:
            raise row.fail(f"to={found['to']} is not WHAT or WHAT[MEMBER]")
        c_name: str | None = found.get("cname", "")
        if found.get("guard") == "no":
            c_name = None
        return Field(
            name, found_type[1], offset, count, found_type[2] or "", c_name,
            pointed[1] or "", pointed[2] or "", found.get("shown", ""),
        )  # fmt: skip

    def read_set(self, section: Section) -> None:
        name = self.section_name(section)
        known = frozenset(("unknown", "host", "header", "define", "shown"))
        found = lexer.options(section.head, list(section.words[1:]), known)
        unknown = found.get("unknown", "EINVAL")
        if unknown not in ("EINVAL", "drop"):
            raise section.head.fail("unknown= is EINVAL or drop")
        entries = tuple(self.constant(row, section.kind) for row in section.rows)
        seen: dict[str, Constant] = {}
        for entry in entries:
            if entry.name in seen:
                raise TableError(entry.where, f"a second {entry.name} ({seen[entry.name].where})")
            seen[entry.name] = entry
        kind = cast(Literal["flags", "enum", "constants"], section.kind)
        result = ConstantSet(
            name,
            kind,
            entries,
            section.head.where,
            cast(Unknown, unknown),
            found.get("host", ""),
            _source(found),
            "shown" in found,
        )
        if (old := self.sets.get(name)) is not None:
            raise section.head.fail(f"{old.kind} {name} exists already ({old.where})")
        self.sets[name] = result

    def constant(self, row: Row, kind: str) -> Constant:
        items = lexer.words(row.text)
        if len(items) < 2:
            raise row.fail("a constant's row is `NAME value`")
        text = ""
        if items[-1].startswith('"'):
            text = lexer.unquote(items.pop())
        known = {"flags": ("field", "drop", "host", "guard"), "enum": ("host", "guard")}.get(kind, ("guard",))
        found = lexer.options(row, items[2:], frozenset(known))
        mask = lexer.number(row, found["field"]) if "field" in found else None
        value = lexer.number(row, items[1])
        if mask is not None and value & ~mask:
            raise row.fail(f"{items[0]} has bits outside its field")
        if kind == "flags" and value < 0:
            raise row.fail("a flag cannot be negative")
        return Constant(
            items[0], value, row.where, mask, "drop" in found, found.get("host", ""), text,
            found.get("guard") != "no",
        )  # fmt: skip

    def read_errno(self, section: Section) -> None:
        self.general_options(section)
        for row in section.rows:
            name, number, _, text, found = self.numbered(row, 2, "also", "host", "from", "guard")
            if name in self.errno:
                raise row.fail(f"a second {name} ({self.errno[name].where})")
            self.errno[name] = Errno(
                name, number, text, row.where, _names(found, "also"), found.get("host", ""),
                _names(found, "from"), found.get("guard") != "no",
            )  # fmt: skip

    def read_signals(self, section: Section) -> None:
        self.general_options(section)
        for row in section.rows:
            name, number, words, text, found = self.numbered(row, 3, "also", "host", "guard")
            if name in self.signals:
                raise row.fail(f"a second {name} ({self.signals[name].where})")
            host = found.get("host", "")
            self.signals[name] = Signal(
                name, number, words[0], text, row.where, _names(found, "also"),
                int(host) if host.isdigit() else host, found.get("guard") != "no",
            )  # fmt: skip

    def numbered(self, row: Row, least: int, *known: str) -> tuple[str, int, list[str], str, dict[str, str]]:
        """`NAME number words... "text" options`, with `least` plain words."""
        items = lexer.words(row.text)
        texts = [item for item in items if item.startswith('"')]
        items = [item for item in items if not item.startswith('"')]
        if len(items) < least:
            raise row.fail("the row is too short")
        found = lexer.options(row, items[least:], frozenset(known))
        text = lexer.unquote(texts[0]) if texts else ""
        return items[0], lexer.number(row, items[1]), items[2:least], text, found

    def read_ioctls(self, section: Section) -> None:
        self.general_options(section)
        for row in section.rows:
            items = lexer.words(row.text)
            if len(items) < 3:
                raise row.fail("an ioctl's row is `NAME number type service`")
            name, number = items[0], lexer.number(row, items[1])
            start = next((i for i, w in enumerate(items) if i > 1 and w.partition("=")[0] in SERVICES), None)
            if start is None:
                if self.kernel != HOST:
                    raise row.fail("no service word")
                start = len(items)
            text = " ".join(items[2:start]).removesuffix("-")
            kind = parse_type(row, text) if text else Type("none")
            rest = items[start:] or ["same"]
            service, host, host_arguments, reason = self.service(row, rest)
            if host_arguments is not None:
                raise row.fail("an ioctl's `same=` takes a name only")
            found = lexer.options(row, rest, frozenset(("guard",)))
            if name in self.ioctls:
                raise row.fail(f"a second {name} ({self.ioctls[name].where})")
            guarded = found.get("guard") != "no"
            self.ioctls[name] = Ioctl(name, number, kind, service, row.where, reason, host, guarded)

    def read_choices(self, section: Section) -> None:
        name = self.section_name(section)
        if name in self.choices:
            raise section.head.fail(f"choices {name} exist already ({self.choices[name].where})")
        entries = []
        for row in section.rows:
            items = lexer.words(row.text)
            if len(items) < 2:
                raise row.fail("a choice's row is `KEY type`")
            entries += [Choice(key, *parse_shown(row, " ".join(items[1:]))) for key in items[0].split(",")]
        self.choices[name] = Choices(name, tuple(entries), section.head.where)

    # Common parts --------------------------------------------------------------------------------

    def section_name(self, section: Section) -> str:
        if not section.words or not _NAME.match(section.words[0]):
            raise section.head.fail(f"`{section.kind}` needs a name")
        return section.words[0]

    def general_options(self, section: Section) -> None:
        found = lexer.options(section.head, list(section.words), frozenset(("header", "define", "prefix")))
        new, old = _source(found), self.sources.get(section.kind, Source())
        self.sources[section.kind] = Source(
            tuple(dict.fromkeys((*old.headers, *new.headers))),
            tuple(dict.fromkeys((*old.defines, *new.defines))),
            new.prefix or old.prefix,
        )

    def requests(self) -> Choices:
        """What an ioctl's argument is, as its requests' rows say."""
        address = Type("value", "ptr")
        entries = [
            Choice(item.name, address if item.type.kind == "none" else item.type, Meaning())
            for item in self.ioctls.values()
        ]
        return Choices("ioctl", (*entries, Choice("*", address, Meaning())), f"{self.kernel}/")

    def finish(self) -> Abi:
        for name, raw in self.structs.items():
            if (other := self.sets.get(name)) is not None and other.kind != "constants":
                raise TableError(raw.struct.where, f"{name} is also the {other.kind} of {other.where}")
        structs = layout.lay_out(self.structs, self.scalars)
        return Abi(
            self.kernel, self.calls, self.by_number, self.scalars, structs, self.sets, self.errno,
            self.signals, self.ioctls, {**self.choices, "ioctl": self.requests()}, self.sources,
            self.family,
        )  # fmt: skip


def _names(found: dict[str, str], key: str) -> tuple[str, ...]:
    return tuple(filter(None, found.get(key, "").split(",")))


def _source(found: dict[str, str]) -> Source:
    return Source(_names(found, "header"), _names(found, "define"), found.get("prefix", ""))


def read(kernel: str, root: Path | None = None) -> Abi:
    """Read all tables of `kernel`.

    Raises TableError with ``file:line`` for a table that is wrong, and for a kernel without tables.
    """
    folder = (root or Path(__file__).parent) / kernel
    files = sorted(folder.glob("*.tbl"))
    if not files:
        raise TableError(f"{kernel}/", "no tables")
    reader = _Reader(kernel)
    found = [s for path in files for s in lexer.sections(path, f"{kernel}/{path.name}")]
    # Derived scalar types first: any file may use them.
    for section in sorted(found, key=lambda s: s.kind != "types"):
        reader.read(section)
    return reader.finish()
