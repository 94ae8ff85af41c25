"""A pager under a pager: why a guest's LRU under a host's LRU is the worst choice, and what cures it.

The guest evicts the page that it used least recently.  Its frame is also what the host saw used least
recently, so the host has evicted it already, and must bring it in only for the guest to write it out
or overwrite it (double paging).  Seen from the host the guest behaves as if it used next what was used
least recently: the host's best policy would be MRU (Wheeler's observation on CP; R. P. Goldberg and
R. Hassinger, "The Double Paging Anomaly", AFIPS 1974).  A balloon takes the frames from the guest
instead, which then evicts once; handshaking tells the host which frames hold nothing worth keeping.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

POLICIES = ("lru", "random", "mru")


@dataclass(frozen=True)
class Nested:
    """`references` to `pages` pages by a Zipf law with exponent `skew`; frames of guest and host.

    `balloon` frames are taken from the guest; `dirty` is the share of evicted pages that the guest must
    write out; with `handshake` the host need not bring in a frame whose page was clean.
    """

    pages: int = 4000
    skew: float = 0.8
    references: int = 300_000
    guest_frames: int = 1000
    host_frames: int = 800
    host: str = "lru"
    balloon: int = 0
    dirty: float = 1.0
    handshake: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if self.host not in POLICIES:
            raise ValueError(f"the host's policy is {self.host}: it must be one of {', '.join(POLICIES)}")
        if (
            not 0 <= self.balloon < self.guest_frames
            or min(self.pages, self.host_frames, self.references) < 1
        ):
            raise ValueError(
                "frames, pages and references must be positive, and the balloon less than the guest"
            )
        if not 0 <= self.dirty <= 1:
            raise ValueError(f"the dirty share is {self.dirty}: it must be 0 to 1")


@dataclass(frozen=True)
class Outcome:
    """Counts: the guest's faults, the host's page-ins, and the guest's faults that caused one (double)."""

    guest_faults: int
    host_page_ins: int
    double_paged: int

    @property
    def all(self) -> int:
        """Pages brought in, by whomever."""
        return self.guest_faults + self.host_page_ins


class Pool:
    """Frames with a replacement policy.  touch() says whether the page had to be brought in."""

    def __init__(self, frames: int, policy: str, random: Random) -> None:
        self.frames = frames
        self._random = random
        self._victim: Callable[[], int] = {"lru": self._oldest, "mru": self._newest, "random": self._any}[
            policy
        ]
        self._order: OrderedDict[int, None] = OrderedDict()
        self._listed: list[int] = []  # for random eviction: the pages, and where each stands
        self._places: dict[int, int] = {}

    def __contains__(self, page: int) -> bool:
        return page in self._order

    def touch(self, page: int) -> bool:
        if page in self._order:
            self._order.move_to_end(page)
            return False
        if len(self._order) >= self.frames:
            self.drop(self._victim())
        self._order[page] = None
        self._places[page] = len(self._listed)
        self._listed.append(page)
        return True

    def drop(self, page: int) -> None:
        del self._order[page]
        place, last = self._places.pop(page), self._listed.pop()
        if last != page:
            self._listed[place] = last
            self._places[last] = place

    def victim(self) -> int | None:
        """What the next new page would push out."""
        return self._victim() if len(self._order) >= self.frames else None

    def _oldest(self) -> int:
        return next(iter(self._order))

    def _newest(self) -> int:
        return next(reversed(self._order))

    def _any(self) -> int:
        return self._listed[self._random.randrange(len(self._listed))]


def zipf(pages: int, skew: float, references: int, random: Random) -> Iterator[int]:
    """References to pages 0 ... by a Zipf law, in chunks so that long runs need no memory."""
    weights = list(accumulate(1 / rank**skew for rank in range(1, pages + 1)))
    left = references
    while left:
        chunk = min(left, 10_000)
        yield from random.choices(range(pages), cum_weights=weights, k=chunk)
        left -= chunk


def run(config: Nested) -> Outcome:
    """Follow every reference through both pagers."""
    random = Random(config.seed)
    guest = Pool(config.guest_frames - config.balloon, "lru", random)
    host = Pool(config.host_frames, config.host, random)
    frames: dict[int, int] = {}  # guest page -> guest frame
    free = list(range(config.guest_frames - config.balloon))
    faults = page_ins = double = 0
    for page in zipf(config.pages, config.skew, config.references, random):
        victim = guest.victim() if page not in guest else None
        if not guest.touch(page):
            page_ins += host.touch(frames[page])
            continue
        faults += 1
        frame = free.pop() if victim is None else frames.pop(victim)
        frames[page] = frame
        missing = frame not in host and victim is not None
        needless = config.handshake and random.random() >= config.dirty
        brought = host.touch(frame)
        if missing and not needless:
            double += 1
            page_ins += brought
    return Outcome(faults, page_ins, double)
