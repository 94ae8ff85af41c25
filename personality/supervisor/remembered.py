"""What handlers remember between calls, in dictionaries that have names.

A supervisor that has nothing to do puts them away and gives its memory back: see standby.  So this is the
one place for what a later call has to find, and it holds what `marshal` can write.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_kept: dict[str, dict[Any, Any]] = {}
_put_away: dict[str, dict[Any, Any]] = {}


def dictionary(name: str, initial: dict[Any, Any] | None = None) -> dict[Any, Any]:
    """The dictionary of that name, which begins as `initial`."""
    if name not in _kept:
        _kept[name] = _put_away.pop(name, initial or {})
    return _kept[name]


def put_away() -> bytes:
    """All of them."""
    return marshal.dumps(_put_away | _kept)


def bring_back(data: bytes) -> None:
    """In another process, before any handler is loaded."""
    _put_away.update(marshal.loads(data))
