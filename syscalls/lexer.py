"""Tables as text: lines, words and numbers, each with the place it came from.

The tables are written and read by people, so every complaint carries ``file:line``, and the rules are
few: `#` starts a comment, a line that begins in column 0 opens a section, a line that is indented more
than its section's first row continues the row before it, and a word may be quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .model import TableError

_WORD = re.compile(r"""(?:[^\s"{}(]|"[^"]*"|\([^()]*\))+|\{[^}]*\}""")
_COMMENT = re.compile(r'^((?:[^"#]|"[^"]*")*)#.*$')
_NUMBER = re.compile(r"-?(?:0x[0-9a-fA-F]+|[0-9]+)$")


@dataclass(frozen=True, slots=True)
class Row:
    where: str
    text: str

    def fail(self, message: str) -> TableError:
        return TableError(self.where, message)


@dataclass(frozen=True, slots=True)
class Section:
    """A section's opening words and its rows."""

    head: Row
    kind: str
    words: tuple[str, ...]
    rows: tuple[Row, ...]


def words(text: str) -> list[str]:
    """Split at blanks; "quoted text", {tags} and (arguments) stay whole."""
    return _WORD.findall(text)


def unquote(word: str) -> str:
    return word[1:-1] if len(word) >= 2 and word[0] == word[-1] == '"' else word


def options(row: Row, items: list[str], known: frozenset[str]) -> dict[str, str]:
    """`key=value` and bare words as a dictionary (bare: ""); raises TableError for an unknown key."""
    result: dict[str, str] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if key not in known:
            raise row.fail(f"unknown option {key!r} (known here: {', '.join(sorted(known))})")
        result[key] = unquote(value) if equals else ""
    return result


def number(row: Row, text: str) -> int:
    """A decimal, octal (leading 0) or hexadecimal number, or `a<<b`, or several joined by `|`."""
    total = 0
    parts = text.split("|")
    for part in parts:
        base, shift, count = part.partition("<<")
        value = _plain(row, base, text)
        total |= value << _plain(row, count, text) if shift else value
    return total


def _plain(row: Row, part: str, text: str) -> int:
    if not _NUMBER.match(part):
        raise row.fail(f"{text!r} is not a number")
    digits = part.lstrip("-")
    octal = digits.startswith("0") and digits.isdigit() and len(digits) > 1
    try:
        value = int(digits, 8 if octal else 0)
    except ValueError:
        raise row.fail(f"{text!r} is not a number") from None
    return -value if part.startswith("-") else value


def is_number(text: str) -> bool:
    return bool(_NUMBER.match(text))


def sections(path: Path, shown: str) -> Iterator[Section]:
    """Yield the sections of one file; `shown` is the file's name in messages."""
    head: Row | None = None
    rows: list[Row] = []
    margin = 0
    for count, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw
        if "#" in line:
            comment = _COMMENT.match(line)
            line = comment.group(1) if comment else line
        text = line.strip()
        if not text:
            continue
        where = f"{shown}:{count}"
        indent = len(line) - len(line.lstrip())
        if indent == 0:
            if head is not None:
                yield _section(head, rows)
            head, rows = Row(where, text), []
        elif head is None:
            raise TableError(where, "a row before the first section")
        elif not rows:
            margin = indent
            rows.append(Row(where, text))
        elif indent > margin:
            rows[-1] = Row(rows[-1].where, f"{rows[-1].text} {text}")
        else:
            rows.append(Row(where, text))
    if head is not None:
        yield _section(head, rows)


def _section(head: Row, rows: list[Row]) -> Section:
    first, *rest = words(head.text)
    return Section(head, first, tuple(rest), tuple(rows))
