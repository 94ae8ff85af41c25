"""The single checks behind `guise doctor`.  Each tries the thing itself where that is harmless."""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_AT_HWCAP2, _HWCAP2_FSGSBASE = 26, 2
_NO_BINFMT = (
    "./program needs `guise run` in front, and a host program (sh, make) cannot start a guest by itself"
)
_REAP_SECONDS = 8.0
_MISSING_CORE = "reinstall Guise where a C compiler is installed"


@dataclass(frozen=True)
class Check:
    """One finding.

    state: "ok", "limited" or "missing".  cost and remedy are said when it is not "ok"; required: without
    it `guise run` does not work at all.
    """

    name: str
    state: str
    found: str
    cost: str = ""
    remedy: str = ""
    required: bool = False


def all_checks() -> list[Check]:
    return [
        processor(),
        runtime(),
        core(),
        syscall_user_dispatch(),
        fsgsbase(),
        ptrace(),
        yama(),
        seccomp(),
        user_namespaces(),
        sandbox(),
        overlayfs(),
        binfmt_misc(),
        kvm(),
        plan_cache(),
        init(),
        compiler(),
    ]


def processor() -> Check:
    machine = platform.machine()
    if machine == "x86_64":
        return Check("processor", "ok", f"{machine}, Linux {platform.release()}")
    return Check(
        "processor",
        "missing",
        machine,
        "guests are x86-64 programs and run on the bare processor",
        "use a machine with an x86-64 processor",
        required=True,
    )


def runtime() -> Check:
    from personality.supervisor import launch

    try:
        path = launch.runtime_path()
    except launch.LaunchError as error:
        return Check(
            "runtime",
            "missing",
            str(error),
            "no guest can be started",
            "python3 -m personality.build",
            required=True,
        )
    return Check("runtime", "ok", path)


def _core() -> ModuleType | None:
    try:
        from personality import _core as module
    except ImportError:
        return None
    return module


def core() -> Check:
    if _core() is not None:
        return Check("core extension", "ok", "personality._core can be imported")
    return Check(
        "core extension",
        "limited",
        "personality._core was not built",
        "no engine ptrace; guest memory is written through /proc, which ignores page protections",
        _MISSING_CORE,
    )


def syscall_user_dispatch() -> Check:
    module = _core()
    name = "syscall user dispatch"
    if module is not None:
        there = module.lib.core_probe_dispatch() == 0
    else:
        release = tuple(
            int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit()
        )
        there = release >= (5, 11)
    if there:
        return Check(name, "ok", "the kernel hands a guest's calls to the runtime")
    return Check(
        name,
        "missing",
        f"Linux {platform.release()} refuses prctl(PR_SET_SYSCALL_USER_DISPATCH)",
        "no guest can be run",
        "use Linux 5.11 or later, outside sandboxes that filter prctl",
        required=True,
    )


def fsgsbase() -> Check:
    with open("/proc/self/auxv", "rb") as file:
        auxv = dict(struct.iter_unpack("<QQ", file.read()))
    if auxv.get(_AT_HWCAP2, 0) & _HWCAP2_FSGSBASE:
        return Check("fsgsbase", "ok", "threads set their bases without a call")
    return Check(
        "fsgsbase",
        "limited",
        "the processor or the kernel does not offer it",
        "every switch between guest and runtime costs a system call more",
        "use Linux 5.9 or later without `nofsgsbase`",
    )


def ptrace() -> Check:
    module = _core()
    if module is None:
        return Check(
            "ptrace", "limited", "cannot be tried without the core", "no engine ptrace", _MISSING_CORE
        )
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    try:
        failed = -module.lib.core_seize(child, 0)
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)
    if failed <= 0:
        return Check("ptrace", "ok", "a child can be traced")
    return Check(
        "ptrace",
        "limited",
        os.strerror(failed),
        "no engine ptrace; engine native is not affected",
        "allow ptrace in the container (docker run --cap-add SYS_PTRACE)",
    )


def yama() -> Check:
    scope = _text("/proc/sys/kernel/yama/ptrace_scope")
    if scope in ("", "0", "1"):
        words = {"": "not in this kernel", "0": "off", "1": "on; guests name their supervisor as tracer"}
        return Check("yama", "ok", words[scope])
    return Check(
        "yama",
        "limited",
        f"ptrace_scope is {scope}",
        "no engine ptrace, and guest memory is out of the supervisor's reach",
        "sysctl kernel.yama.ptrace_scope=1",
    )


def seccomp() -> Check:
    actions = _text("/proc/sys/kernel/seccomp/actions_avail")
    if "errno" in actions:
        return Check("seccomp", "ok", f"actions: {actions}")
    return Check(
        "seccomp",
        "limited",
        "not in this kernel",
        "zones cannot filter system calls by number",
        "use a kernel with CONFIG_SECCOMP_FILTER",
    )


