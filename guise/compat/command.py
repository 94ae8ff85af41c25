"""`guise compat`: run suites, report on what was run, compare two runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from guise.cli import UsageError, complain
from guise.compat import baseline, history, planning, suite
from guise.compat.model import CompatError, Result
from guise.compat.store import Key, Store, default_path
from guise.options import Parser
from guise.run_command import ENGINES

_USAGE = "`guise compat --help` shows how"


def main(words: list[str]) -> int:
    """0: nothing got worse; 1: something did, or two runs differ; 2: it cannot be done as asked."""
    if not words or words[0] not in ACTIONS:
        raise UsageError(f"say what to do: {', '.join(ACTIONS)}; {_USAGE}")
    try:
        return ACTIONS[words[0]](words[1:])
    except CompatError as error:
        raise UsageError(str(error)) from None
    except KeyboardInterrupt:
        return complain("stopped: the same command goes on from here", 130)


def _run(words: list[str]) -> int:
    parser = Parser("compat")
    parser.add_argument("suites", metavar="SUITE", nargs="+")
    parser.add_argument("--engine", choices=ENGINES, default="native")
    parser.add_argument("--as", dest="personality")
    parser.add_argument("-j", "--jobs", type=_positive, default=os.cpu_count() or 1)
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("--only", default="")
    parser.add_argument("--retries", type=int)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--differential", action="store_true")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--cluster", default="")
    parser.add_argument("--root", default="")
    _add_common(parser)
    options = parser.parse_args(words)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not death by the signal: a terminal that shows a bar has to be put in order first.
        signal.signal(number, signal.default_int_handler)
    store = Store(options.store)
    loaded = [suite.load(suite.find(word)) for word in options.suites]
    verdicts = [_run_one(each, store, options) for each in loaded]
    _write(options, [column for column, _ in verdicts])
    _write(options, [column for column, _ in verdicts])
    return max(status for _, status in verdicts)


def _run_one(chosen: suite.Suite, store: Store, options: argparse.Namespace) -> tuple[history.Column, int]:
    from guise.compat import backends, progress, report, runner

    personality = options.personality or chosen.personality
    if personality.partition("-")[0] != planning.HOST:
        from guise.run_command import parse_guest

        parse_guest(personality)
    root = _root(options.root, personality)
    mode = planning.Mode(personality, options.engine, forced=options.personality is not None, root=root)
    shard = planning.parse_shard(options.shard)
    planned = planning.plan(chosen, mode, _cache(), differential=options.differential)
    cases = planning.select(planned, options.only, shard)
    if not cases:
        raise CompatError(f"no case of {chosen.name} is chosen: `guise compat list SUITE` names its cases")
    cases = [planning.with_retries(case, options.retries) for case in cases]
    engine = options.engine if mode.words() else planning.HOST
    part = " ".join(
        text
        for text in (
            options.shard if shard[1] > 1 else "",
            f"only {options.only}" if options.only else "",
        )
        if text
    )
    known_failures = Path(options.baseline or chosen.baseline_of(mode.kernel)).absolute()
    lines = baseline.load(known_failures)
    work = chosen.digest + ("+host" if options.differential else "") + (f"+{root}" if root else "")
    key = Key(chosen.name, personality, engine, work, part)
    run, done = store.begin(key, chosen.title, known_failures, len(cases), fresh=options.fresh)
    left = [case for case in cases if case.name not in done]
    backend = backends.BACKENDS["dask" if options.cluster else "local"](options.cluster, options.jobs)
    known = baseline.Baseline(lines, engine)
    with progress.Progress(f"{chosen.name} {personality} {engine}", len(cases), len(done), known) as display:

        def save(result: Result) -> None:
            store.save(run, result)
            display.add(result)

        try:
            runner.run(left, backend, known, save, trace=options.trace)
        except BaseException:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # timeout(1) sends two, people press it twice
            backend.abandon()
            raise
    backend.close()
    store.finish(run)
    column = history.of_runs([history.Part(store, store.run(run.id))])[0]
    verdict = column.verdict(lines)
    report.terminal(column, verdict)
    return column, 1 if verdict.worse else 0


def _root(folder: str, personality: str) -> str:
    """The folder that becomes the guests' `/`, as an absolute path.  Raises CompatError."""
    if not folder:
        return ""
    if personality == planning.HOST:
        raise CompatError("--root is for guests: natively run programs see this system's files")
    if not os.path.isdir(folder):
        raise CompatError(f"--root {folder} is no folder: name the one that becomes /")
    return os.path.realpath(folder)


