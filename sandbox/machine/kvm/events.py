"""What an exit costs here: measured on this processor through /dev/kvm, beside published round trips.

Each event is a loop in the guest that does nothing else; what Python's own loop and an ioctl that does
nothing cost is measured as well and taken off.  Medians of batches, in seconds.
"""

from __future__ import annotations

import fcntl
import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox.machine.kvm import interface as kvm
from sandbox.machine.kvm.machine import Machine
from sandbox.machine.kvm.writer import CODE, FIRST, Writer

BATCH, BATCHES = 200, 15
IO_PRIVILEGE = 3 << 12
# The published hardware round trips, in cycles (Agesen et al. 2012, M).
PUBLISHED = {
    "Prescott": 3963, "Merom": 1579, "Penryn": 1266, "Nehalem": 1009, "Westmere": 761, "Sandy Bridge": 784,
}  # fmt: skip

PORT_LOOP = bytes.fromhex("e6e9ebfc")  # again: out 0xe9, al; jmp again
MMIO_LOOP = bytes.fromhex("8907ebfc")  # again: mov [rdi], eax; jmp again
READ_LOOP = bytes.fromhex("8b07ebfc")  # again: mov eax, [rdi]; jmp again
BEYOND = 0x3000_0000  # an address without memory
INSIDE = 4000  # how often a counted loop goes round before it leaves
FRESH = 32 << 20  # the memory of a machine whose pages are touched for the first time
# Loops that stay in the guest, or in the kernel: (name, what, body).  rdi starts at fresh memory.
COUNTED = (
    (
        "first touch",
        "a page that the machine does not have yet: nested or shadow fault",
        "48ff074881c700100000",
    ),
    ("cpuid", "CPUID: an exit that the kernel serves, where KVM intercepts it", "89ce0fa289f1"),
    ("hypercall", "VMCALL from ring 3: refused by the kernel, without an exit to the program", "0f01c1"),
)


@dataclass(frozen=True)
class Measured:
    """One event: seconds each, and what it is."""

    name: str
    what: str
    seconds: float


def measure() -> list[Measured]:
    """Measure every event.  Raises NoKvm."""
    found = [_nothing()]
    floor = found[0].seconds
    for name, what, code, registers in (
        ("port write", "OUT: an exit to the program, and back", PORT_LOOP, {}),
        (
            "memory-mapped write",
            "a store where there is no memory: exit, decoding, and back",
            MMIO_LOOP,
            {"rdi": BEYOND},
        ),
        ("memory-mapped read", "a load where there is no memory", READ_LOOP, {"rdi": BEYOND}),
    ):
        with Machine(2 * FIRST) as machine:
            _load(machine, code, registers)
            found.append(Measured(name, what, _median(partial(_runs, machine)) - floor))
    for name, what, body in COUNTED:
        inside = _counted(bytes.fromhex(body))
        if inside is not None:
            found.append(Measured(name, what, inside))
    with Machine(2 * FIRST) as machine:
        _load(machine, bytes.fromhex("ebfe"), {})
        machine.stop_soon()
        seconds = _median(partial(_runs, machine)) - floor
        found.append(Measured("entry refused", "KVM_RUN that leaves before the guest is entered", seconds))
    return found


def _counted(body: bytes) -> float | None:
    """Seconds of one round of `body`; None when the guest cannot do it on this KVM."""
    loop = body + b"\xff\xc9" + bytes([0x75, 256 - len(body) - 4]) + b"\xe6\xe9"  # dec ecx; jne; out
    times = []
    for _ in range(BATCHES):
        with Machine(FRESH) as machine:
            Writer(2 * FIRST, 1, 1).start(machine)
            machine.memory[CODE : CODE + len(loop)] = loop
            registers = {"rcx": INSIDE, "rdi": 2 * FIRST}
            machine.load_long_mode(0x1000, CODE, registers, 2 | IO_PRIVILEGE)
            begun = time.perf_counter()
            exit_ = machine.run()
            times.append((time.perf_counter() - begun) / INSIDE)
            if exit_.reason != "io":
                return None
    return statistics.median(times)


def _load(machine: Machine, code: bytes, registers: Mapping[str, int]) -> None:
    Writer(2 * FIRST, 1, 1).start(machine)
    machine.memory[CODE : CODE + len(code)] = code
    machine.load_long_mode(0x1000, CODE, registers, 2 | IO_PRIVILEGE)


def _runs(machine: Machine) -> None:
    for _ in range(BATCH):
        machine.run()


def _nothing() -> Measured:
    """What the loop costs when the kernel does next to nothing."""
    with Machine(2 * FIRST) as machine:
        system = machine.descriptor
        seconds = _median(lambda: [fcntl.ioctl(system, kvm.GET_API_VERSION) for _ in range(BATCH)])
    return Measured("ioctl", "an ioctl that does nothing: taken off the others", seconds)


def _median(batch: Callable[[], object]) -> float:
    batch()
    times = []
    for _ in range(BATCHES):
        begun = time.perf_counter()
        batch()
        times.append((time.perf_counter() - begun) / BATCH)
    return statistics.median(times)


def hertz() -> float | None:
    """This processor's cycles per second as /proc/cpuinfo says; None when it does not."""
    found = re.search(r"^cpu MHz\s*:\s*([\d.]+)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return float(found.group(1)) * 1e6 if found else None


def below() -> str:
    """What this KVM stands on: the processor's own assist, or software."""
    flags = Path("/proc/cpuinfo").read_text()
    if re.search(r"^flags\s*:.*\b(vmx|svm)\b", flags, re.MULTILINE):
        nested = " within another virtual machine" if re.search(r"\bhypervisor\b", flags) else ""
        return f"hardware assist{nested}"
    return "no hardware assist: KVM deprivileges the guest itself (PVM)"
