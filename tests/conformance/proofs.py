"""Finds out which conformance program proves which call: `python -m tests.conformance.proofs [KERNEL]`.

Each program is recorded by `guise trace`.  A program prints a line for each of its checks, so the calls
that it makes between two such lines, in whatever thread or process, are what the second check is about;
the last of them is what it checks directly.  Calls that no check followed prove nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from personality.tracing import layout, recording, records
from syscalls import load, proofs
from syscalls.model import Abi
from tests.guest_c import build_guest

HERE = Path(__file__).parent
SERVED = ("same", "runtime", "supervisor")
REMEDY = "run python -m tests.conformance.proofs"
_PASSED = b"ok "
_STDOUT = 1
_BEST = 2  # programs named for one call


@dataclass
class Seen:
    """What the checks of one program that passed were about: calls by number."""

    direct: Counter[int] = field(default_factory=Counter)
    around: Counter[int] = field(default_factory=Counter)
    successful: set[int] = field(default_factory=set)

    def checked(self) -> set[int]:
        return set(self.direct) | set(self.around)


def command(program: Path, recorded: Path, engine: str) -> list[str]:
    """How to run a program so that its calls are recorded; the longest strings are lines of TAP."""
    return [
        sys.executable, "-m", "guise", "trace", "--engine", engine, "-s", "512",
        "-o", str(recorded), str(program),
    ]  # fmt: skip


def read(recorded: Path, abi: Abi) -> Seen:
    """The checked calls in a recording."""
    calls = _calls(recorded, abi.kernel)
    writes = abi.calls["write"].number
    # The indirect calls are recorded as what they lead to; a check that is about them says so.
    indirect = [call for call in abi.calls.values() if call.open_ended and call.service in SERVED]
    seen = Seen()
    pending: list[records.Record] = []
    for call in calls:
        line = _line(call) if call.number == writes else b""
        if not line.startswith(_PASSED):
            pending.append(call)
            continue
        for before in pending:
            seen.around[before.number] += 1
            if before.result >= 0 or before.state != layout.DONE:
                seen.successful.add(before.number)
        if pending:
            seen.direct[pending[-1].number] += 1
        for row in indirect:
            if f"SYS_{row.name},".encode() in line:
                seen.direct[row.number] += 1
                seen.successful.add(row.number)
        pending = []
    return seen


def _calls(recorded: Path, kernel: str) -> list[records.Record]:
    with recorded.open("rb") as file:
        reader = recording.Reader(file, str(recorded))
        index = reader.header.kernels.index(kernel)
        found = [
            record
            for chunk in reader.chunks()
            for record in records.parse(chunk.data)
            if record.kind == layout.CALL and record.kernel == index
        ]
        if reader.ending is None or reader.ending.lost:
            raise RuntimeError(f"{recorded} is not whole")
    return sorted(found, key=lambda record: record.end)


def _line(call: records.Record) -> bytes:
    return call.captures[0].data if call.captures and call.values[0] & 0xFFFFFFFF == _STDOUT else b""


def choose(abi: Abi, seen: dict[str, Seen]) -> dict[str, proofs.Proof]:
    """The programs that say most of each served call: those that check it directly and little else."""
    found = {}
    for call in abi.calls.values():
        if call.service not in SERVED:
            continue
        able = [name for name, program in seen.items() if call.number in program.checked()]
        able.sort(key=lambda name: (-_share(seen[name], call.number), name))
        if able:
            succeeds = any(call.number in seen[name].successful for name in able)
            able.sort(key=lambda name: succeeds and call.number not in seen[name].successful)
            found[call.name] = proofs.Proof(tuple(able[:_BEST]), succeeds)
    return found


def _share(program: Seen, number: int) -> float:
    """Which part of a program's checks is about this call, in steps that a repeated loop does not change."""
    checks = sum(program.direct.values())
    return round(program.direct[number] / checks, 2) if checks else 0.0


def programs(kernel: str) -> list[str]:
    return sorted(path.stem for path in (HERE / kernel).glob("*.c"))


def record(kernel: str, name: str, folder: Path, engine: str) -> Path:
    """Build and run one program.  Raises CalledProcessError when it fails."""
    program = build_guest(HERE / kernel / f"{name}.c", folder / name, kernel)
    recorded = folder / f"{name}.guise"
    subprocess.run(command(program, recorded, engine), check=True, capture_output=True, cwd=folder)
    return recorded


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernel", nargs="?", default="freebsd")
    parser.add_argument("--engine", default="native")
    options = parser.parse_args()
    abi = load(options.kernel)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # programs that give up their privileges go on reading here
        seen = {
            name: read(record(options.kernel, name, Path(folder), options.engine), abi)
            for name in programs(options.kernel)
        }
    found = choose(abi, seen)
    proofs.save(options.kernel, found)
    unproved = [c.name for c in abi.calls.values() if c.service in SERVED and c.name not in found]
    print(f"{len(found)} calls are proved, {len(unproved)} are not: {' '.join(unproved)}")
    return 1 if unproved else 0


if __name__ == "__main__":
    sys.exit(main())
