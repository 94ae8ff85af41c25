"""The command line of `guise trace`: its own options before the program, as `guise run` has them."""

from __future__ import annotations

from guise import run_command
from guise.cli import UsageError

FORMS = ("text", "json", "chrome", "stacks", "speedscope", "summary", "profile", "recording")
FLAGS = {
    "-c": "summary", "--summary": "summary", "--profile": "profile", "--json": "json", "--chrome": "chrome",
    "--stacks": "stacks", "--speedscope": "speedscope",
}  # fmt: skip
WITH_VALUE = (
    "-o", "--output", "-e", "--filter", "-s", "--string-limit", "--format", "--inject", "--flight",
    "--stack-limit",
)  # fmt: skip
SWITCHES = {
    "-T": "durations", "--durations": "durations",
    "-k": "callers", "--callers": "callers",
    "--host-calls": "host_calls",
    "--lossy": "lossy",
    "--environment": "environment",
    "--no-names": "no_names",
    "--per-process": "per_process",
    "--live": "live",
}  # fmt: skip


class Settings:
    """A parsed command line.  `show` names a recording; otherwise `run` says what to start."""

    def __init__(self) -> None:
        self.run = run_command.Settings()
        self.show = ""
        self.output = ""
        self.form = ""
        self.expressions: list[str] = []
        self.orders: list[str] = []
        self.text_limit = 32
        self.stack_limit = 8192
        self.flight = 0
        self.times = ""
        self.redact: str | None = None
        """None: nothing; "": buffers and values of the environment; else what matches it as well."""
        self.durations = False
        self.callers = False
        self.host_calls = False
        self.lossy = False
        self.environment = False
        self.no_names = False
        self.per_process = False
        self.live = False


def parse(words: list[str]) -> Settings:
    """Raises UsageError with a sentence."""
    settings = Settings()
    rest = list(words)
    showing = rest[:1] == ["show"]
    if showing:
        rest.pop(0)
    others: list[str] = []
    while rest and (rest[0].startswith("-") or showing):
        word = rest.pop(0)
        if word == "--":
            break
        if showing and not word.startswith("-"):
            if settings.show:
                raise UsageError(f"{word} is one recording too many: `guise trace show FILE` takes one")
            settings.show = word
            continue
        name, equals, value = word.partition("=")
        if name in WITH_VALUE:
            if not equals:
                if not rest:
                    raise UsageError(f"{name} needs a value: `guise trace --help` shows one")
                value = rest.pop(0)
            _set(settings, name, value)
        elif name == "--redact":
            settings.redact = _expression(value) if equals else ""
        elif not _flag(settings, word):
            if showing:
                raise UsageError(
                    f"{word} is no option of `guise trace show`: `guise trace --help` lists them"
                )
            others += [word]
            if name in run_command.WITH_VALUE and not equals and rest:
                others.append(rest.pop(0))
    _form(settings)
    if showing:
        _showing(settings)
        return settings
    if not rest:
        raise UsageError("say which program to trace: `guise trace PROGRAM [ARGUMENTS]`")
    settings.run = run_command.parse([*others, "--", *rest])
    _refuse(settings.run)
    _agree(settings)
    return settings


def _showing(settings: Settings) -> None:
    if not settings.show:
        raise UsageError("say which recording to show: `guise trace show FILE.guise`")
    live = {
        "--inject": settings.orders, "--flight": settings.flight, "--lossy": settings.lossy,
        "--host-calls": settings.host_calls, "--callers": settings.callers,
        "--environment": settings.environment,
    }  # fmt: skip
    for option, is_set in live.items():
        if is_set:
            raise UsageError(f"{option} is for a run: a recording has what was recorded")
    if settings.form == "profile":
        raise UsageError("a profile is taken of a run, not of a recording: `guise trace --profile PROGRAM`")


def _agree(settings: Settings) -> None:
    """Refuse what cannot be had together."""
    if settings.per_process and settings.form in ("profile", "recording"):
        raise UsageError(f"--per-process makes no {settings.form}: record once, and show the recording so")
    if settings.per_process and settings.form != "summary" and settings.output in ("", "-"):
        raise UsageError("--per-process needs a name for its files: -o NAME makes NAME.PID")
    if settings.flight and settings.form in ("summary", "profile"):
        raise UsageError("--flight keeps the last events only: they make no summary")
    if settings.live and (settings.flight or settings.output or settings.form not in ("", "text")):
        raise UsageError("--live shows events as they come: it takes no -o, no --flight and no other form")
    if settings.flight and settings.lossy:
        raise UsageError("--flight never makes the program wait: leave --lossy out")


def _refuse(run: run_command.Settings) -> None:
    if run.environment or run.unset or run.clear_environment or run.directory is not None:
        raise UsageError("`guise trace` starts the program where it is: use env(1) in front of guise instead")


def _set(settings: Settings, name: str, value: str) -> None:
    if name in ("-o", "--output"):
        settings.output = value
    elif name in ("-e", "--filter"):
        settings.expressions.append(value)
    elif name == "--inject":
        settings.orders.append(value)
    elif name == "--format":
        if value not in FORMS:
            raise UsageError(f"there is no format {value}: choose {', '.join(FORMS)}")
        settings.form = value
    elif name == "--flight":
        settings.flight = _number(value, "--flight takes how many of the last events to keep", 1, 1_000_000)
    elif name == "--stack-limit":
        settings.stack_limit = _number(
            value, "--stack-limit takes how many bytes of a stack to keep", 256, 15360
        )
    else:
        settings.text_limit = _number(value, "-s takes how many bytes of a buffer to show", 0, 4096)


def _number(text: str, sentence: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not least <= int(text) <= most:
        raise UsageError(f"{sentence}, {least} to {most}, not {text}")
    return int(text)


def _expression(text: str) -> str:
    import re

    try:
        re.compile(text.encode("utf-8", "surrogateescape"))
    except re.error as error:
        raise UsageError(f"--redact={text}: the regular expression is wrong: {error}") from None
    return text


def _flag(settings: Settings, word: str) -> bool:
    if word in FLAGS:
        settings.form = FLAGS[word]
    elif word in SWITCHES:
        setattr(settings, SWITCHES[word], True)
    elif word in ("-t", "--relative"):
        settings.times = "relative"
    elif word in ("-tt", "--clock"):
        settings.times = "clock"
    elif word in ("--failed", "--successful"):
        settings.expressions.append(word[2:])
    else:
        return False
    return True


def _form(settings: Settings) -> None:
    """A file's ending says what belongs into it, unless an option does."""
    if settings.form:
        return
    endings = {".guise": "recording", ".json": "json", ".ndjson": "json", ".speedscope.json": "speedscope"}
    found = [form for ending, form in endings.items() if settings.output.endswith(ending)]
    settings.form = found[-1] if found else "text"
