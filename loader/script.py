"""The `#!` line, read as the kernel that executes it would.

Kernels differ in how much of the line they look at and in what ends it, and a script that works at
home must get the same interpreter and the same single argument here.  FreeBSD's rules are those of
sys/kern/imgact_shell.c (the first page; the line must end within it), Linux's those of
fs/binfmt_script.c (256 bytes; the end of the file ends the line too).
"""

from __future__ import annotations

from .errors import LoadError

LINUX_BUFFER = 256  # BINPRM_BUF_SIZE; the last byte can hold the newline, but nothing else that counts
FREEBSD_LINE = 4096  # MAXSHELLCMDLEN is a page
FREEBSD_PATH = 1024  # MAXINTERP
BLANK = b" \t"


def parse_script(path: str, start: bytes, rules: str) -> tuple[str, str | None]:
    """(interpreter, its one argument or None) of a file that starts with `start`, b"#!..." .

    rules: the kernel that executes it; "linux", and every other one is taken to be a BSD.
    Raises LoadError: ENOEXEC, or ENAMETOOLONG from a BSD where the interpreter's path is too long.
    """
    interpreter, argument = _linux_line(path, start) if rules == "linux" else _bsd_line(path, start)
    decoded = interpreter.decode("utf-8", "surrogateescape")
    return decoded, None if argument is None else argument.decode("utf-8", "surrogateescape")


def _bsd_line(path: str, start: bytes) -> tuple[bytes, bytes | None]:
    window = start[2:FREEBSD_LINE]
    ends = [at for at in (window.find(b"\n"), window.find(b"\0")) if at >= 0]
    line = window[: min(ends)] if ends else window
    text = line.lstrip(BLANK)
    interpreter, argument = _split_at_blank(text)
    if not interpreter:
        raise _no_interpreter(path)
    if len(interpreter) >= FREEBSD_PATH:
        raise LoadError(f"{path}: the path of its interpreter is too long", "ENAMETOOLONG")
    if not ends:
        raise LoadError(f"{path}: its #! line does not end")
    return interpreter, argument.rstrip(BLANK) if argument else None


def _linux_line(path: str, start: bytes) -> tuple[bytes, bytes | None]:
    window = start[:LINUX_BUFFER]
    # The kernel's buffer is zero filled, so a shorter file ends in a NUL as if it were written there.
    before_nul = window.partition(b"\0")[0]
    newline = before_nul.find(b"\n")
    if newline >= 0:
        line = before_nul[2:newline].rstrip(BLANK)
    else:
        line = before_nul[2 : LINUX_BUFFER - 1]
        if len(before_nul) == LINUX_BUFFER:
            # No end in sight: good enough only if the path itself is complete.
            text = before_nul[2:].lstrip(BLANK)
            if text and not any(byte in BLANK for byte in text):
                raise LoadError(f"{path}: the path of its interpreter is too long")
            line = line.rstrip(BLANK)
    interpreter, argument = _split_at_blank(line.lstrip(BLANK))
    if not interpreter:
        raise _no_interpreter(path)
    return interpreter, argument


def _split_at_blank(text: bytes) -> tuple[bytes, bytes | None]:
    """The first word, and what follows the blanks behind it, None without blanks.

    Linux passes an empty argument where a blank is followed by the end of the file.
    """
    end = next((at for at, byte in enumerate(text) if byte in BLANK), len(text))
    return text[:end], text[end:].lstrip(BLANK) if end < len(text) else None


def _no_interpreter(path: str) -> LoadError:
    return LoadError(f"{path}: its #! line names no interpreter")
