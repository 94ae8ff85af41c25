"""Become a program, in a zone or not: `python -m guise.compare.launch zone|plain PROGRAM [ARGUMENTS]`.

Both ways start the same Python, so that the difference between them is the zone.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys


def zones_are_built() -> bool:
    """Whether this Guise has its part for zones."""
    return importlib.util.find_spec("sandbox.zone") is not None


def main(words: list[str]) -> int:
    """Does not return when the program could be started."""
    where, program, *_ = words
    if where == "zone":
        zone = importlib.import_module("sandbox.zone")
        ephemeral = importlib.import_module("sandbox.zone.ephemeral")
        try:
            sandbox = ephemeral.enter(ephemeral.Request(program))
            sandbox.furnish()
            sandbox.confine()
        except zone.ZoneError as error:
            print(error, file=sys.stderr)
            return 125
    try:
        os.execvp(program, words[1:])
    except OSError as error:
        print(f"{program} cannot be executed: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return 126


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
