"""Arguments of the commands that are not `guise run`: argparse, with this program's kind of error."""

from __future__ import annotations

import argparse
from typing import NoReturn

from guise.cli import UsageError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose mistakes are one sentence, and whose help is the text in help_texts."""

    def __init__(self, command: str) -> None:
        super().__init__(prog=f"guise {command}", add_help=False, allow_abbrev=False)
        self.command = command

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}: `guise {self.command} --help` shows how")
