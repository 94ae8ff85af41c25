"""What a program sees as its file system, built in a mount namespace of its own.

Everything of the host that is to appear is first taken as a detached copy, with its flags; then the root
becomes what it shall be; then the copies are attached where paths lead *in that root*, so that a symbolic
link in it can lead nowhere else.  Nothing is mounted that the host can see, and all of it goes with the
namespace's last process.
"""

from __future__ import annotations

import errno
import os
import stat

from sandbox.zone import ZoneError, kernel, reason

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
PROC_READ_ONLY = ("sys", "bus", "fs", "irq", "sysrq-trigger", "asound")
PROC_HIDDEN = (
    "acpi", "scsi", "kcore", "keys", "key-users", "timer_list", "sched_debug", "latency_stats",
    "kpagecount", "kpageflags", "kpagecgroup", "kallsyms", "vmallocinfo", "slabinfo", "pagetypeinfo",
)  # fmt: skip
_SAFE = kernel.MS_NOSUID | kernel.MS_NODEV


class Share:
    """A file or folder of the host at `source` that appears as `target`, with what is mounted below it."""

    __slots__ = ("devices", "source", "target", "writable")

    def __init__(self, source: str, target: str, *, writable: bool, devices: bool = False) -> None:
        self.source = source
        self.target = target
        self.writable = writable
        self.devices = devices


class View:
    """A file system to be made of the host's.

    root      the host's folder that becomes "/", read-only unless `writable`
    lower     a folder that is seen in it where it has nothing of its own; `work`: a folder for that
    shares    what else appears; a deeper target covers a higher one
    scratch   folders that become empty and writable, and are gone afterwards
    terminal  show the host's terminals, so that standard input keeps its name
    powerful  the program is the host's root: keep it from the kernel's knobs in /proc
    devices   what appears in /dev besides DEVICES
    """

    __slots__ = (
        "devices", "lower", "powerful", "root", "scratch", "shares", "terminal", "work", "writable",
    )  # fmt: skip

    def __init__(
        self,
        root: str = "/",
        *,
        shares: tuple[Share, ...] = (),
        scratch: tuple[str, ...] = (),
        terminal: bool = False,
        powerful: bool = True,
        writable: bool = False,
        lower: str = "",
        work: str = "",
        devices: tuple[str, ...] = (),
    ) -> None:
        self.root = root
        self.shares = shares
        self.scratch = scratch
        self.terminal = terminal
        self.powerful = powerful
        self.writable = writable
        self.lower = lower
        self.work = work
        self.devices = devices


class _Tree:
    """A detached copy that waits for its place."""

    __slots__ = ("descriptor", "folder", "target")

    def __init__(self, source: str, target: str, attributes: int) -> None:
        try:
            self.descriptor = kernel.clone_tree(source)
            self.folder = stat.S_ISDIR(os.stat(source).st_mode)
            if attributes:
                kernel.change_tree(self.descriptor, set=attributes)
        except OSError as error:
            raise ZoneError(f"{source} cannot be shared: {reason(error)}") from None
        self.target = target

    def attach(self) -> None:
        try:
            kernel.attach(self.descriptor, self.target)
        except OSError as error:
            raise ZoneError(f"nothing can be mounted at {self.target}: {reason(error)}") from None
        os.close(self.descriptor)


def furnish(view: View) -> None:
    """Build it in this process's mount namespace, which must be its own.  Raises ZoneError."""
    try:
        _furnish(view)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise ZoneError(f"the file system of the sandbox cannot be built: {place}{reason(error)}") from None


