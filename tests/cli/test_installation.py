"""What an installation holds: a package that pyproject.toml forgets is there in the source tree only."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPS = ("guise", "loader", "personality", "sandbox", "syscalls")


def test_every_package_of_the_tree_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    listed = settings["packages"]
    found = {
        ".".join(marker.parent.relative_to(ROOT).parts)
        for top in TOPS
        for marker in (ROOT / top).rglob("__init__.py")
    }
    assert sorted(listed) == sorted(found)


def test_every_table_and_data_file_of_the_tree_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    installed = {
        file
        for package, patterns in settings["package-data"].items()
        for pattern in patterns
        for file in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    suffixes = {".tbl", ".toml", ".json", ".html", ".known-failures"}
    found = {
        file
        for top in TOPS
        for file in (ROOT / top).rglob("*")
        if file.is_file() and file.suffix in suffixes and "__pycache__" not in file.parts
    }
    assert sorted(found - installed) == []
