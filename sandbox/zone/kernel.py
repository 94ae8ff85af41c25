"""The host calls that make a zone, as functions that raise OSError.

Numbers are the kernel's own, from linux/sched.h, linux/mount.h, linux/prctl.h and linux/capability.h; a
test compares them with the headers.
"""

from __future__ import annotations

import os

from sandbox import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NEW_NAMESPACE = {
    "mount": 0x00020000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}  # fmt: skip

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2

AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, 0o2000000
MOVE_FROM_DESCRIPTOR, MOVE_TO_DESCRIPTOR = 0x4, 0x40  # MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH

ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 0x1, 0x2, 0x4, 0x8

RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_IN_ROOT = 0x01, 0x02, 0x10

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

CAPABILITIES = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
)  # fmt: skip
"""By number: CAPABILITIES[21] is CAP_SYS_ADMIN."""


def _checked(result: int, what: str = "") -> int:
    if result < 0:
        raise OSError(-result, os.strerror(-result), what or None)
    return result


def unshare(*kinds: str) -> None:
    """New namespaces of these kinds; a new pid namespace is for children only."""
    flags = 0
    for kind in kinds:
        flags |= NEW_NAMESPACE[kind]
    _checked(_core.lib.zone_unshare(flags))


def set_namespace(descriptor: int, kind: str) -> None:
    _checked(_core.lib.zone_setns(descriptor, NEW_NAMESPACE[kind]))


def mount(kind: str, target: str, flags: int = 0, data: str = "", source: str = "") -> None:
    """A new instance of file system `kind` at `target`."""
    _checked(
        _core.lib.zone_mount(
            os.fsencode(source or kind),
            os.fsencode(target),
            kind.encode(),
            flags,
            os.fsencode(data) if data else _core.ffi.NULL,
        ),
        target,
    )


def make_private(target: str) -> None:
    """No mount below `target` is passed on to other namespaces, nor taken from them."""
    _checked(
        _core.lib.zone_mount(b"none", os.fsencode(target), b"", MS_REC | MS_PRIVATE, _core.ffi.NULL), target
    )


def unmount(target: str) -> None:
    """Take it out of the tree; it goes when its last user has."""
    _checked(_core.lib.zone_umount(os.fsencode(target), MNT_DETACH), target)


def pivot_root(new_root: str, put_old: str) -> None:
    _checked(_core.lib.zone_pivot_root(os.fsencode(new_root), os.fsencode(put_old)))


def clone_tree(path: str, at: int = AT_FDCWD) -> int:
    """A descriptor of a copy of the mounts at and below `path`, attached nowhere."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | (0 if path else AT_EMPTY_PATH)
    return _checked(_core.lib.zone_open_tree(at, os.fsencode(path), flags), path)


def open_in_root(root: int, path: str, flags: int) -> int:
    """Open `path` as with the folder `root` for "/": no link, no "..", no mount leads out of it."""
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
    return _checked(_core.lib.zone_openat2(root, os.fsencode(path), flags | os.O_CLOEXEC, 0, resolve), path)


def attach(tree: int, target: str, at: int = AT_FDCWD) -> None:
    """Put a detached tree at `target`, which is looked up now and in this root."""
    flags = MOVE_FROM_DESCRIPTOR | (0 if target else MOVE_TO_DESCRIPTOR)
    _checked(_core.lib.zone_move_mount(tree, at, os.fsencode(target), flags), target)


def change_tree(tree: int, path: str = "", *, set: int = 0, clear: int = 0, recursive: bool = True) -> None:
    """Change attributes of the mounts at (and below) a tree's descriptor, or a path."""
    flags = (AT_RECURSIVE if recursive else 0) | (0 if path else AT_EMPTY_PATH)
    _checked(_core.lib.zone_set_mount(tree, os.fsencode(path), flags, set, clear), path)


def prctl(option: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> int:
    return _checked(_core.lib.zone_prctl(option, a, b, c, d))


def set_capabilities(mask: int) -> None:
    """Effective and permitted become `mask`, one bit per capability's number; none is inheritable."""
    _checked(_core.lib.zone_capset(mask, mask, 0))


def install_filter(program: bytes) -> None:
    """A seccomp filter: struct sock_filter instructions of 8 bytes each."""
    _checked(_core.lib.zone_filter(program, len(program) // 8))


def set_host_name(name: str) -> None:
    raw = name.encode()
    _checked(_core.lib.zone_sethostname(raw, len(raw)))


def loopback_up() -> None:
    """Bring up `lo` of this network namespace."""
    _checked(_core.lib.zone_loopback_up())


def write(path: str, text: str) -> None:
    """Tell the host's kernel something through one of its files, in one write.  Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def null_streams() -> None:
    """Let the standard streams give nothing and take everything, for this program and the next."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
    except OSError:  # a host without devices
        null = os.memfd_create("guise-null")
    for number in (0, 1, 2):
        os.dup2(null, number)
        os.set_inheritable(number, True)  # dup2 leaves `null` as it is where the two are one


def start_numbers_after(last: int) -> None:
    """The next process of this pid namespace gets a number above `last`."""
    try:
        write("/proc/sys/kernel/ns_last_pid", str(last))
    except OSError:  # a kernel without it, or a read-only /proc/sys
        _checked(_core.lib.zone_spend_pids(last))


def new_group() -> int:
    """A process group that can be joined, named after a child that has ended: collect that afterwards."""
    return _checked(_core.lib.zone_new_group())


@_core.ffi.def_extern()
def zone_work_apart(what: object) -> None:
    work, failures = _core.ffi.from_handle(what)
    try:
        work()
    except BaseException as error:
        failures.append(error)


def apart(work: Callable[[], None]) -> None:
    """Let `work` run in a child process, and wait for its end: as with fork(2), but in our own memory.

    Where it goes is the child's: namespaces, session, directory, open files; what it remembers is ours, as is
    what it raises.  What it forks is an orphan afterwards.  Each fork less saves copying Python's memory.
    """
    failures: list[BaseException] = []
    what = _core.ffi.new_handle((work, failures))
    _checked(_core.lib.zone_apart(what))
    if failures:
        raise failures[0]
