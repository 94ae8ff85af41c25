"""Output comparison: the guest's run against the same work done natively, only differences being failures."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from guise.compat.model import Ended, Test

_SHOWN = 12


def read(runs: Sequence[Ended]) -> tuple[list[Test], str]:
    """Both streams, how it ended and every file it made must agree."""
    guest, reference = runs[0], runs[1]
    if reference.stopped == "start":
        return [], f"the reference {reference.reason}"
    if reference.stopped:
        return [], f"the reference was ended by its {reference.stopped} limit"
    differences = []
    for what, ours, theirs in (
        ("exit status", guest.exit, reference.exit), ("signal", guest.signal, reference.signal),
    ):  # fmt: skip
        if ours != theirs:
            differences.append(f"{what} {ours}, natively {theirs}")
    for what, mine, other in (
        ("stdout", guest.stdout, reference.stdout), ("stderr", guest.stderr, reference.stderr),
    ):  # fmt: skip
        if mine != other:
            differences.append(f"{what} differs:\n{_lines(other, mine)}")
    differences += _files(guest, reference)
    return [], "\n".join(differences)


def _lines(native: bytes, guest: bytes) -> str:
    before, after = (text.decode("utf-8", "replace").splitlines()[:2000] for text in (native, guest))
    return "\n".join(list(difflib.unified_diff(before, after, "native", "guest", "", "", 1, ""))[:_SHOWN])


def _files(guest: Ended, reference: Ended) -> list[str]:
    found = []
    for name in sorted({*guest.files, *reference.files}):
        if name not in guest.files:
            found.append(f"file {name} was not made")
        elif name not in reference.files:
            found.append(f"file {name} is not made natively")
        elif guest.files[name] != reference.files[name]:
            found.append(f"file {name} differs")
    return found[:_SHOWN]
