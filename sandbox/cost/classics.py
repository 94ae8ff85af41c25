"""The named classics: profiles of the published benchmarks' kind, recorded on a machine of today.

The originals' event counts were never published, so each is stood for by a program of the same kind;
the file says which, how it was run, and what it cost.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib import resources

from sandbox import workload
from sandbox.style import Workload


def names() -> tuple[str, ...]:
    """Every classic, in the order of the alphabet."""
    files = (entry.name for entry in resources.files("sandbox.cost").joinpath("classics").iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in files if name.endswith(".json")))


@cache
def load(name: str) -> Workload:
    """Raises KeyError for a name that is none of them."""
    if name not in names():
        raise KeyError(name)
    text = resources.files("sandbox.cost").joinpath(f"classics/{name}.json").read_text(encoding="utf-8")
    recorded = workload.parse(json.loads(text))
    return replace(recorded, name=name, origin="classic")