def _report(words: list[str]) -> int:
    from guise.compat import report

    parser = Parser("compat")
    parser.add_argument("runs", metavar="RUN", nargs="*")
    _add_common(parser, several=True)
    options = parser.parse_args(words)
    paths = options.store or [default_path()]
    if options.runs:
        columns = history.of_runs([history.parse_run(word, paths[0]) for word in options.runs])
    else:
        columns = history.newest([Store(path, create=False) for path in paths])
    if not columns:
        raise CompatError("no run is recorded yet: `guise compat run SUITE` makes one")
    _write(options, columns)
    worse = False
    for column in columns:
        verdict = column.verdict(_known(column, options.baseline))
        worse = worse or bool(verdict.worse)
        report.terminal(column, verdict)
    return 1 if worse else 0


def _diff(words: list[str]) -> int:
    from guise.compat import report

    parser = Parser("compat")
    parser.add_argument("before", metavar="A")
    parser.add_argument("after", metavar="B")
    parser.add_argument("--store", type=Path, default=default_path())
    options = parser.parse_args(words)
    parts = [history.parse_run(word, options.store) for word in (options.before, options.after)]
    before, after = history.of_runs(parts)
    return report.changes(before, after)


def _list(words: list[str]) -> int:
    from guise.output import print_table

    parser = Parser("compat")
    parser.add_argument("suite", metavar="SUITE", nargs="?")
    parser.add_argument("--as", dest="personality")
    options = parser.parse_args(words)
    if options.suite is None:
        loaded = [suite.load(suite.find(name)) for name in suite.shipped()]
        print_table(("suite", "about"), [(each.name, each.title) for each in loaded])
        return 0
    chosen = suite.load(suite.find(options.suite))
    mode = planning.Mode(options.personality or chosen.personality, "native")
    print("\n".join(case.name for case in planning.plan(chosen, mode, _cache())))
    return 0


def _runs(words: list[str]) -> int:
    from guise.compat import report

    parser = Parser("compat")
    parser.add_argument("--store", type=Path, default=default_path())
    report.runs(Store(parser.parse_args(words).store, create=False))
    return 0


def _show(words: list[str]) -> int:
    parser = Parser("compat")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--store", type=Path, default=default_path())
    options = parser.parse_args(words)
    part = history.parse_run(options.run, options.store)
    if all(case.name != options.case for case in part.store.cases(part.run)):
        raise CompatError(f"run {part.run.id} has no case {options.case}")
    sys.stdout.flush()
    if options.trace:
        trace = part.store.trace(part.run, options.case)
        if not trace:
            raise CompatError(f"{options.case} was not traced: `guise compat run --trace` traces what fails")
        sys.stdout.buffer.write(trace + b"\n")
    else:
        sys.stdout.buffer.write(part.store.output(part.run, options.case))
    return 0


def _add_common(parser: Parser, *, several: bool = False) -> None:
    if several:
        parser.add_argument("--store", type=Path, action="append")
    else:
        parser.add_argument("--store", type=Path, default=default_path())
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--junit", type=Path)


def _write(options: argparse.Namespace, columns: list[history.Column]) -> None:
    from guise.compat import formats, page

    known = [_known(column, options.baseline) for column in columns]
    for path, write in (
        (options.html, page.write),
        (options.json, formats.json),
        (options.junit, formats.junit),
    ):
        if path is not None:
            try:
                write(path, columns, known)
            except OSError as error:
                raise CompatError(f"{path} cannot be written: {(error.strerror or '').lower()}") from None


def _known(column: history.Column, path: Path | None) -> list[baseline.Known]:
    """The lines of the given file, or of the one that the run was judged by."""
    return baseline.load(path or Path(column.parts[0].run.baseline))


def _cache() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "guise" / "compat"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it takes a number from 1")
    return number


ACTIONS: dict[str, Callable[[list[str]], int]] = {
    "run": _run,
    "report": _report,
    "diff": _diff,
    "list": _list,
    "runs": _runs,
    "show": _show,
}
