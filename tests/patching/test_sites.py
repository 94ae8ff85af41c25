"""Which syscalls of real libraries can be patched, and that what is taken for an instruction is one.

A disassembler says where instructions are; the patcher has only bytes and tables.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUNTIME = HERE.parents[1] / "personality" / "runtime"
SOURCES = ["boundary.c", "decode.c", "padding.c", "unwind.c"]
LIBRARIES = {
    "glibc": "/lib/x86_64-linux-gnu/libc.so.6",
    "ld.so": "/lib64/ld-linux-x86-64.so.2",
    "musl": "/lib/ld-musl-x86_64.so.1",
}
LEAST = {"glibc": 0.9, "ld.so": 0.8, "musl": 0.4}  # musl has neither padding nor tables


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None or shutil.which("objdump") is None:
        pytest.skip("needs gcc and objdump")
    program = tmp_path_factory.mktemp("sites") / "judge"
    flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-fno-builtin", f"-I{RUNTIME}"]
    files = [HERE / "sites.c", *(RUNTIME / name for name in SOURCES)]
    subprocess.run(["gcc", *flags, *files, "-o", program], check=True, timeout=120)
    return program


def _sites(library: str) -> list[tuple[int, str]]:
    """Address of each syscall, and the instruction before it."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", library],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    found, before = [], ""
    for line in listing.splitlines():
        match = re.match(r"\s+([0-9a-f]+):\t(.*)", line)
        if match is None:
            continue
        if match[2].startswith("syscall"):
            found.append((int(match[1], 16), before))
        before = match[2]
    return found


def _offset(library: str, address: int) -> int:
    listing = subprocess.run(["readelf", "-lW", library], capture_output=True, text=True, check=True).stdout
    for match in re.finditer(r"LOAD\s+(0x\w+) (0x\w+) 0x\w+ 0x\w+ (0x\w+)", listing):
        offset, start, size = (int(value, 16) for value in match.groups())
        if start <= address < start + size:
            return offset + address - start
    raise AssertionError(hex(address))


@pytest.mark.parametrize("name", LIBRARIES)
def test_sites_of_a_library(name: str, judge: Path) -> None:
    library = LIBRARIES[name]
    if not Path(library).exists():
        pytest.skip(f"{library} is not here")
    sites = _sites(library)
    offsets = [f"{_offset(library, address):x}" for address, _ in sites]
    done = subprocess.run([judge, library, *offsets], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    verdicts = done.stdout.split()
    moved = re.compile(r"mov\s+\$0x[0-9a-f]+,%[er]ax")
    wrong = [
        (hex(address), before)
        for (address, before), verdict in zip(sites, verdicts, strict=True)
        if verdict == "move" and not moved.match(before)
    ]
    assert wrong == []
    done_share = sum(verdict != "none" for verdict in verdicts) / len(verdicts)
    assert done_share >= LEAST[name], {v: verdicts.count(v) for v in set(verdicts)}