def user_namespaces() -> Check:
    name = "user namespaces"
    command = shutil.which("unshare")
    if command is None:
        possible = _text("/proc/sys/user/max_user_namespaces") not in ("", "0")
        why = "unshare(1) is not installed"
    else:
        done = subprocess.run(
            [command, "--user", "--map-root-user", "true"],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        possible = done.returncode == 0
        why = (done.stderr.strip().splitlines() or ["refused"])[-1]
    if possible:
        return Check(name, "ok", "an ordinary user can make sandboxes and zones")
    return Check(
        name,
        "limited",
        why,
        "sandboxes and zones need root",
        "sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces=15000 or "
        "kernel.apparmor_restrict_unprivileged_userns=0, whichever this system has",
    )


def sandbox() -> Check:
    """Tries the sandbox of `guise run`, as it would be made for this user here."""
    command = [sys.executable, "-m", "guise", "run", "--net", "host", "true"]
    root = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    if done.returncode == 0:
        return Check("sandbox", "ok", "guests can be kept from the host's files and processes")
    return Check(
        "sandbox",
        "limited",
        (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1].removeprefix("guise: "),
        "guests have all that their user has, and every run has to say --no-sandbox",
        "see user namespaces; in a container, allow them (docker run --security-opt seccomp=unconfined)",
    )


def overlayfs() -> Check:
    if _has_file_system("overlay"):
        return Check("overlayfs", "ok", "zones can share a base without copying it")
    return Check(
        "overlayfs",
        "limited",
        "not in this kernel, and no module for it",
        "a zone's writable root is a copy of its base",
        "modprobe overlay, or use a kernel with CONFIG_OVERLAY_FS",
    )


def binfmt_misc() -> Check:
    if os.path.exists("/proc/sys/fs/binfmt_misc/register"):
        return Check("binfmt_misc", "ok", "mounted: `sudo guise binfmt install` works")
    if _has_file_system("binfmt_misc"):
        return Check(
            "binfmt_misc",
            "limited",
            "in the kernel but not mounted",
            _NO_BINFMT,
            "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc, as root",
        )
    return Check(
        "binfmt_misc",
        "limited",
        "not in this kernel, and no module for it",
        _NO_BINFMT,
        "modprobe binfmt_misc, or use a kernel with CONFIG_BINFMT_MISC",
    )


def kvm() -> Check:
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return Check(
            "kvm",
            "limited",
            f"/dev/kvm: {(error.strerror or str(error)).lower()}",
            "the machine style is simulated only",
            "enable virtualization, modprobe kvm_intel or kvm_amd, join group kvm",
        )
    return Check("kvm", "ok", "/dev/kvm can be opened")


def plan_cache() -> Check:
    from loader.cache import default_directory

    directory = Path(default_directory())
    existing = directory
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if os.access(existing, os.W_OK | os.X_OK):
        return Check("plan cache", "ok", str(directory))
    return Check(
        "plan cache",
        "limited",
        f"{existing} cannot be written",
        "every start parses the program again: about a second",
        "set XDG_CACHE_HOME to a directory of your own",
    )


def init() -> Check:
    """Whether somebody collects orphans: a run's supervisor is one when it ends."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        orphan = os.fork()
        if orphan:
            os.write(writer, str(orphan).encode())
        os._exit(0)
    os.waitpid(middle, 0)
    orphan = int(os.read(reader, 32))
    os.close(reader)
    os.close(writer)
    deadline = time.monotonic() + _REAP_SECONDS
    while os.path.exists(f"/proc/{orphan}") and time.monotonic() < deadline:
        time.sleep(0.01)
    if not os.path.exists(f"/proc/{orphan}"):
        return Check("init process", "ok", "orphans are collected")
    return Check(
        "init process",
        "limited",
        f"process 1 ({_text('/proc/1/comm')}) does not collect orphans",
        "each run leaves one defunct process until the container ends",
        "start the container with an init: docker run --init",
    )


def compiler() -> Check:
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path:
            return Check("C compiler", "ok", path)
    return Check(
        "C compiler",
        "limited",
        "none in PATH",
        "Guise cannot be built from source; an installed one runs without",
        "apt-get install gcc libc6-dev",
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _has_file_system(name: str) -> bool:
    listed = {line.split()[-1] for line in _text("/proc/filesystems").splitlines() if line}
    if name in listed:
        return True
    modules = Path("/lib/modules") / platform.release()
    return any(f"/{name}.ko" in line for line in _text(str(modules / "modules.dep")).splitlines())
