"""Workloads by name: a profile's file, or one of the classics."""

from __future__ import annotations

from pathlib import Path

from sandbox import workload
from sandbox.cost import classics
from sandbox.style import Workload


class UnknownWorkload(Exception):
    """One sentence."""


def find(word: str) -> Workload:
    """Raises UnknownWorkload.  A name without a slash or a dot is a classic's, if there is such one."""
    if word in classics.names():
        return classics.load(word)
    path = Path(word)
    try:
        return workload.read(path)
    except FileNotFoundError:
        from difflib import get_close_matches

        near = get_close_matches(word, classics.names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"the classics are {', '.join(classics.names())}"
        raise UnknownWorkload(
            f"{word} is neither a file nor a classic: `guise trace --profile` records one; {hint}"
        ) from None
    except OSError as error:
        raise UnknownWorkload(f"{word} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except workload.ProfileError as error:
        raise UnknownWorkload(f"{word} is no profile of a workload: {error}") from None
