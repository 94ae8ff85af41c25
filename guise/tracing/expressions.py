"""The language of `-e` and `--inject`: conditions on a call, as a tree.

    openat,open where path ~ "\\.conf$" and not flags & O_CREAT
    %net where addr.port = 443        errno=ENOENT        duration>1ms        path~^/etc

A condition written without blanks and quotes (`path~REGEX`) takes the rest of the text as its value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from guise.tracing import ExpressionError

OPERATORS = ("==", "!=", "!~", "<=", ">=", "=", "~", "<", ">", "&")
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<operator>==|!=|!~|<=|>=|[=~<>&])|(?P<mark>&&|\|\||[()!])"""
    r"""|(?P<word>[^\s()"=!~<>&]+))""",
    re.DOTALL,
)
_BARE = re.compile(r"([A-Za-z_][\w.]*)(==|!=|!~|<=|>=|[=~<>&])([^\s\"].*)", re.DOTALL)
_JOINED = re.compile(r"\s(?:and|or)\s|&&|\|\|")


@dataclass(frozen=True)
class Term:
    """`name operator value`; a word that stands alone has no operator.  `quoted`: the value was."""

    name: str
    operator: str = ""
    value: str = ""
    quoted: bool = False


@dataclass(frozen=True)
class Not:
    inner: Condition


@dataclass(frozen=True)
class Joined:
    """All (`and`) or any (`or`) of them."""

    word: str
    parts: tuple[Condition, ...]


Condition = Term | Not | Joined


@dataclass(frozen=True)
class Clause:
    """`calls where condition`; both may be missing, and what follows is `rest`."""

    calls: tuple[str, ...]
    condition: Condition | None
    rest: str = ""


def clause(text: str, alone: tuple[str, ...] = ()) -> Clause:
    """Parse `CALLS [where CONDITION] [REST]`.  Raises ExpressionError."""
    text = text.strip()
    calls, _, rest = text.partition(" ")
    names = tuple(name.strip() for name in calls.split(","))
    rest = rest.strip()
    if rest == "where" or rest.startswith("where "):
        condition, rest = _Parser(rest[5:], alone).all()
        return Clause(names, condition, rest)
    return Clause(names, None, rest)


def condition(text: str, alone: tuple[str, ...]) -> Condition:
    """Parse a whole text as a condition.  `alone`: words that are one.  Raises ExpressionError."""
    text = text.strip()
    bare = _BARE.fullmatch(text)
    if bare and not _JOINED.search(bare[3]):
        return Term(bare[1], bare[2], bare[3])
    found, rest = _Parser(text, alone).all()
    if rest:
        raise ExpressionError(f"{rest.split()[0]} is in the way: join conditions by `and` or `or`")
    return found


def looks_like_condition(text: str, alone: tuple[str, ...]) -> bool:
    """Whether an expression of `-e` is a condition, and not a list of calls."""
    first = re.match(r"\s*(?:not\s+|!\s*\(|\()*\s*([\w.]+)\s*(.?)", text)
    if text.lstrip().startswith(("(", "not ")):
        return True
    return bool(first and (first[1] in alone or first[2] in tuple("=!~<>&")) and " where " not in text)


def unquote(text: str) -> str:
    """The inside of a quoted value: `\\"` is a quote, every other backslash stays for regular expressions."""
    return text[1:-1].replace('\\"', '"')


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str, alone: tuple[str, ...]) -> None:
        self._text = text
        self._alone = alone
        self._at = 0

    def all(self) -> tuple[Condition, str]:
        found = self._either()
        return found, self._text[self._at :].strip()

    def _peek(self) -> tuple[str, str, int]:
        """(kind, text, where it ends); kind "" at the end."""
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at :].strip()
            if rest:
                raise ExpressionError(f"{rest} cannot be read: is a quote missing?")
            return "", "", self._at
        kind = match.lastgroup or ""
        return kind, match[kind], match.end()

    def _take(self, *wanted: str) -> bool:
        _, text, end = self._peek()
        if text in wanted:
            self._at = end
            return True
        return False

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("or", "||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._take_and():
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))

    def _take_and(self) -> bool:
        if self._text[self._at :].lstrip().startswith("&&"):
            self._at = self._text.index("&&", self._at) + 2
            return True
        return self._take("and")

    def _one(self) -> Condition:
        if self._take("not", "!"):
            return Not(self._one())
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise ExpressionError("a closing bracket is missing")
            return inner
        kind, name, end = self._peek()
        if kind != "word":
            raise ExpressionError(
                f'a condition begins with a name, as in path ~ "REGEX", not with {name or "nothing"}'
            )
        self._at = end
        kind, operator, end = self._peek()
        if kind != "operator":
            if name in self._alone:
                return Term(name)
            raise ExpressionError(f"{name} needs an operator and a value: one of {' '.join(OPERATORS)}")
        self._at = end
        return self._value(name, operator)

    def _value(self, name: str, operator: str) -> Condition:
        kind, text, end = self._peek()
        if kind == "string":
            self._at = end
            return Term(name, operator, unquote(text), quoted=True)
        match = re.compile(r"\s*([^\s()\"]+)").match(self._text, self._at)
        if match is None:
            raise ExpressionError(f"{name} {operator} needs a value")
        self._at = match.end()
        return Term(name, operator, match[1])