def _furnish(view: View) -> None:
    shares = [_share(share) for share in view.shares]
    # Read-only for what is the host's own, owner and mode; what is written to a device passes.
    locked = kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC | kernel.ATTR_RDONLY
    devices = [
        _Tree(f"/dev/{name}", f"/dev/{name}", locked) for name in DEVICES if os.path.exists(f"/dev/{name}")
    ]
    devices += [_Tree(path, path, kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC) for path in view.devices]
    shown = kernel.ATTR_NOSUID | kernel.ATTR_RDONLY  # others' terminals are there too: no new owner or mode
    terminals = _Tree("/dev/pts", "/dev/pts", shown) if view.terminal else None
    processes = _Tree("/proc", "/proc", 0)
    nothing = _Tree("/dev/null", "", kernel.ATTR_NODEV) if view.powerful else None
    targets = ["/proc", "/dev", *view.scratch, *(tree.target for tree in shares)]
    if view.lower:
        _overlay(view)
    missing = not view.writable and any(not _has_top(view.root, target) for target in targets)
    _take_root(view.root, missing, writable=view.writable)
    _attach(processes)
    if nothing is not None:
        _restrict_proc(nothing.descriptor)
    _make_dev(devices, terminals, writable=view.writable)
    everything = [(target, None) for target in view.scratch] + [(tree.target, tree) for tree in shares]
    for target, tree in sorted(everything, key=lambda entry: entry[0].count("/") if entry[0] != "/" else 0):
        if tree is None:
            mount_point(target, folder=True)
            kernel.mount("tmpfs", target, _SAFE, "mode=1777")
        else:
            _attach(tree)


def _share(share: Share) -> _Tree:
    attributes = 0 if share.writable else kernel.ATTR_RDONLY
    if not share.devices:
        attributes |= kernel.ATTR_NODEV
    return _Tree(share.source, share.target, attributes)


def _overlay(view: View) -> None:
    """Put the view's root over its lower folder."""
    layers = []
    for name, path in (("lower", view.lower), ("upper", view.root), ("work", view.work)):
        folder = os.open(path, os.O_PATH | os.O_DIRECTORY)  # by number: a path may hold what options mean
        layers.append((name, folder))
    try:
        options = ",".join(f"{name}dir=/proc/self/fd/{folder}" for name, folder in layers)
        kernel.mount("overlay", view.root, 0, options + ("" if view.powerful else ",userxattr"))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise ZoneError(
            f"{view.root} cannot lie over {view.lower}: its file system keeps no overlay's changes, "
            f"being one itself perhaps, as in a container; keep the zones on another (GUISE_ZONES=FOLDER)"
        ) from None
    finally:
        for _, folder in layers:
            os.close(folder)


def _take_root(root: str, missing: bool, *, writable: bool = False) -> None:
    """`missing`: folders have to be made in it for what is to be mounted there."""
    attributes = kernel.ATTR_NODEV | (0 if writable else kernel.ATTR_RDONLY)
    if root == "/":
        kernel.change_tree(kernel.AT_FDCWD, "/", set=attributes)
        return
    if missing:
        _make_skeleton(root, attributes)
    else:
        tree = _Tree(root, root, attributes)
        tree.attach()
    os.chdir(root)
    try:
        kernel.pivot_root(".", ".")
        kernel.unmount(".")
    except OSError:
        # The host's own root is an initial RAM disk's: it cannot be put aside, but it is covered.
        os.chroot(".")
    os.chdir("/")


def _has_top(root: str, target: str) -> bool:
    return os.path.lexists(os.path.join(root, target.split("/")[1]))


def _make_skeleton(root: str, attributes: int) -> None:
    """Put a folder of memory in the place of `root`, with all that is in it; more can be made there."""
    with os.scandir(root) as entries:
        links = {entry.path: os.readlink(entry.path) for entry in entries if entry.is_symlink()}
    trees = [
        _Tree(path, path, attributes) for name in os.listdir(root) if (path := f"{root}/{name}") not in links
    ]
    kernel.mount("tmpfs", root, _SAFE, "mode=755")
    for path, leads_to in links.items():
        os.symlink(leads_to, path)
    for tree in trees:
        _attach(tree)


def _attach(tree: _Tree) -> None:
    mount_point(tree.target, folder=tree.folder)
    tree.attach()


