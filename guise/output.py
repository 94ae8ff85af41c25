"""Output that more than one command needs: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence


def print_json(value: object) -> None:
    json.dump(value, sys.stdout, indent=2)
    print()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table that fits the terminal; plain columns when the output is not one."""
    listed = [tuple(row) for row in rows]
    if not sys.stdout.isatty():
        _print_plain(columns, listed)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        *columns, title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False
    )
    for row in listed:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def _print_plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    every = [tuple(columns), *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(columns))]
    for row in every:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def size(value: int) -> str:
    """A number of bytes as people write it."""
    amount = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
