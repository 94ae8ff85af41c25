"""Suites: TOML in, checked values out.  Every mistake in a file is one sentence that names the place."""

from __future__ import annotations

import re
import signal
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from guise.compat.model import CompatError, Limits
from guise.compat.readers import READERS

SHIPPED = Path(__file__).parent / "suites"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_DURATIONS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_TEMPLATE = re.compile(r"\{(\w*)\}")
PLACEHOLDERS = ("guise", "program", "source", "suite", "name", "python", "scratch", "tmp", "kernel")


@dataclass(frozen=True)
class Recipe:
    """How a case is run and read; a case's own keys stand over those of [run]."""

    argv: tuple[str, ...] = ("{guise}", "{program}")
    directory: str = "{scratch}"
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    copies: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    timeout_signal: int = 0
    reader: str = "status"
    retries: int = 1
    follow: bool = False
    native: bool = True


@dataclass(frozen=True)
class Suite:
    """One suite file.  `cases` are recipes by name; without any, each program is one case of its own."""

    name: str
    title: str
    path: Path
    personality: str
    baseline: str
    programs: Mapping[str, Any]
    recipe: Recipe
    cases: Mapping[str, tuple[str, Recipe]]
    digest: str

    def baseline_of(self, kernel: str) -> Path:
        """The file of known failures for a personality."""
        return self.path.parent / expand(self.baseline, {"kernel": kernel})


class _Table:
    """A table of the file, whose keys are taken out one by one: what remains was misspelt."""

    def __init__(self, path: Path, name: str, data: Any) -> None:
        self.where = f"{path}: [{name}]" if name else str(path)
        if not isinstance(data, dict):
            raise CompatError(f"{self.where} is no table")
        self._data = dict(data)
        self._known: list[str] = []

    def take(self, key: str, kind: type | tuple[type, ...], what: str, default: Any = None) -> Any:
        self._known.append(key)
        value = self._data.pop(key, None)
        if value is None:
            return default
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            raise CompatError(f"{self.where} {key} = {value!r}: it takes {what}")
        return value

    def words(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.take(key, list, "a list of strings", list(default))
        if not all(isinstance(word, str) for word in value):
            raise CompatError(f"{self.where} {key} = {value!r}: it takes a list of strings")
        return tuple(value)

    def end(self) -> None:
        for key in self._data:
            near = get_close_matches(key, self._known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(self._known))}"
            raise CompatError(f"{self.where} has no key {key}: {hint}")


def shipped() -> list[str]:
    """Names of the suites that come with Guise."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def find(word: str) -> Path:
    """A shipped suite's name, a file, or a folder with a suite.toml.  Raises CompatError."""
    if word in shipped():
        return SHIPPED / f"{word}.toml"
    path = Path(word)
    if path.is_dir():
        path /= "suite.toml"
    if path.is_file():
        return path.absolute()
    raise CompatError(f"there is no suite {word}: name a file, or one of {', '.join(shipped())}")


def load(path: Path) -> Suite:
    """Raises CompatError."""
    try:
        text = path.read_bytes()
        data = tomllib.loads(text.decode())
    except OSError as error:
        raise CompatError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CompatError(f"{path} is no TOML: {error}") from None
    top = _Table(path, "", data)
    name = top.take("name", str, "a string", path.parent.name if path.stem == "suite" else path.stem)
    programs = top.take("programs", dict, "a table", {})
    recipe = _recipe(_Table(path, "run", top.take("run", dict, "a table", {})), Recipe())
    cases: dict[str, tuple[str, Recipe]] = {}
    for number, item in enumerate(top.take("case", list, "[[case]] tables", []), 1):
        table = _Table(path, f"[case]] number {number}"[1:], item)
        case = table.take("name", str, "a string")
        if not case or case in cases:
            raise CompatError(f"{path}: [[case]] number {number} needs a name of its own")
        cases[case] = table.take("program", str, "the name of a program", ""), _recipe(table, recipe)
    suite = Suite(
        name=name,
        title=top.take("title", str, "a string", name),
        path=path,
        personality=top.take("personality", str, "the name of a kernel", "freebsd"),
        baseline=top.take("baseline", str, "the name of a file", f"{path.stem}.known-failures"),
        programs=programs,
        recipe=recipe,
        cases=cases,
        digest=sha256(text).hexdigest()[:16],
    )
    top.end()
    if not programs and not cases:
        raise CompatError(f"{path} names no programs: give it [programs] or [[case]]")
    return suite


def _recipe(table: _Table, base: Recipe) -> Recipe:
    argv = table.words("argv", base.argv)
    arguments = table.words("args")
    if not argv:
        raise CompatError(f"{table.where} argv is empty")
    limits = Limits(
        _duration(table, "timeout", base.limits.seconds),
        _size(table, "memory", base.limits.memory),
        _size(table, "output", base.limits.output),
    )
    environment = table.take("env", dict, "a table of strings", {})
    if not all(isinstance(value, str) for value in environment.values()):
        raise CompatError(f"{table.where} env takes strings only")
    reader = table.take("reader", str, "a string", base.reader)
    if reader not in READERS:
        raise CompatError(f"{table.where} reader = {reader!r}: there are {', '.join(sorted(READERS))}")
    recipe = Recipe(
        argv=argv + arguments,
        directory=table.take("cwd", str, "a folder", base.directory),
        environment={**base.environment, **environment},
        stdin=table.take("stdin", str, "a file", base.stdin),
        copies=table.words("copy", base.copies),
        limits=limits,
        timeout_signal=_signal(table, base.timeout_signal),
        reader=reader,
        retries=table.take("retries", int, "a number", base.retries),
        follow=table.take("follow", bool, "true or false", base.follow),
        native=table.take("native", bool, "true or false", base.native),
    )
    table.end()
    for word in (*recipe.argv, recipe.directory, recipe.stdin, *recipe.copies, *recipe.environment.values()):
        for used in _TEMPLATE.findall(word):
            if used not in PLACEHOLDERS:
                raise CompatError(f"{table.where}: {{{used}}} means nothing: there are {_placeholders()}")
    return recipe


def _placeholders() -> str:
    return ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)


def _duration(table: _Table, key: str, default: float) -> float:
    value = table.take(key, (int, float, str), "seconds, or a string such as 5m", default)
    found = re.fullmatch(r"([0-9.]+)\s*([smh]?)", str(value))
    if found is None or float(found.group(1)) <= 0:
        raise CompatError(f"{table.where} {key} = {value!r}: it takes seconds, or a string such as 5m")
    return float(found.group(1)) * _DURATIONS[found.group(2)]


def _size(table: _Table, key: str, default: int) -> int:
    value = table.take(key, (int, str), "bytes, or a string such as 512M", default)
    found = re.fullmatch(r"(\d+)\s*([KMG]?)", str(value))
    if found is None or int(found.group(1)) <= 0:
        raise CompatError(f"{table.where} {key} = {value!r}: it takes bytes, or a string such as 512M")
    return int(found.group(1)) * _UNITS[found.group(2)]


def _signal(table: _Table, default: int) -> int:
    name = table.take("timeout_signal", str, "a signal's name, such as QUIT")
    if name is None:
        return default
    try:
        return int(signal.Signals[f"SIG{name.removeprefix('SIG')}"])
    except KeyError:
        raise CompatError(f"{table.where} timeout_signal = {name!r} is no signal") from None


def expand(word: str, values: Mapping[str, str]) -> str:
    """Fill placeholders in; those without a value ({scratch}, {tmp}) stay for the worker."""
    return _TEMPLATE.sub(lambda found: values.get(found.group(1), found.group(0)), word)
