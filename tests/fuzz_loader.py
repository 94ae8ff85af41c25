"""Fuzz the loader: whatever the bytes, there is a plan that keeps its promises or a LoadError.

    python -m tests.fuzz_loader --seconds 600 [--seed N] [--full] [PROGRAM...]

Inputs are mutations of real programs (headers are hit more often than the rest) and ELF files made of
random parts that are plausible enough to get far.  Work runs in a child process, which writes each input
down before it touches it: a crash of the parser is a finding with its input, like any other.  --full also
feeds each input to `inspect`, which lets LIEF read everything.  Findings are kept in --keep and printed;
the exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import mmap
import os
import random
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from loader import GuestImage, HostProgram, LoadError, PlanCache, Script, plan_for
from loader import cache as cache_module
from loader.plan import HIGHEST, PAGE, LoadPlan

from .loader.builder import MAX_SIZE, Elf, Segment, data, interpreter, note, notes, text

INTERESTING = (
    0, 1, 2, 3, 7, 8, 9, 62, 63, 64, 0x7F, 0xFF, 0xFFF, 0x1000, 0x1001, 0xFFFF, 0x10000, 0x200000,
    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 47) - 4096, 1 << 47, (1 << 63) - 1, 1 << 63,
    (1 << 64) - 4096, (1 << 64) - 1,
)  # fmt: skip
MAX_INPUT = 1 << 18  # what is used of a large program: headers, notes and some of the code, then zeros
HEAD = 1024
SLOT_HEADER = 24  # executions so far; length of the content and size of the file that are being tried

Seed = tuple[bytes, int]


def random_elf(choice: random.Random) -> bytes:
    """An ELF file of parts, each slightly or wildly off."""

    def number(usual: int) -> int:
        pick = choice.random()
        if pick < 0.8:
            return usual
        if pick < 0.9:
            return usual + choice.choice((-4096, -1, 1, 8, 4096)) & 0xFFFFFFFFFFFFFFFF
        return choice.choice(INTERESTING)

    def segment(base: Segment) -> Segment:
        memory = base.file_size if base.memory_size is None else base.memory_size
        return Segment(
            base.type, choice.choice((base.flags, choice.randrange(8), choice.getrandbits(32))),
            number(base.offset), number(base.address), number(base.file_size), number(memory),
            number(base.alignment), base.content,
        )  # fmt: skip

    owners = (b"FreeBSD", b"NetBSD", b"GNU", b"OpenBSD", b"Go", b"")
    parts = [text(), data()]
    parts += [
        choice.choice(
            (
                data(address=0x200000 + 0x1000 * choice.randrange(3, 40)),
                interpreter(choice.choice((b"/libexec/ld-elf.so.1", b"", b"x" * 1023))),
                notes(note(choice.choice(owners), bytes(choice.choice((4, 16, 3))), choice.randrange(4))),
                Segment(6, 4, 64, 0x200040, 56 * 3),
                Segment(0x6474E551, 6, memory_size=choice.choice(INTERESTING)),
                Segment(2, 6, 0x800, 0x200800, 0x100, content=choice.randbytes(0x100)),
                Segment(7, 4, 0x1000, 0x202000, 0x10),
                Segment(choice.getrandbits(32)),
            )
        )
        for _ in range(choice.randrange(6))
    ]
    choice.shuffle(parts)
    elf = Elf([segment(part) for part in parts], os_abi=choice.choice((9, 9, 9, 0, 3, 200)))
    elf.type = choice.choice((2, 2, 3, 3, 1, 4, 77))
    elf.entry = number(elf.entry)
    if choice.random() < 0.1:
        elf.count = choice.choice((0, 1, 65535, 200))
    if choice.random() < 0.1:
        elf.size = choice.randrange(0x3000)
    if choice.random() < 0.1:
        elf.program_headers_offset = choice.choice((0, 64, 72, 65, 0x800))
    for part in elf.segments:  # the builder has to be able to place the contents
        if part.offset > MAX_SIZE:
            part.content = b""
    return elf.build()


def mutate(choice: random.Random, seed: bytes) -> bytes:
    """A few changes to a real program, most of them in its headers and tables."""
    image = bytearray(seed)
    for _ in range(choice.choice((1, 1, 2, 3, 8))):
        if len(image) < 16:
            break
        where = choice.random()
        end = min(len(image), HEAD) if where < 0.7 else len(image)
        # The section table is usually the last thing in a small file.
        begin = max(0, len(image) - HEAD) if where > 0.9 else 0
        at = choice.randrange(begin, end - 8)
        kind = choice.randrange(5)
        if kind == 0:
            image[at] ^= 1 << choice.randrange(8)
        elif kind == 1:
            struct.pack_into("<Q", image, at & ~7, choice.choice(INTERESTING))
        elif kind == 2:
            struct.pack_into("<I", image, at & ~3, choice.choice(INTERESTING) & 0xFFFFFFFF)
        elif kind == 3:
            field = 64 + 56 * choice.randrange(12) + choice.choice((0, 4, 8, 16, 32, 40, 48))
            if field + 8 <= len(image):
                old = struct.unpack_from("<Q", image, field)[0]
                struct.pack_into(
                    "<Q", image, field, old + choice.choice((-4096, -1, 1, 4096)) & (1 << 64) - 1
                )
        elif choice.random() < 0.3:
            del image[choice.randrange(len(image)) :]
        else:
            other = choice.randrange(begin, end - 8)
            image[at : at + 8] = image[other : other + 8]
    return bytes(image)


def check_plan(plan: LoadPlan, size: int) -> None:
    """The promises of a plan, stated again and not shared with the code that makes it."""
    assert plan.segments
    assert plan.low == plan.segments[0].address
    assert plan.high == plan.segments[-1].address + plan.segments[-1].size
    assert plan.relocatable or plan.low >= 0x10000
    assert plan.high <= HIGHEST
    end = 0
    for segment in plan.segments:
        assert segment.size > 0
        assert segment.address % PAGE == segment.size % PAGE == segment.file_offset % PAGE == 0
        assert segment.address >= end
        end = segment.address + segment.size
        assert segment.address <= segment.zero_from <= segment.zero_to <= end
        assert segment.protection in range(8)
        if not segment.anonymous:
            # Every page has at least one byte of the file, so none of them faults.
            assert segment.file_offset + segment.size - PAGE < size
    assert any(s.address <= plan.entry < s.address + s.size and s.protection & 4 for s in plan.segments)
    assert plan.phdr == 0 or plan.low <= plan.phdr <= plan.high - plan.phent * plan.phnum
    assert plan.alignment & (plan.alignment - 1) == 0
    assert LoadPlan.from_bytes(plan.to_bytes()) == plan


def one(content: bytes, size: int, cache: PlanCache, inspect: Callable[[int, str], object] | None) -> str:
    """What came of a file that is `content` and then zeros up to `size`. Raises whatever is a finding."""
    fd = os.memfd_create("fuzz", os.MFD_CLOEXEC)
    try:
        os.write(fd, content)
        os.truncate(fd, size)
        if inspect is not None:
            try:
                inspect(fd, "fuzz")
            except LoadError as error:
                check_error(error)
        result = plan_for(fd, "fuzz", cache=cache)
        if isinstance(result, GuestImage):
            plan = LoadPlan.from_bytes(os.pread(result.plan_fd, 1 << 20, 0))
            result.close()
            check_plan(plan, size)
            return "plan"
        assert isinstance(result, HostProgram | Script)
        return "host program" if isinstance(result, HostProgram) else "script"
    except LoadError as error:
        check_error(error)
        return error.sentence.split(":")[1].strip()
    finally:
        os.close(fd)


def check_error(error: LoadError) -> None:
    assert error.status == 126
    assert error.errno > 0
    assert "\n" not in error.sentence


def work(seed: int, seeds: list[Seed], until: float, full: bool, slot: mmap.mmap, keep: Path) -> int:
    """The child: run until the time is over; the number of findings."""
    inspect: Callable[[int, str], object] | None = None
    if full:
        from loader.inspect import inspect_program

        inspect = inspect_program
    choice = random.Random(seed)
    cache = PlanCache("/proc/nowhere")  # nothing is kept,
    cache_module.TICK_NS = 0  # so that nothing needs to wait for a time stamp of its own
    outcomes: Counter[str] = Counter()
    findings = 0
    slowest = 0.0
    while time.monotonic() < until:
        content, size = next_input(choice, seeds)
        slot.seek(0)
        slot.write(struct.pack("<QQQ", slot_count(slot) + 1, len(content), size) + content)
        started = time.monotonic()
        try:
            outcomes[one(content, size, cache, inspect)] += 1
        except Exception:
            findings += 1
            path = keep / f"finding-{os.getpid()}-{findings}-size-{size}"
            path.write_bytes(content)
            print(f"finding kept in {path}", file=sys.stderr)
            traceback.print_exc()
            if findings >= 20:
                break
        slowest = max(slowest, time.monotonic() - started)
    for outcome, count in outcomes.most_common(12):
        print(f"  {count:9} {outcome}")
    print(f"  slowest: {slowest * 1000:.1f} ms", flush=True)
    return findings


def next_input(choice: random.Random, seeds: list[Seed]) -> Seed:
    """(first bytes, size) of the next file."""
    if choice.random() < 0.5:
        content = random_elf(choice)
        return content, len(content)
    # Large files take the parser longer, so they get fewer turns.
    weights = [1 / (1 + size / MAX_SIZE) for _, size in seeds]
    content, size = choice.choices(seeds, weights)[0]
    mutant = mutate(choice, content)
    return mutant, size if len(mutant) == len(content) else len(mutant)


def slot_count(slot: mmap.mmap) -> int:
    return int(struct.unpack_from("<Q", slot)[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    parser.add_argument("--full", action="store_true", help="also inspect each input")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="where findings go")
    parser.add_argument("program", nargs="*", type=Path, help="real programs to start from")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    seeds: list[Seed] = [(Elf().build(), len(Elf().build()))]
    for path in [Path(sys.executable).resolve(), *options.program]:
        with path.open("rb") as file:
            seeds.append((file.read(MAX_INPUT), path.stat().st_size))
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    until = time.monotonic() + options.seconds
    slot = mmap.mmap(-1, 2 * MAX_SIZE)
    findings = executions = 0
    print(f"seed {seed}, {len(seeds)} programs to start from, {options.seconds:.0f} seconds", flush=True)
    while time.monotonic() < until:
        slot.seek(0)
        slot.write(bytes(SLOT_HEADER))
        child = os.fork()
        if child == 0:
            status = 2
            try:
                status = 1 if work(seed, seeds, until, options.full, slot, options.keep) else 0
            except BaseException:
                traceback.print_exc()  # the fuzzer itself is wrong
            finally:
                sys.stdout.flush()
                os._exit(status)
        status = os.waitpid(child, 0)[1]
        executions += slot_count(slot)
        if os.WIFSIGNALED(status):
            length, size = struct.unpack_from("<QQ", slot, 8)
            path = options.keep / f"crash-{child}-size-{size}"
            path.write_bytes(slot[SLOT_HEADER : SLOT_HEADER + length])
            print(f"died from signal {os.WTERMSIG(status)}: its input is in {path}", file=sys.stderr)
        findings += status != 0
        seed += 1
        if findings >= 20:
            break
    print(f"{executions} executions, {findings} runs with findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
