"""Where a trace goes: one file, or one for each process; what cannot be written ends it with a sentence."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from guise.tracing.events import Event
    from guise.tracing.forms import Factory, Form

_STDOUT, _STDERR = 1, 2
_STANDARD = {0: "standard input", _STDOUT: "standard output", _STDERR: "standard error"}
_MOST_OPEN = 64


class OutputError(Exception):
    """The trace cannot be written: one sentence."""


def fill_gaps() -> None:
    """Put something where a standard descriptor is missing, so that no file of ours comes to stand there and
    takes what is meant for a person.
    """
    for descriptor in _STANDARD:
        if not is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)  # the lowest free number


def open_gaps() -> None:
    """In the process that becomes the program: it finds missing what was missing."""
    for descriptor in _STANDARD:
        if not given(descriptor) and is_open(descriptor):
            os.close(descriptor)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def given(standard: int) -> bool:
    """Whether it came from whoever started us: what does is inheritable, what fills a gap is not."""
    try:
        return os.get_inheritable(standard)
    except OSError:
        return False


def called(path: str, otherwise: int = _STDERR) -> str:
    """An output's name in a sentence."""
    return path if path not in ("", "-") else _STANDARD[_STDOUT if path == "-" else otherwise]


def open_output(path: str, otherwise: int = _STDERR) -> int:
    """A descriptor: the named file, standard output for `-`, a copy of `otherwise` for nothing.

    Raises OutputError.
    """
    if path in ("", "-"):
        standard = _STDOUT if path == "-" else otherwise
        if not given(standard):
            raise OutputError(f"{_STANDARD[standard]} is closed: name a file for the trace with -o")
        descriptor = os.dup(standard)
    else:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {reason(error)}") from None
    os.set_inheritable(descriptor, False)
    return descriptor


def write_all(descriptor: int, data: bytes) -> None:
    """Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class Whole:
    """All events in one file."""

    def __init__(self, descriptor: int, form: Form) -> None:
        self._descriptor = descriptor
        self._form = form
        self._begun = False

    def add(self, events: Iterable[Event]) -> None:
        """Raises OSError."""
        pieces = [] if self._begun else [self._form.begin()]
        self._begun = True
        pieces += [self._form.add(event) for event in events]
        self._write("".join(pieces))

    def finish(self) -> None:
        """Raises OSError."""
        self.add(())
        self._write(self._form.end())

    def _write(self, text: str) -> None:
        if text:
            write_all(self._descriptor, text.encode("utf-8", "surrogateescape"))


class PerProcess:
    """NAME.PID for each process.  Files are opened again where there are many."""

    def __init__(self, path: str, form: Factory) -> None:
        self._path = path
        self._make = form
        self._forms: dict[int, Form] = {}
        self._files: dict[int, int] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Raises OSError and OutputError."""
        pieces: dict[int, list[str]] = {}
        for event in events:
            process = event.thread.process
            if process not in self._forms:
                self._forms[process] = self._make()
                pieces.setdefault(process, []).append(self._forms[process].begin())
            pieces.setdefault(process, []).append(self._forms[process].add(event))
        for process, parts in pieces.items():
            self._write(process, "".join(parts))

    def finish(self) -> None:
        """Raises OSError and OutputError."""
        for process, form in self._forms.items():
            self._write(process, form.end())
        for descriptor in self._files.values():
            if descriptor >= 0:
                os.close(descriptor)

    def _write(self, process: int, text: str) -> None:
        if process not in self._files:
            self._files[process] = open_output(f"{self._path}.{process}")
        elif self._files[process] < 0:
            self._files[process] = os.open(
                f"{self._path}.{process}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
            )
        write_all(self._files[process], text.encode("utf-8", "surrogateescape"))
        if sum(descriptor >= 0 for descriptor in self._files.values()) > _MOST_OPEN:
            os.close(self._files[process])
            self._files[process] = -1


Sink = Whole | PerProcess
