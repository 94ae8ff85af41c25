"""Which test programs show that a call works: `syscalls/<kernel>/proofs.json`.

Nobody types that file.  `python -m tests.conformance.proofs` records every call that the conformance
programs make and keeps those that a check followed; the test suite records them again and compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Proof(NamedTuple):
    """`programs`: names in tests/conformance/<kernel>/, the best first.

    `succeeds`: at least one of the calls did; otherwise only its errors are shown, as of a call that every
    kernel without an optional part refuses.
    """

    programs: tuple[str, ...]
    succeeds: bool = True


def path_of(kernel: str) -> Path:
    return Path(__file__).parent / kernel / "proofs.json"


def load(kernel: str) -> dict[str, Proof]:
    """By name of the call; empty for a kernel that has none recorded."""
    try:
        text = path_of(kernel).read_text()
    except FileNotFoundError:
        return {}
    entries = json.loads(text)
    return {name: Proof(tuple(entry["programs"]), entry["succeeds"]) for name, entry in entries.items()}


def save(kernel: str, proofs: dict[str, Proof]) -> None:
    """One line per call, so that a change can be read."""
    lines = [f"{json.dumps(name)}: {json.dumps(proof._asdict())}" for name, proof in sorted(proofs.items())]
    path_of(kernel).write_text("{\n" + ",\n".join(lines) + "\n}\n")
