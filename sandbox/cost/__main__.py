"""`python -m sandbox.cost`: print the models against published figures, or write the tables into a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.cost import report


def main() -> int:
    """0; 1 when the page has no place for the tables."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.cost", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put them between the page's two marks")
    page: Path | None = parser.parse_args().write
    if page is None:
        print(report.text(), end="")
        return 0
    before, begin, rest = page.read_text(encoding="utf-8").partition(report.BEGIN)
    _, end, after = rest.partition(report.END)
    if not begin or not end:
        parser.exit(
            1, f"{page} has no place for the tables: it needs the lines\n{report.BEGIN}\n{report.END}\n"
        )
    page.write_text(f"{before}{begin}\n\n{report.text()}\n{end}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
