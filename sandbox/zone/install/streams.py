"""Reading an archive from its beginning to its end: uncompressed, counted, and with a digest of it."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import shutil
import subprocess
from collections.abc import Callable
from typing import IO, cast

from sandbox.zone import ZoneError

_MOST_AT_ONCE = 1 << 24
"""Longer than any header: a name of a gigabyte is an attack."""

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Counted(io.RawIOBase):
    """A file that is read once, `size` bytes of it, with its digest; tells how far it is."""

    def __init__(self, file: IO[bytes], size: int, told: Callable[[int], None], digest: str = "") -> None:
        super().__init__()
        self._file = file
        self._left = size
        self._told = told
        self.done = 0
        self._digest = hashlib.new(digest) if digest else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._file.read(min(len(buffer), self._left))
        buffer[: len(block)] = block
        self._left -= len(block)
        self.done += len(block)
        if self._digest is not None:
            self._digest.update(block)
        if block:
            self._told(self.done)
        return len(block)

    def drain(self) -> str:
        """Read what is left; the digest of everything, in hexadecimal."""
        while self.read(1 << 20):
            pass
        return self._digest.hexdigest() if self._digest is not None else ""


class Forward:
    """What tarfile reads from: it may seek, forwards only, and may not ask for too much at once."""

    def __init__(self, file: IO[bytes], digest: str = "") -> None:
        self._file = file
        self._at = 0
        self._digest = hashlib.new(digest) if digest else None

    def tell(self) -> int:
        return self._at

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            raise ValueError("it has a header that is too long")
        block = self._file.read(size)
        self._at += len(block)
        if self._digest is not None:
            self._digest.update(block)
        return block

    def seek(self, position: int) -> int:
        if position < self._at:
            raise ValueError("one of its entries begins before the one in front of it")
        while self._at < position:
            if not self.read(min(position - self._at, 1 << 20)):
                raise EOFError("it ends in the middle of a file")
        return self._at

    def drain(self) -> str:
        while self.read(1 << 20):
            pass
        return self._digest.hexdigest() if self._digest is not None else ""


def compression(beginning: bytes) -> str:
    """ "gzip", "xz", "bzip2", "zstd" or "" by a file's first bytes."""
    return next((name for magic, name in MAGIC.items() if beginning.startswith(magic)), "")


class Plain:
    """The uncompressed content of a stream.  Use it in a `with`: a helper program may be running."""

    def __init__(self, raw: Counted, where: str) -> None:
        self._helper: subprocess.Popen[bytes] | None = None
        buffered = io.BufferedReader(raw, 1 << 18)
        kind = compression(buffered.peek(8)[:8])
        self.kind = kind
        if kind == "gzip":
            self.file = cast(IO[bytes], gzip.GzipFile(fileobj=buffered))
        elif kind == "xz":
            self.file = cast(IO[bytes], lzma.LZMAFile(buffered))
        elif kind == "bzip2":
            self.file = cast(IO[bytes], bz2.BZ2File(buffered))
        elif kind == "zstd":
            self.file = self._zstandard(cast(IO[bytes], buffered), where)
        else:
            self.file = buffered
        self._buffered = buffered

    def _zstandard(self, source: IO[bytes], where: str) -> IO[bytes]:
        """Python has no zstandard before 3.14: the program of that name reads it."""
        if shutil.which("zstd") is None:
            raise ZoneError(
                f"{where} is compressed with zstandard: install zstd (Debian: apt-get install zstd)"
            )
        import threading

        self._helper = subprocess.Popen(
            ["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        feed = self._helper.stdin

        def hand_on() -> None:
            try:
                shutil.copyfileobj(source, feed, 1 << 18)
            except (BrokenPipeError, ValueError):
                return  # it found the archive damaged, or nobody wants the rest: its status says which
            finally:
                with contextlib.suppress(BrokenPipeError):
                    feed.close()

        self._feeder = threading.Thread(target=hand_on, daemon=True)
        self._feeder.start()
        return self._helper.stdout

    def finish(self) -> None:
        """Raises EOFError where the helper could not read all of it."""
        if self._helper is not None:
            self._feeder.join()
            if self._helper.wait() != 0:
                raise EOFError("its compressed data are damaged")

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        if self._helper is not None:
            self._helper.kill()
            self._helper.wait()
            self._feeder.join()
            assert self._helper.stdout is not None
            self._helper.stdout.close()
