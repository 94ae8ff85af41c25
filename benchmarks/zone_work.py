"""Everyday work of Linux programs: on the host, in a zone, and as guests of the personality in that zone.

Each task is one shell script that does the same work three times in turn.  A run counts only when its
outputs are the native run's, byte for byte.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import zone_tasks
from benchmarks.measure import BASELINE, NotMeasured, Result, Sampler, in_turn
from benchmarks.variants import run
from benchmarks.zone_tasks import Task

NAME = "zone-work"
ZONE, GUEST = "zone", "zone-guest"
SHARED = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")


@contextmanager
def _zone(work: Path) -> Iterator[dict[str, tuple[str, ...]]]:
    """The words before a command, by variant, while a zone runs that has the host's programs and `work`."""
    from guise.zone import entering
    from sandbox.zone import ZoneError, boot, lifecycle
    from sandbox.zone.store import Store

    folder = tempfile.mkdtemp(prefix="guise-zones-", dir="/var/tmp")
    os.environ["GUISE_ZONES"] = folder
    shared = " ".join(path for path in SHARED if os.path.exists(path))
    orders = [
        f"inherit={shared}",
        f"fs={work}:{work}",
        "boot=/bin/sleep 100000",
        "readonly=no",
        "net=private",
    ]
    try:
        zone = lifecycle.create(Store(folder), "work", orders)
        lifecycle.install(zone, [])
        boot.boot(zone, entering.at_boot)
    except ZoneError as error:
        shutil.rmtree(folder)
        raise NotMeasured(str(error)) from None
    guise = (sys.executable, "-m", "guise", "run", "--zone", "work", "--cwd", str(work))
    try:
        yield {
            BASELINE: (),
            ZONE: (*guise, "--host-programs=native", "--"),
            GUEST: (*guise, "--as", "linux", "--"),
        }
    finally:
        lifecycle.halt(zone)
        shutil.rmtree(folder)
        del os.environ["GUISE_ZONES"]


def _digest(folder: Path) -> str:
    """Of all files that a task left in its folder `out`: names and contents."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(os.fsencode(path.relative_to(folder)) + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _clear(folder: Path) -> None:
    """Remove what is in it; the folder itself is mounted in the zone."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sampler(task: Task, variant: str, prefix: tuple[str, ...], work: Path, wanted: list[str]) -> Sampler:
    out = work / "out"

    def take() -> float:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        os.sync()
        start = time.perf_counter()
        said = run([*prefix, "/bin/sh", "-euc", task.script], work)
        spent = (time.perf_counter() - start) * 1000
        if task.rate is not None:
            return task.rate(said)
        found = _digest(out) + said
        if wanted and found != wanted[0]:
            raise NotMeasured("its output differs from the native run's")
        wanted[:] = [found]
        return spent

    return Sampler(variant, take)


def measure(rounds: int, folder: Path) -> list[Result]:
    """In ms for a whole script, the launch of `guise run` included; for servers, ms per 1,000 requests."""
    if os.geteuid() != 0:
        raise NotMeasured("root can make the zone that shares the host's programs: run it as root")
    results: list[Result] = []
    work = folder / "zone-work"
    work.mkdir()
    with _zone(work) as prefixes:
        for task in zone_tasks.TASKS:
            title = f"in a zone: {task.title}"
            missing = [tool for tool in task.tools if shutil.which(tool) is None]
            if missing:
                sentence = f"{missing[0]} is not installed"
                results.append(Result(task.name, title, BASELINE, "ms", left_out=sentence))
                continue
            print(f"measuring {task.name}", file=sys.stderr, flush=True)
            task.prepare(work)
            wanted: list[str] = []
            samplers = [_sampler(task, name, prefix, work, wanted) for name, prefix in prefixes.items()]
            for sampler in samplers:
                with suppress(NotMeasured):  # it is raised again where it counts
                    sampler.take()  # once before: file caches, plan cache
            results += in_turn(task.name, title, "ms", samplers, rounds, frozenset())
            _clear(work)
    return results + _means(results)


def _means(results: list[Result]) -> list[Result]:
    """The geometric mean of all tasks' ratios, for each way."""
    means = []
    for variant in (ZONE, GUEST):
        ratios = [r.ratio for r in results if r.variant == variant and r.ratio is not None]
        if ratios:
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            means.append(
                Result(
                    f"{NAME}-mean", "in a zone: geometric mean of the ratios", variant, "x", [mean], [mean]
                )
            )
    return means
