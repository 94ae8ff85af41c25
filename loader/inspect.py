"""What a program is and what it would need, without running it.

For people who ask "will it run?": the answer of `plan_for`, the facts of the file that explain it, and
the system calls that stand in its code or that it imports, looked up in the tables of its kernel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from .cache import PlanCache
from .callscan import CallNumbers, Code, scan
from .errors import LoadError
from .header import ET_DYN, PF_R, PF_W, PF_X, PT_LOAD, Header
from .identify import ELF, SCRIPT, Identity, identify
from .launch import kernel_name, plan_for
from .result import GuestImage, HostProgram
from .source import Source

if TYPE_CHECKING:
    import lief

# LIEF holds as much memory as the segments take of the file; a sparse file must not exhaust it.
MAX_FILE = 1 << 30
MAX_CODE = 256 << 20  # bytes of one segment that are searched for calls
NOWHERE = "/proc/self/no-plans"  # a folder that cannot be made: nothing is kept of a mere look
# libc's other names for a call's wrapper: _read, __sys_read, __libc_read.
_WRAPPER_PREFIX = re.compile("^(__sys_|__libc_|_+)")


class CallRow(Protocol):
    """What is read of a row of syscalls/: its fields have these names."""

    @property
    def name(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class CallUse:
    """One system call that the program contains. service and reason: of its row, "" without one."""

    number: int
    name: str
    service: str
    reason: str
    imported: bool

    @property
    def supported(self) -> bool:
        """False if it will fail here and not at home. Without a table nothing is known to fail."""
        return self.service != "missing"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is loaded. permissions: "r-x" and the like."""

    address: int
    size: int
    file_offset: int
    file_size: int
    permissions: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `inspect_program` found out.

    verdict: "guest", "host", "script" or "refused"; problem: why it is refused, "" otherwise.
    release: in the kernel's own notation, 0 if not said; release_name: as people write it ("14.0").
    linking: "static" or "dynamic"; fixed: loaded at the addresses in the file.
    unknown_sites: `syscall` instructions whose call could not be told.
    """

    path: str
    verdict: str
    problem: str
    kind: str
    kernel: str
    release: int
    release_name: str
    evidence: str
    machine: str
    bits: int
    interpreter: str = ""
    argument: str | None = None
    linking: str = ""
    fixed: bool = False
    stripped: bool = False
    entry: int = 0
    needed: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    calls: tuple[CallUse, ...] = ()
    call_sites: int = 0
    unknown_sites: int = 0

    @property
    def unsupported(self) -> tuple[CallUse, ...]:
        """The calls found that would fail."""
        return tuple(use for use in self.calls if not use.supported)


def release_name(kernel: str, release: int) -> str:
    """A release as people write it: 1400097 of FreeBSD is 14.0. "" if it says nothing."""
    if not release:
        return ""
    if kernel in ("freebsd", "dragonfly"):
        return f"{release // 100000}.{release // (1000 if kernel == 'freebsd' else 100) % 100}"
    if kernel == "netbsd":
        return f"{release // 100000000}.{release // 1000000 % 100}"
    return str(release)


def inspect_program(
    fd: int,
    path: str,
    rows: Callable[[str], Mapping[int, CallRow]] | None = None,
    personalities: frozenset[str] = frozenset({"freebsd"}),
) -> Report:
    """A report on the program that `fd` is open on.

    rows: the call table of a kernel by number; it may raise LookupError for a kernel without tables.
    Raises LoadError for what is not a program at all, as `identify` does.
    """
    source = Source(fd, path)
    identity = identify(source)
    verdict, problem = _verdict(source, personalities)
    header = identity.header
    if identity.kind != ELF or header is None:
        return Report(
            path, verdict, problem, identity.kind, identity.kernel, 0, "", identity.evidence,
            identity.machine, identity.bits, identity.interpreter, identity.argument,
        )  # fmt: skip
    binary = _parse(source)
    # The host serves its own programs, whatever they call.
    found = scan(() if identity.is_host_program else _code(source, header))
    imports = set() if identity.is_host_program else _imports(binary)
    return Report(
        path=path,
        verdict=verdict,
        problem=problem,
        kind=identity.kind,
        kernel=identity.kernel,
        release=identity.release,
        release_name=release_name(identity.kernel, identity.release),
        evidence=identity.evidence,
        machine=identity.machine,
        bits=identity.bits,
        interpreter=identity.interpreter,
        linking="dynamic" if identity.interpreter else "static",
        fixed=header.type != ET_DYN,
        stripped=binary is None or not any(s.name == ".symtab" for s in binary.sections),
        entry=header.entry,
        needed=tuple(_text(name) for name in binary.libraries) if binary else (),
        segments=tuple(
            Segment(p.address, p.memory_size, p.offset, p.file_size, _permissions(p.flags))
            for p in header.of_type(PT_LOAD)
        ),
        calls=_calls(identity, found, imports, rows),
        call_sites=found.sites,
        unknown_sites=found.unknown_sites,
    )


def _verdict(source: Source, personalities: frozenset[str]) -> tuple[str, str]:
    try:
        result = plan_for(source.fd, source.path, personalities=personalities, cache=PlanCache(NOWHERE))
    except LoadError as error:
        return "refused", error.sentence
    if isinstance(result, GuestImage):
        result.close()
        return "guest", ""
    return ("host", "") if isinstance(result, HostProgram) else (SCRIPT, "")


def _import_lief() -> ModuleType:
    """The parser, silent: its complaints about a file are ours to make. Raises LoadError without it."""
    try:
        import lief
    except ImportError as error:
        raise LoadError(f"the Python package lief cannot be used: {error}", "ENOPKG") from None
    lief.logging.disable()
    return lief


def _parse(source: Source) -> lief.ELF.Binary | None:
    """LIEF's view of the file, None if it has none: the rest of the report does not depend on it."""
    if source.size > MAX_FILE:
        return None
    parser = _import_lief()
    configuration: lief.ELF.ParserConfig = parser.ELF.ParserConfig()
    configuration.parse_relocations = False
    configuration.parse_symtab_symbols = False
    configuration.parse_notes = False
    configuration.parse_overlay = False
    parsed: lief.ELF.Binary | None = parser.ELF.parse(f"/proc/self/fd/{source.fd}", configuration)
    return parsed


