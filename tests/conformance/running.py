"""Building and running the conformance programs of one kernel: their output is TAP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from syscalls import load
from syscalls import proofs as stored
from tests.conformance import proofs
from tests.guest_c import build_guest

HERE = Path(__file__).parent


class Programs:
    """The programs of tests/conformance/<kernel>/, each built when it is first wanted."""

    def __init__(self, kernel: str, folder: Path) -> None:
        self.kernel = kernel
        self._folder = folder
        self._built: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """The built program of that name."""
        if name not in self._built:
            source = HERE / self.kernel / f"{name}.c"
            self._built[name] = build_guest(source, self._folder / name, self.kernel)
        return self._built[name]

    def check(self, name: str, folder: Path) -> None:
        """Run it in `folder` on engine native; each of its checks must hold."""
        judge([sys.executable, "-m", "guise", "run", str(self.path(name))], folder)

    def check_what_it_proves(self, name: str, folder: Path) -> None:
        """Run it on engine ptrace, and compare the calls that it checks with those it is said to prove."""
        recorded = folder / "calls.guise"
        judge(proofs.command(self.path(name), recorded, "ptrace"), folder)
        abi = load(self.kernel)
        seen = proofs.read(recorded, abi).checked()
        claimed = [call for call, proof in stored.load(self.kernel).items() if name in proof.programs]
        missing = [call for call in claimed if abi.calls[call].number not in seen]
        assert not missing, f"{proofs.REMEDY} {self.kernel}: {name} does not check {', '.join(missing)}"


def judge(command: list[str], folder: Path) -> None:
    """Raises AssertionError with the lines of the checks that failed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    passed = [line for line in lines if line.startswith("ok ")]
    assert f"1..{len(passed)}" in lines, f"stopped early: {lines[-3:]} {done.stderr}"
    assert passed
