"""How the runtime lies in its file: a page that every process touches is a fault at each start and fork."""

from __future__ import annotations

import re
import subprocess

from personality import build

PAGE, AROUND = 4096, 64 * 1024  # what one fault of the host maps around an address of a file


def _sections() -> dict[str, range]:
    listing = subprocess.run(["readelf", "-SW", build.RUNTIME], capture_output=True, text=True, check=True)
    rows = re.findall(r"\] (\S+) +\S+ +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", listing.stdout)
    return {name: range(int(at, 16), int(at, 16) + int(size, 16)) for name, at, size in rows}


def test_what_every_process_writes_to_is_two_pages() -> None:
    sections = _sections()
    first, last = sections[".data.rel.ro"].start, sections[".bss"].stop
    assert first % PAGE == 0
    assert last - first <= 2 * PAGE, "mark a table LARGE, or make it smaller"
    assert sections[".large"].start - last < 64, "the first blocks of the heap share the second page"


def test_what_every_process_executes_lies_together() -> None:
    sections = _sections()
    assert sections["text_first"].stop - sections["rodata_first"].start <= AROUND


def test_first_functions_are_functions() -> None:
    text = "".join(
        path.read_text()
        for path in [*build.HERE.rglob("*.[cS]"), *(build.HERE.parent / "build" / "runtime").rglob("*.c")]
    )
    for name in build.FIRST_FUNCTIONS.read_text().split():
        own = rf"(?:{name}|{re.sub('^(freebsd|netbsd)_', 'bsd_', name)})"
        assert re.search(rf"\b{own}\(", text), f"{name}: no such function, strike it from first_functions.txt"
