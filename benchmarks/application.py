"""esbuild bundles and minifies a real project; the outputs have to be the same byte for byte.

The processor time of the same runs is reported too: on a busy machine it says more than the clock.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import esbuild
from benchmarks.measure import BASELINE, NotMeasured, Result, Sampler, in_turn
from benchmarks.variants import Variant, run

NAME = "esbuild"


def _processor_time() -> float:
    """Of all children that were waited for, in ms: the supervisor, which is nobody's child, is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _sampler(
    tools: esbuild.Esbuild, work: esbuild.Project, variant: Variant, folder: Path, processor: list[float]
) -> Sampler:
    program = tools.guest if variant.guest else tools.host
    output = folder / f"{variant.name}.js"
    wanted = folder / f"{BASELINE}.js"
    command = [
        *variant.prefix, str(program), "app.js", "--bundle", "--minify", "--log-level=error",
        f"--outfile={output}",
    ]  # fmt: skip

    def take() -> float:
        output.unlink(missing_ok=True)
        used, start = _processor_time(), time.perf_counter()
        run(command, work.folder)
        spent = (time.perf_counter() - start) * 1000
        processor.append(_processor_time() - used)
        if not output.exists():
            raise NotMeasured("it wrote no bundle that the host can see")
        if output.read_bytes() != wanted.read_bytes():
            raise NotMeasured("its bundle differs from the native one")
        return spent

    return Sampler(variant.name, take)


def measure(variants: Sequence[Variant], rounds: int, folder: Path) -> list[Result]:
    """Wall and processor time in ms of the whole command, Guise's own start included.

    Raises NotMeasured.
    """
    tools, work = esbuild.fetch(), esbuild.project()
    processor: dict[str, list[float]] = {variant.name: [] for variant in variants}
    samplers = [_sampler(tools, work, variant, folder, processor[variant.name]) for variant in variants]
    for sampler in samplers:
        if sampler.variant in (BASELINE, "guise"):
            sampler.take()  # once before it counts: file caches, plan cache
            processor[sampler.variant].clear()
    few = frozenset(v.name for v in variants if v.slow)
    title = f"esbuild bundles {work.description}"
    wall = in_turn(NAME, f"{title}; wall time, output identical", "ms", samplers, rounds, few)
    return wall + [_of_processor(r, processor, f"{title}; processor time of the same runs") for r in wall]


def _of_processor(wall: Result, processor: dict[str, list[float]], title: str) -> Result:
    result = Result(f"{NAME}-processor", title, wall.variant, "ms", left_out=wall.left_out)
    if wall.left_out is not None:
        return result
    base = processor[BASELINE]
    result.samples = processor[wall.variant]
    # A slow variant takes part in the first rounds, so samples of one round have one index.
    pairs = list(zip(result.samples, base, strict=False))
    result.ratios = [mine / native for mine, native in pairs]
    result.differences = [mine - native for mine, native in pairs]
    if base:
        result.fastest_ratio = min(result.samples) / min(base)
    return result
