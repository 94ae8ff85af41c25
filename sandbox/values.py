"""Values of a profile's JSON, checked as they are taken out."""

from __future__ import annotations

import math
from collections.abc import Mapping

MOST = 1e18  # of anything: more bytes or events than any run has


class ProfileError(ValueError):
    """A profile that cannot be understood: one sentence, without the file's name."""


def as_object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ProfileError(f"{what} is not an object")
    return value


def as_number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProfileError(f"{what} is not a number")
    if not math.isfinite(value) or not 0 <= value <= MOST:
        raise ProfileError(f"{what} is not a number of at least 0 and at most {MOST:g}")
    return float(value)


def as_text(value: object, what: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise ProfileError(f"{what} is not a text")
    return value


def as_words(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ProfileError(f"{what} is not a list of words")
    return tuple(value)