def mount_point(path: str, *, folder: bool) -> None:
    """Make sure that something can be mounted at `path`, without a change to what is the host's.

    Where it is missing it is made, in a cover over the deepest folder that is there.  Raises ZoneError.
    """
    try:
        there = os.stat(path)
    except FileNotFoundError:
        _make(path, folder=folder)
        return
    except NotADirectoryError:
        raise ZoneError(f"nothing can be mounted at {path}: what should be its folder is a file") from None
    if stat.S_ISDIR(there.st_mode) != folder:
        is_there, wanted = ("a file", "folder") if folder else ("a folder", "file")
        raise ZoneError(
            f"nothing can be mounted at {path}: it is {is_there}, and a {wanted} is to appear there"
        )


def _make(path: str, *, folder: bool) -> None:
    base = os.path.dirname(path)
    missing = [path]
    while not os.path.isdir(base):
        if os.path.lexists(base):
            raise ZoneError(f"nothing can be mounted at {path}: {base} is no folder")
        missing.append(base)
        base = os.path.dirname(base)
    if os.statvfs(base).f_flag & os.ST_RDONLY:
        _cover(base)
    for name in reversed(missing[1:]):
        os.mkdir(name, 0o755)
    if folder:
        os.mkdir(path, 0o755)
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))


def _cover(folder: str) -> None:
    """Put an overlay over a folder that may not be changed: what is added is seen, and goes with the view."""
    below = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.mount("tmpfs", folder, _SAFE, "mode=755")
    above = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in ("upper", "work"):
            os.mkdir(name, 0o755, dir_fd=above)
        layers = f"lowerdir=/proc/self/fd/{below}"
        layers += "".join(f",{name}dir=/proc/self/fd/{above}/{name}" for name in ("upper", "work"))
        kernel.mount("overlay", folder, _SAFE, layers + ",userxattr")  # above the tmpfs, which has to stay
    except OSError as error:
        raise ZoneError(
            f"{folder} is read-only, and this host does not let something be added to it ({reason(error)}): "
            "choose a target that exists"
        ) from None
    finally:
        os.close(below)
        os.close(above)


def _restrict_proc(nothing: int) -> None:
    """`nothing`: a tree that is a file without content."""
    for name in PROC_READ_ONLY:
        path = f"/proc/{name}"
        if os.path.exists(path):
            _Tree(path, path, kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV).attach()
    empty = ""
    for name in PROC_HIDDEN:
        path = f"/proc/{name}"
        if not os.path.lexists(path):
            continue
        if not os.path.isdir(path):
            copy = kernel.clone_tree("", at=nothing)
            kernel.attach(copy, path)
            os.close(copy)
        elif empty:
            _Tree(empty, path, 0).attach()
        else:
            kernel.mount("tmpfs", path, _SAFE | kernel.MS_RDONLY, "mode=555,nr_inodes=1")
            empty = path
    os.close(nothing)


def _make_dev(devices: list[_Tree], terminals: _Tree | None, *, writable: bool) -> None:
    """`writable`: a system has sockets and pipes there (/dev/log); its devices are mounts, and stay."""
    mount_point("/dev", folder=True)
    kernel.mount("tmpfs", "/dev", kernel.MS_NOSUID | kernel.MS_NOEXEC, "mode=755,size=256k,nr_inodes=1k")
    for tree in devices:
        os.makedirs(os.path.dirname(tree.target), 0o755, exist_ok=True)
        os.close(os.open(tree.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        tree.attach()
    for name, leads_to in LINKS:
        os.symlink(leads_to, f"/dev/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"/dev/{name}", 0o755)
    if terminals is not None:
        terminals.attach()
    else:
        options = "newinstance,ptmxmode=0666,mode=620"
        kernel.mount("devpts", "/dev/pts", kernel.MS_NOSUID | kernel.MS_NOEXEC, options)
    kernel.mount("tmpfs", "/dev/shm", _SAFE, "mode=1777")
    if not writable:
        kernel.change_tree(kernel.AT_FDCWD, "/dev", set=kernel.ATTR_RDONLY, recursive=False)
