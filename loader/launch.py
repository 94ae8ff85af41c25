"""From an open file to the answer that the supervisor gives: for a first start and for every execve.

The warm path is one fstat, one access check, one open and one small read.  Modules that it does not need
are imported where they are needed: a plan that is found imports not even the ELF header reader.
"""

from __future__ import annotations

import os

from .cache import PlanCache, changed_this_tick, in_memory, key_of, wait_for_next_tick
from .errors import LoadError, from_os_error
from .result import HOST_KERNEL, GuestImage, HostProgram, PlanResult, Script
from .source import Source

TYPE_CHECKING = False  # importing typing costs more than the rest of this module
if TYPE_CHECKING:
    from .identify import Identity

# Proper names, where capitalising is not enough.
KERNEL_NAMES = {
    "aix": "AIX", "darwin": "macOS", "dragonfly": "DragonFly BSD", "freebsd": "FreeBSD", "hpux": "HP-UX",
    "hurd": "GNU/Hurd", "irix": "IRIX", "linux": "Linux", "netbsd": "NetBSD", "openbsd": "OpenBSD",
    "openvms": "OpenVMS", "plan9": "Plan 9", "cloudabi": "CloudABI",
}  # fmt: skip


def kernel_name(kernel: str) -> str:
    """A kernel's proper name for messages."""
    return KERNEL_NAMES.get(kernel, kernel if " " in kernel else kernel.capitalize())


def plan_for(
    fd: int,
    path: str,
    *,
    personalities: frozenset[str] = frozenset({"freebsd"}),
    assume: str = "",
    interpreter_of: str = "",
    rules: str = HOST_KERNEL,
    cache: PlanCache | None = None,
) -> PlanResult:
    """What to do with the program that `fd` is open on; `path` is for messages only.

    personalities: guest kernels that there is a runtime for.
    assume: run it as a program of this kernel, whatever it says of itself.
    interpreter_of: the file is the PT_INTERP of a program of this kernel, so it shares its brand.
    rules: the kernel whose rules for `#!` apply: that of the process which calls execve.
    cache: where plans are kept; None: the user's own cache folder.

    Raises LoadError, with the errno that a guest's execve must fail with.
    """
    source = Source(fd, path)
    source.require_executable()
    cache = cache or PlanCache()
    key = key_of(source.status, _variant(assume, interpreter_of))
    found = cache.get(key)
    if found is not None:
        plan_fd, summary = found
        if summary.personality in personalities:
            return GuestImage(plan_fd, summary.interpreter, summary.personality, summary.release)
        os.close(plan_fd)
    from .identify import SCRIPT, identify

    identity = identify(source, rules)
    if identity.kind == SCRIPT and not interpreter_of:
        return Script(identity.interpreter, identity.argument)
    if identity.is_host_program and not assume and not interpreter_of:
        return HostProgram()
    if changed_this_tick(source.status):
        wait_for_next_tick(source.status)
        identity = identify(source, rules)
    kernel = _guest_kernel(path, identity, personalities, assume or interpreter_of, bool(interpreter_of))
    # Kernels do not look at an interpreter's own PT_INTERP.
    interpreter = "" if interpreter_of else identity.interpreter
    release = identity.release if identity.kernel == kernel else 0
    try:
        plan = _make_plan(source, identity, interpreter, kernel, release)
        if key_of(os.fstat(fd), _variant(assume, interpreter_of)) != key:
            raise LoadError(f"{path}: changed while it was being read", "ETXTBSY")
        plan_fd = in_memory(plan) if changed_this_tick(source.status) else cache.put(key, plan)
    except OSError as error:
        raise from_os_error(path, error) from None
    return GuestImage(plan_fd, interpreter, kernel, release)


def _variant(assume: str, interpreter_of: str) -> str:
    """What else the plan depends on, as a part of a file name."""
    kind = f"-interpreter-{interpreter_of}" if interpreter_of else ""
    return f"{kind}-as-{assume}".replace("/", "_") if assume else kind


def _guest_kernel(
    path: str, identity: Identity, personalities: frozenset[str], told: str, is_interpreter: bool
) -> str:
    """The kernel whose program this is. Raises LoadError if nothing here can play that kernel."""
    from .identify import ELF, SCRIPT

    if identity.kind != ELF or identity.header is None:
        if identity.kind == SCRIPT:
            raise LoadError(f"{path}: a script cannot be the interpreter of an ELF program")
        name = kernel_name(identity.kernel)
        machine = identity.machine
        raise LoadError(f"{path}: a {identity.kind} program for {name} ({machine}); none such can be run")
    kernel = told or identity.kernel
    name = kernel_name(kernel)
    if kernel not in personalities:
        raise LoadError(f"{path}: a program for {name}; there is no such personality ({identity.evidence})")
    if identity.bits != 64 or identity.machine != "x86-64":
        what = f"{identity.bits}-bit {name} program ({identity.machine})"
        raise LoadError(f"{path}: a {what}; only x86-64 ones can be run")
    if is_interpreter and identity.kernel not in (kernel, HOST_KERNEL):
        other = kernel_name(identity.kernel)
        raise LoadError(f"{path}: made for {other}, so not the interpreter of a {name} program")
    return kernel


def _make_plan(source: Source, identity: Identity, interpreter: str, kernel: str, release: int) -> bytes:
    """The bytes of a plan that is not in the cache."""
    from .elf import elf_image
    from .plan import make_plan

    assert identity.header is not None
    return make_plan(elf_image(source, identity.header, interpreter), kernel, release).to_bytes()
