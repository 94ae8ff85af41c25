"""Which system calls stand in a program's machine code.

A `syscall` instruction takes its number from %eax, and compilers and libraries load it as a constant just
before: `mov $n,%eax`.  Go's wrappers take it as an argument on the stack instead, so there the constant
is at the places that call the wrapper: `movq $n,(%rsp); call wrapper`.  The search looks at bytes, not at
decoded instructions: it is meant for a report, may miss a call or name one that is never reached, and
nothing is ever patched by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_NUMBER = 4096  # no kernel of this kind has as many calls
BEFORE_SYSCALL = 48  # bytes between loading the number and the instruction, argument loads included
BEFORE_CALL = 64
WRAPPER_SIZE = 256  # from a wrapper's start to its instruction
WRAPPER_ALIGNMENT = 16

_SYSCALL = re.compile(rb"\x0f\x05")
_CALL = re.compile(rb"\xe8")
_NUMBER = re.compile(
    rb"\xb8(?P<eax>..\0\0)"  # mov $n,%eax
    rb"|\x48\xc7\xc0(?P<rax>..\0\0)"  # mov $n,%rax
    rb"|(?P<zero>[\x31\x33]\xc0)"  # xor %eax,%eax
    rb"|\x6a(?P<push>.)\x58"  # push $n; pop %rax
    rb"|(?P<stack>\x48\x8b\x44\x24[\x08\x10\x18])",  # mov 8|16|24(%rsp),%rax
    re.DOTALL,
)
_ARGUMENT = re.compile(
    rb"\x48\xc7\x04\x24(?P<stack>..\0\0)"  # movq $n,(%rsp)
    rb"|\xb8(?P<eax>..\0\0)",  # mov $n,%eax
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Code:
    """Executable bytes and the address that they are loaded at."""

    address: int
    content: bytes


@dataclass(frozen=True, slots=True)
class CallNumbers:
    """numbers: call number -> at how many places; sites: how many `syscall` instructions there are;
    unknown_sites: how many of them have a number that is not in sight."""

    numbers: dict[int, int]
    sites: int
    unknown_sites: int


def scan(codes: Iterable[Code]) -> CallNumbers:
    """All call numbers that stand in `codes`."""
    codes = list(codes)
    numbers: dict[int, int] = {}
    wrappers: list[int] = []
    sites = unknown = 0
    for code in codes:
        for match in _SYSCALL.finditer(code.content):
            sites += 1
            at = match.start()
            found = _last(_NUMBER, code.content[max(0, at - BEFORE_SYSCALL) : at])
            if found is None:
                unknown += 1
            elif found["stack"]:
                wrappers.append(code.address + at)
            else:
                _count(numbers, _value(found))
    for number in _numbers_at_callers(codes, wrappers):
        _count(numbers, number)
    return CallNumbers(dict(sorted(numbers.items())), sites, unknown)


def _numbers_at_callers(codes: list[Code], wrappers: list[int]) -> list[int]:
    """Numbers that are passed to the functions whose `syscall` instructions are at `wrappers`."""
    starts: dict[int, int] = {}  # possible start of a wrapper -> its instruction
    for site in sorted(wrappers, reverse=True):
        for start in range(site - site % WRAPPER_ALIGNMENT, site - WRAPPER_SIZE, -WRAPPER_ALIGNMENT):
            starts[start] = site
    callers: dict[int, list[tuple[int, Code, int]]] = {}
    for code in codes if starts else ():
        for match in _CALL.finditer(code.content):
            at = match.start()
            distance = int.from_bytes(code.content[at + 1 : at + 5], "little", signed=True)
            target = code.address + at + 5 + distance
            if target in starts:
                callers.setdefault(starts[target], []).append((target, code, at))
    numbers = []
    for found in callers.values():
        # Of the places before the instruction that are called, the nearest is the wrapper's start.
        start = max(target for target, _, _ in found)
        for target, code, at in found:
            if target == start:
                argument = _last(_ARGUMENT, code.content[max(0, at - BEFORE_CALL) : at])
                if argument is not None:
                    numbers.append(int.from_bytes(argument["stack"] or argument["eax"], "little"))
    return numbers


def _last(pattern: re.Pattern[bytes], window: bytes) -> re.Match[bytes] | None:
    """The last match that starts anywhere in `window`, overlapping ones included."""
    for at in range(len(window) - 1, -1, -1):
        match = pattern.match(window, at)
        if match is not None:
            return match
    return None


def _value(match: re.Match[bytes]) -> int:
    if match["zero"]:
        return 0
    return int.from_bytes(match["eax"] or match["rax"] or match["push"], "little")


def _count(numbers: dict[int, int], number: int) -> None:
    if number < MAX_NUMBER:
        numbers[number] = numbers.get(number, 0) + 1
