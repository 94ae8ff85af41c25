"""The `guise` command: which part of it was meant, and one sentence for whatever goes wrong.

Each command is imported when it is used.  `guise run` parses its few options by hand, because
argparse alone takes as long to import as the rest of a start together.
"""

from __future__ import annotations

import errno
import io
import os
import sys

COMMANDS = {
    "run": "guise.run_command",
    "trace": "guise.trace_command",
    "zone": "guise.zone.command",
    "inspect": "guise.inspect_command",
    "calls": "guise.calls_command",
    "doctor": "guise.doctor_command",
    "binfmt": "guise.binfmt_command",
    "compat": "guise.compat.command",
    "machine": "guise.machine_command",
    "compare": "guise.compare.command",
    "partition": "guise.partition_command",
    "completion": "guise.completion_command",
}
# Of these the next word is an action, and not a program.
WITH_ACTIONS = ("zone", "compat", "binfmt", "machine", "compare", "partition")
NOT_STARTED = 125  # Guise itself failed, as env(1), nice(1) and timeout(1) report it


class UsageError(Exception):
    """The command line cannot be understood: one sentence that says what to write instead."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the process's exit status.  `guise run` does not return when it succeeds."""
    words = sys.argv[1:] if arguments is None else arguments
    _default_signals(words)
    unheard = None if sys.stdout else io.StringIO()  # a closed stdout is None; the program gets it as it is
    if unheard is not None:
        sys.stdout = unheard
    try:
        status = _dispatch(words)
        sys.stdout.flush()
        if unheard is not None and unheard.getvalue():
            return complain("the output cannot be written: standard output is closed", 1)
        return status
    except UsageError as error:
        return complain(str(error), 2)
    except BrokenPipeError:
        # The reader of our output left, as `guise calls freebsd | head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        if error.errno == errno.EMFILE:
            return complain(
                "there are no free descriptors left: raise `ulimit -n`, or close some before the start",
                NOT_STARTED,
            )
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or error.filename is not None:
            return last_resort(error)
        # What is left in the buffer would fail again at exit, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return complain(f"the output cannot be written: {os.strerror(error.errno).lower()}", 1)
    except MemoryError:
        return complain(
            "there is not enough memory: close something, or raise the limit (ulimit -v)", NOT_STARTED
        )
    except Exception as error:
        return last_resort(error)


def complain(sentence: str, status: int) -> int:
    """Print one sentence to stderr; returns `status` for the caller to exit with."""
    sys.stdout.flush()
    line = " ".join(sentence.split())
    try:
        os.write(2, f"guise: {line}\n".encode("utf-8", "surrogateescape"))
    except OSError:
        return status  # stderr is closed or full: the status is all that is left to tell
    return status


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        from guise import help_texts

        return help_texts.show(words[1] if words[:1] == ["help"] and len(words) > 1 else "", error=not words)
    if words[0] in ("-V", "--version"):
        from guise import __version__

        print(f"guise {__version__}")
        return 0
    module = COMMANDS.get(words[0])
    if module is None:
        raise UsageError(_unknown(words[0]))
    if _wants_help(words):
        from guise import help_texts

        return help_texts.show(words[0])
    __import__(module)  # importlib brings `warnings` along: 1 ms of a start
    status: int = sys.modules[module].main(words[1:])
    return status


def _wants_help(words: list[str]) -> bool:
    """`guise COMMAND --help`, or after an action as well: `guise zone boot --help`."""
    asked = words[1:3] if words[0] in WITH_ACTIONS or words[:2] == ["trace", "show"] else words[1:2]
    return "--help" in asked or "-h" in asked


def _unknown(word: str) -> str:
    if "/" in word or os.path.exists(word):
        return f"{word} is no command of guise: to run a program, write `guise run {word}`"
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, 1)
    hint = f"did you mean `guise {near[0]}`?" if near else "`guise --help` shows them"
    return f"{word} is no command of guise: {hint}"


def _default_signals(words: list[str]) -> None:
    """Ctrl-C ends us as it ends any program, by the signal and without a traceback.  Where whoever started us
    ignores SIGCHLD, the commands that run others see how those end all the same; a guest ignores it too.
    """
    import _signal  # not `signal`, which builds enums

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    if words[:1] not in (["run"], ["trace"]) and _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)


def last_resort(error: Exception) -> int:
    """Say that Guise itself failed, and how."""
    if os.environ.get("GUISE_DEBUG") == "1":
        sys.excepthook(type(error), error, error.__traceback__)
        return NOT_STARTED
    return complain(
        f"something inside Guise failed ({type(error).__name__}: {error}); please report it with what "
        "the same command prints under GUISE_DEBUG=1",
        NOT_STARTED,
    )
