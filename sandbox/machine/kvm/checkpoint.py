"""A stopped guest in a file, and back: pages that hold something, the processor's state, a digest over all.

The file is written beside its name, synced, and renamed: a crash leaves the old one or the new one,
never half of either.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sandbox.machine.kvm.machine import Machine, Snapshot

PAGE = 4096
MAGIC = b"GUISECP1"
HEADER = struct.Struct(
    "<8sQII32s"
)  # magic, memory, pages stored, size of the state, SHA-256 of memory and state
EMPTY = bytes(PAGE)


class BadCheckpoint(RuntimeError):
    """A file that is no checkpoint, is damaged, or cannot be written: one sentence that names it."""


def _digest(memory: memoryview, state: bytes) -> bytes:
    return hashlib.sha256(state + hashlib.sha256(memory).digest()).digest()


def save(machine: Machine, path: Path) -> int:
    """Write a stopped machine to `path`; bytes written.  Raises BadCheckpoint when that fails."""
    if path.exists() and not path.is_file():
        raise BadCheckpoint(f"{path} is there, and is no file that could be replaced")
    state = machine.snapshot().pack()
    with memoryview(machine.memory) as memory:
        numbers = [at for at in range(len(memory) // PAGE) if memory[PAGE * at : PAGE * (at + 1)] != EMPTY]
        header = HEADER.pack(MAGIC, len(memory), len(numbers), len(state), _digest(memory, state))
        try:
            return _write(path, _pieces(header, state, numbers, memory))
        except OSError as error:
            raise BadCheckpoint(f"{path} cannot be written: {error.strerror}") from None


def _pieces(header: bytes, state: bytes, numbers: list[int], memory: memoryview) -> Iterator[bytes]:
    yield header + state + struct.pack(f"<{len(numbers)}I", *numbers)
    for number in numbers:
        yield bytes(memory[PAGE * number : PAGE * (number + 1)])


def _write(path: Path, pieces: Iterator[bytes]) -> int:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            written = sum(file.write(piece) for piece in pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
        return written
    except BaseException:
        os.unlink(name)
        raise


def load(path: Path) -> Machine:
    """A machine as it was saved, stopped.  Raises BadCheckpoint, NoKvm."""
    if path.exists() and not path.is_file():
        raise BadCheckpoint(f"{path} is no file")
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read: {error.strerror}") from None


def _read(path: Path, file: BinaryIO) -> Machine:
    header = file.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(MAGIC):
        raise BadCheckpoint(f"{path} is no checkpoint of a machine")
    _, size, stored, state_size, digest = HEADER.unpack(header)
    if size % PAGE or not 0 < size <= 1 << 36 or stored > size // PAGE or state_size > 1 << 16:
        raise BadCheckpoint(f"{path} is damaged: its header says what cannot be")
    state = _exactly(path, file, state_size)
    numbers = struct.unpack(f"<{stored}I", _exactly(path, file, 4 * stored))
    machine = Machine(size)
    try:
        for number in numbers:
            if PAGE * (number + 1) > size:
                raise BadCheckpoint(f"{path} is damaged: page {number} lies outside the memory")
            machine.memory[PAGE * number : PAGE * (number + 1)] = _exactly(path, file, PAGE)
        with memoryview(machine.memory) as memory:
            if _digest(memory, state) != digest:
                raise BadCheckpoint(f"{path} is damaged: its contents do not have the digest that it states")
        machine.restore(Snapshot.unpack(state))
    except ValueError as error:
        machine.close()
        raise BadCheckpoint(f"{path} is damaged: {error}") from None
    except BaseException:
        machine.close()
        raise
    return machine


def _exactly(path: Path, file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise BadCheckpoint(f"{path} is damaged: it ends {size - len(data)} bytes too early")
    return data
