"""loader/layout.py and personality/runtime/plan.h are the same layout."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from loader import layout

HEADER = Path(__file__).parents[2] / "personality" / "runtime" / "plan.h"


def offsets(layout_: struct.Struct, names: tuple[str, ...]) -> dict[str, int]:
    """Offset of each field of a format without padding."""
    codes = layout_.format.lstrip("<")
    assert len(codes) == len(names)
    return {name: struct.calcsize("<" + codes[:index]) for index, name in enumerate(names)}


def test_the_c_header_says_the_same(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    header = offsets(layout.HEADER, layout.HEADER_FIELDS)
    segment = offsets(layout.SEGMENT, layout.SEGMENT_FIELDS)
    prints = [
        *(f'printf("h.{name} %zu\\n", offsetof(struct plan_header, {name}));' for name in header),
        *(f'printf("s.{name} %zu\\n", offsetof(struct plan_segment, {name}));' for name in segment),
        'printf("sizes %zu %zu\\n", sizeof(struct plan_header), sizeof(struct plan_segment));',
        'printf("constants %lu %d %d %d\\n", PLAN_MAGIC, PLAN_VERSION, PLAN_RELOCATABLE, '
        "PLAN_EXECUTABLE_STACK);",
    ]
    source = tmp_path / "layout.c"
    lines = ["#include <stddef.h>", "#include <stdio.h>", f'#include "{HEADER}"', "int main(void) {", *prints]
    source.write_text("\n".join([*lines, "return 0; }\n"]))
    program = tmp_path / "layout"
    subprocess.run([compiler, "-o", str(program), str(source)], check=True)
    said = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    assert said == [
        *(f"h.{name} {offset}" for name, offset in header.items()),
        *(f"s.{name} {offset}" for name, offset in segment.items()),
        f"sizes {layout.HEADER.size} {layout.SEGMENT.size}",
        f"constants {layout.MAGIC} {layout.VERSION} {layout.RELOCATABLE} {layout.EXECUTABLE_STACK}",
    ]
