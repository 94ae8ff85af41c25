"""Generated pages are what their generator writes today, and links between pages lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import summary

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
KERNELS = [p.stem.removeprefix("compatibility-") for p in DOCS.glob("compatibility-*.md")]
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("examples/**/*.md")]


@pytest.mark.parametrize("kernel", KERNELS)
def test_compatibility_page_is_current(kernel: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "guise", "calls", kernel, "--markdown"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = DOCS / f"compatibility-{kernel}.md"
    assert page.read_text() == done.stdout, (
        f"docs is behind the tables: python -m guise calls {kernel} --markdown > docs/{page.name}"
    )


def test_freebsd_has_a_compatibility_page() -> None:
    assert (DOCS / "compatibility-freebsd.md").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_results_are_written_by_the_benchmarks() -> None:
    text = (DOCS / "results.md").read_text()
    assert "Written by `python -m benchmarks" in text
    for operation in ("esbuild bundles", "null call", "fork + exec", "start-up"):
        assert operation in text


def test_readme_shows_what_was_measured() -> None:
    data = json.loads((DOCS / "results.json").read_text())
    readme = (ROOT / "README.md").read_text()
    assert readme == summary.insert(readme, data), "python -m benchmarks --save writes both"
