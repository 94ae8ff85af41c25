"""Sharing pages by content: hash, compare, map once, copy on write (ESX, OSDI 2002, section 4).

Contents are numbers here, and hashes of them are really computed, short enough to collide now and then:
a match of hashes is only a hint until the pages themselves are compared.  A page seen once is remembered
with its hash; when a second one matches, both become one read-only copy.  A guest that writes to a shared
page gets its own again.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from random import Random

ZERO = 0  # the content of an empty page


@dataclass(frozen=True)
class Population:
    """`guests` with `pages` pages each: `zero` of them empty, `common` the same in every guest of one kind.

    Kinds share nothing with each other but the empty pages.  `twins` is the share that
    occurs twice within one guest.  All shares are of `pages`.
    """

    guests: int = 10
    kinds: int = 1
    pages: int = 4096
    zero: float = 0.10
    common: float = 0.50
    twins: float = 0.02
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.guests, self.kinds, self.pages) < 1 or min(self.zero, self.common, self.twins) < 0:
            raise ValueError("guests, kinds and pages must be positive, and shares not negative")
        if self.zero + self.common + 2 * self.twins > 1:
            raise ValueError("the shares of empty, common and twin pages are more than all pages")

    def contents(self) -> list[int]:
        """The content of every page of every guest, shuffled within each guest as real memory is."""
        random = Random(self.seed)
        zero, common, twins = (round(share * self.pages) for share in (self.zero, self.common, self.twins))
        fresh = 1 + self.kinds * common
        every = []
        for guest in range(self.guests):
            base = 1 + guest % self.kinds * common
            mine = [ZERO] * zero + list(range(base, base + common))
            mine += [fresh + at for at in range(twins)] * 2
            fresh += twins
            unique = self.pages - len(mine)
            mine += range(fresh, fresh + unique)
            fresh += unique
            random.shuffle(mine)
            every += mine
        return every


@dataclass(frozen=True)
class Progress:
    """After some scanning.  Shares are of all pages: mapped to a shared copy, and given back to the host."""

    scanned: int
    shared: float
    reclaimed: float
    copies: int
    false_hints: int


class Host:
    """Machine memory under many guests.  `bits` is the hash's length: 64 in ESX, fewer to see collisions."""

    def __init__(self, contents: list[int], bits: int = 64, seed: int = 1) -> None:
        self.contents = list(contents)
        self.bits = bits
        self.random = Random(seed)
        self.backing: list[int | None] = [None] * len(contents)  # which shared copy maps a page, if any
        self.copies: dict[int, list[int]] = {}  # copy -> [content, references]
        self.by_hash: dict[int, int] = {}  # hash -> copy
        self.hints: dict[int, int] = {}  # hash -> the page that was seen with it
        self.false_hints = self.broken = self.scanned = 0
        self._next = 0

    def hash(self, content: int) -> int:
        digest = blake2b(content.to_bytes(8, "little"), digest_size=8).digest()
        return int.from_bytes(digest, "little") & ((1 << self.bits) - 1)

    def scan(self, pages: int) -> None:
        """Look at so many pages chosen at random."""
        for _ in range(pages):
            self.look(self.random.randrange(len(self.contents)))

    def look(self, page: int) -> None:
        """Share one page if another is the same, or remember it."""
        self.scanned += 1
        if self.backing[page] is not None:
            return
        content = self.contents[page]
        found = self.hash(content)
        copy = self.by_hash.get(found)
        if copy is not None:
            if self.copies[copy][0] == content:
                self._map(page, copy)
            else:
                self.false_hints += 1
            return
        other = self.hints.get(found)
        if other is None or other == page or self.backing[other] is not None:
            self.hints[found] = page
        elif self.contents[other] == content:
            copy = self._next
            self._next += 1
            self.copies[copy], self.by_hash[found] = [content, 0], copy
            del self.hints[found]
            self._map(other, copy)
            self._map(page, copy)
        else:  # the hint is stale, or only its hash is the same
            self.false_hints += 1
            self.hints[found] = page

    def write(self, page: int, content: int) -> bool:
        """A guest writes: true when that broke a sharing, and the page was copied."""
        copy = self.backing[page]
        self.contents[page] = content
        if copy is None:
            return False
        self.backing[page] = None
        self.broken += 1
        self.copies[copy][1] -= 1
        if self.copies[copy][1] == 0:
            self.by_hash.pop(self.hash(self.copies.pop(copy)[0]))
        return True

    def read(self, page: int) -> int:
        """What a guest sees."""
        copy = self.backing[page]
        return self.contents[page] if copy is None else self.copies[copy][0]

    def progress(self) -> Progress:
        total = len(self.contents)
        shared = sum(copy is not None for copy in self.backing)
        reclaimed = (shared - len(self.copies)) / total
        return Progress(self.scanned, shared / total, reclaimed, len(self.copies), self.false_hints)

    def _map(self, page: int, copy: int) -> None:
        self.backing[page] = copy
        self.copies[copy][1] += 1


def run(population: Population, passes: float = 4.0, bits: int = 64) -> Progress:
    """Scan the whole memory `passes` times over, at random."""
    host = Host(population.contents(), bits, population.seed)
    host.scan(round(passes * population.guests * population.pages))
    return host.progress()


def expected(population: Population) -> tuple[float, float]:
    """Shared and reclaimed shares once everything was found, by counting."""
    contents = population.contents()
    seen: dict[int, int] = {}
    for content in contents:
        seen[content] = seen.get(content, 0) + 1
    shared = sum(count for count in seen.values() if count > 1)
    copies = sum(1 for count in seen.values() if count > 1)
    return shared / len(contents), (shared - copies) / len(contents)
