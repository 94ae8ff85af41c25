"""The command line of `guise trace`: its own options before the program, as `guise run` has them."""

from __future__ import annotations

import re

from guise import run_command
from guise.cli import UsageError

FORMS = ("text", "json", "chrome", "stacks", "summary", "recording")
FLAGS = {
    "-c": "summary", "--summary": "summary",
    "--json": "json", "--chrome": "chrome", "--stacks": "stacks",
}  # fmt: skip
WITH_VALUE = ("-o", "--output", "-e", "--filter", "-s", "--string-limit", "--format")


class Settings:
    """A parsed command line.  `show` names a recording; otherwise `run` says what to start."""

    __slots__ = (
        "durations", "expressions", "form", "lossy", "output", "run", "show", "text_limit", "times",
    )  # fmt: skip

    def __init__(self) -> None:
        self.run = run_command.Settings()
        self.show = ""
        self.output = ""
        self.form = ""
        self.expressions: list[str] = []
        self.text_limit = 32
        self.lossy = False
        self.times = ""
        self.durations = False


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
        if not settings.show:
            raise UsageError("say which recording to show: `guise trace show FILE.guise`")
        return settings
    if not rest:
        raise UsageError("say which program to trace: `guise trace PROGRAM [ARGUMENTS]`")
    settings.run = run_command.parse([*others, "--", *rest])
    _refuse(settings.run)
    return settings


def _refuse(run: run_command.Settings) -> None:
    if run.environment or run.unset or run.clear_environment or run.directory is not None:
        raise UsageError("`guise trace` starts the program where it is: use env(1) in front of guise instead")


def _set(settings: Settings, name: str, value: str) -> None:
    if name in ("-o", "--output"):
        settings.output = value
    elif name in ("-e", "--filter"):
        settings.expressions.append(value)
    elif name == "--format":
        if value not in FORMS:
            raise UsageError(f"there is no format {value}: choose {', '.join(FORMS)}")
        settings.form = value
    elif not re.fullmatch(r"\d{1,4}", value) or int(value) > 4096:
        raise UsageError(f"-s takes how many bytes of a buffer to show, 0 to 4096, not {value}")
    else:
        settings.text_limit = int(value)


def _flag(settings: Settings, word: str) -> bool:
    if word in FLAGS:
        settings.form = FLAGS[word]
    elif word in ("-t", "--relative"):
        settings.times = "relative"
    elif word in ("-tt", "--clock"):
        settings.times = "clock"
    elif word in ("-T", "--durations"):
        settings.durations = True
    elif word == "--lossy":
        settings.lossy = True
    elif word == "--failed":
        settings.expressions.append("failed")
    elif word == "--successful":
        settings.expressions.append("successful")
    else:
        return False
    return True


def _form(settings: Settings) -> None:
    """A file's ending says what belongs into it, unless an option does."""
    if settings.form:
        return
    endings = {".guise": "recording", ".json": "json", ".ndjson": "json"}
    settings.form = next(
        (form for ending, form in endings.items() if settings.output.endswith(ending)), "text"
    )
