"""Servers and their utilisation, from CSV or JSON.

CSV has a first line of names: `server`, then any of the resources below, and optionally
`time`.  Several lines for one server are its samples over time.

    server,cpu,memory,disk,network
    web1,22%,2GiB,12%,8%

JSON is a list of objects with the same names; a resource may be a list of samples.  `cpu`, `disk` and
`network` are shares of one unit (22%, 0.22, or above 1 for several), `memory` is bytes (2GiB, 512M).
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SHARES = ("cpu", "disk", "network")
RESOURCES = (*SHARES, "memory")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_SHARE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)")


class ServersError(ValueError):
    """A list of servers that cannot be understood: one sentence, without the file's name."""


@dataclass(frozen=True)
class Server:
    """One server: samples over time of each resource that was given, all of one length."""

    name: str
    samples: Mapping[str, tuple[float, ...]]


def read(path: Path) -> tuple[Server, ...]:
    """Raises OSError and ServersError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ServersError("it is no text in UTF-8") from None
    rows = _from_json(text) if text.lstrip().startswith(("[", "{")) else _from_csv(text)
    return _collect(rows)


Row = tuple[str, str, Mapping[str, list[float]]]


def _from_csv(text: str) -> Iterable[Row]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = [name.strip().lower() for name in reader.fieldnames or [] if name]
    if "server" not in names:
        raise ServersError("its first line does not name a column `server`")
    _known(name for name in names if name not in ("server", "time"))
    reader.fieldnames = names
    for row in reader:
        where = f"line {reader.line_num}"
        if None in row or any(value is None for value in row.values()):
            raise ServersError(f"{where} does not have as many fields as the first line")
        values = {name: [_value(name, row[name], where)] for name in names if name in RESOURCES}
        yield row["server"].strip(), where, values


def _from_json(text: str) -> Iterable[Row]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ServersError(f"it is not JSON ({error})") from None
    if not isinstance(data, list):
        raise ServersError("it is no list of servers")
    for number, entry in enumerate(data, 1):
        where = f"server {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("server"), str):
            raise ServersError(f'{where} is no object with a text "server"')
        resources = {name: value for name, value in entry.items() if name not in ("server", "time")}
        _known(resources)
        values = {
            name: [_value(name, one, where) for one in (value if isinstance(value, list) else [value])]
            for name, value in resources.items()
        }
        yield entry["server"], where, values


def _known(names: Iterable[str]) -> None:
    for name in names:
        if name not in RESOURCES:
            raise ServersError(f"{name} is no resource: there are {', '.join(RESOURCES)}")


def _value(name: str, value: object, where: str) -> float:
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if name == "memory" and (match := _MEMORY.fullmatch(text)):
        return float(match[1]) * _UNITS[match[2].upper()]
    if name != "memory" and (match := _SHARE.fullmatch(text)):
        return float(match[1]) / (100 if match[2] else 1)
    try:
        number = float(text)  # 1e-3, and what JSON writes for very small numbers
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        example = "2GiB" if name == "memory" else "22% or 0.22"
        raise ServersError(f"{where} has {value!r} for {name}, where something like {example} is needed")
    return number


def _collect(rows: Iterable[Row]) -> tuple[Server, ...]:
    found: dict[str, dict[str, list[float]]] = {}
    for name, where, values in rows:
        if not name:
            raise ServersError(f"{where} names no server")
        known = found.setdefault(name, {})
        for resource, samples in values.items():
            known.setdefault(resource, []).extend(samples)
    if not found:
        raise ServersError("it lists no server")
    lengths = {len(samples) for each in found.values() for samples in each.values() if len(samples) > 1}
    if len(lengths) > 1:
        raise ServersError("its servers have different numbers of samples: take them at the same times")
    length = lengths.pop() if lengths else 1
    return tuple(
        Server(name, {key: tuple(one * length if len(one) == 1 else one) for key, one in each.items()})
        for name, each in found.items()
    )
