"""Attempts by a Linux program: as a guest, executed by the host, in the sandbox alone; none gets out."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Host, Launch, outcomes

ALWAYS = (
    "mount_tmpfs", "mount_bind", "fs_open", "open_tree_clone", "chroot_out", "secret_itself",
    "secret_by_link",
    "shm_folder", "write_passwd", "chmod_passwd", "chmod_device", "new_mount_space", "new_net_space",
    "signal_host",
    "trace_host", "handle_of_host", "limits_of_host", "shared_memory", "packet_socket",
    "bounding_admin", "gain_new_rights", "mount_by_tracer", "mount_by_high_bits",
)  # fmt: skip
"""What root outside of a sandbox gets away with on any host where these tests run."""


@pytest.mark.parametrize("how", ["guise", "native", "bare"])
def test_no_attempt_gets_out(launch: Launch, attempts: Path, host: Host, how: str) -> None:
    found = outcomes(launch(how, attempts, host.secret, host.pid, host.key))
    assert len(found) >= 130
    assert {name: what for name, what in found.items() if not what.startswith("E")} == {}
    assert os.path.exists(host.secret)


def test_the_same_attempts_succeed_outside(attempts: Path, host: Host, tmp_path: Path) -> None:
    """In namespaces of its own, so that nothing of it stays."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare (util-linux)")
    own = [str(attempts), host.secret, str(host.pid), str(host.key), "control"]
    done = subprocess.run(
        ["unshare", "--mount", "--uts", "--net", *own], capture_output=True, text=True, check=False,
        cwd=tmp_path, timeout=200,
    )  # fmt: skip
    found = outcomes(done)
    assert {name: found[name] for name in ALWAYS if found[name] != "escaped"} == {}
    assert sum(what == "escaped" for what in found.values()) >= 45
