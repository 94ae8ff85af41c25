"""Makes the cases of suites that are lists of command lines: a script for each, and files to work on.

    make.py FOLDER LIST     FOLDER/commands/NAME for each line of LIST, FOLDER/inputs/*

Everything is the same on every machine and in every run, times of files included.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODIFIED = 1_000_000_000
STEMS = (
    "alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "willow",
    "yew",
)  # fmt: skip


def commands(text: str) -> dict[str, str]:
    """Command lines by name.  Raises ValueError for a line that is none, or a name that is used twice."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, colon, command = line.partition(": ")
        if not colon or name in found or "/" in name:
            raise ValueError(f"line {number} is no `NAME: COMMAND` with a name of its own")
        found[name] = command.strip()
    return found


def inputs(folder: Path) -> None:
    """Words, numbers, tables, sources and a tree of small files."""
    (folder / "tree" / "deep" / "deeper").mkdir(parents=True)
    (folder / "tree" / "empty").mkdir()
    numbers = [n * 7919 % 10007 for n in range(1, 2001)]
    words = [f"{STEMS[n % 13]}{STEMS[n * 5 % 11]} {n} {'x' * (n % 9)}" for n in numbers]
    texts = {
        "words.txt": "\n".join(words) + "\n",
        "numbers.txt": "".join(f"{n}\n" for n in numbers),
        "people.csv": "id,name,city,age\n"
        + "".join(f"{n},{STEMS[n % 13]},{STEMS[n % 7]},{20 + n * 3 % 50}\n" for n in range(200)),
        "left.txt": "".join(f"{n:03} left{n}\n" for n in range(0, 100, 2)),
        "right.txt": "".join(f"{n:03} right{n}\n" for n in range(0, 100, 3)),
        "umlauts.txt": "Grüße aus Köln\nnaïve café\n日本語\n",
        "gitconfig": "[user]\n\tname = A\n\temail = a@example.org\n[init]\n\tdefaultBranch = main\n"
        "[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
        "tree/one.txt": "one\n" * 3,
        "tree/two.c": "int two(void) { return 2; }\n",
        "tree/deep/three.txt": "three\nthree again\n",
        "tree/deep/deeper/four.py": "print('four')\n",
        "tree/deep/none": "",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "bytes.bin").write_bytes(bytes(n * n % 251 for n in range(1 << 16)))
    os.symlink("one.txt", folder / "tree" / "link")
    for source in (HERE / "sources").iterdir():
        shutil.copyfile(source, folder / source.name)
    for path in (*sorted(folder.rglob("*"), reverse=True), folder):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (MODIFIED, MODIFIED), follow_symlinks=False)


def main(folder: Path, listed: Path) -> None:
    for name in ("commands", "inputs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "commands").mkdir(parents=True)
    for name, command in commands(listed.read_text()).items():
        path = folder / "commands" / name
        path.write_text(f"#!/bin/bash\numask 022\n{command}\n")
        path.chmod(0o755)
    inputs(folder / "inputs")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