def _code(source: Source, header: Header) -> Iterable[Code]:
    for program_header in header.of_type(PT_LOAD):
        if program_header.flags & PF_X:
            size = min(program_header.file_size, MAX_CODE)
            yield Code(program_header.address, source.read(program_header.offset, size))


def _imports(binary: lief.ELF.Binary | None) -> set[str]:
    """Names of the functions that are left to shared libraries."""
    if binary is None:
        return set()
    return {_text(symbol.name) for symbol in binary.imported_symbols}


def _calls(
    identity: Identity,
    found: CallNumbers,
    imports: set[str],
    rows: Callable[[str], Mapping[int, CallRow]] | None,
) -> tuple[CallUse, ...]:
    table: Mapping[int, CallRow] = {}
    if rows is not None:
        try:
            table = rows(identity.kernel)
        except LookupError:
            table = {}  # a kernel that nobody has described yet: numbers are all there is to show
    uses = {}
    for number in found.numbers:
        row = table.get(number)
        if row is None:
            reason = f"{kernel_name(identity.kernel)} has no call of this number" if table else ""
            service = "missing" if table else ""
            uses[number] = CallUse(number, f"call {number}", service, reason, imported=False)
        else:
            uses[number] = CallUse(number, row.name, row.service, row.reason, imported=False)
    names = {_WRAPPER_PREFIX.sub("", name) for name in imports}
    for number, row in table.items():
        if number not in uses and _WRAPPER_PREFIX.sub("", row.name) in names:
            uses[number] = CallUse(number, row.name, row.service, row.reason, imported=True)
    return tuple(uses[number] for number in sorted(uses))


def _permissions(flags: int) -> str:
    return "".join(
        letter if flags & bit else "-" for letter, bit in zip("rwx", (PF_R, PF_W, PF_X), strict=True)
    )


def _text(name: str | bytes) -> str:
    """LIEF gives bytes for names that are not UTF-8."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
