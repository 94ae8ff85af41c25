"""Which of the host's files a sandboxed program sees: the rules behind the defaults of `guise run`.

The host's files are there and cannot be changed; the working directory can.  Temporary folders are empty,
except for the folder in them that holds the program or the working directory: that is where `go test` builds
what it runs.  A program that cargo built and starts sees its workspace, and may write to the target folder.
Of /dev there is what every program may use, of /run what name resolution needs.
"""

from __future__ import annotations

import os

from sandbox.zone.view import Share, View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox.zone.ephemeral import Request

TEMPORARY = ("/tmp", "/var/tmp")
RUN = "/run"
KEPT_IN_RUN = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf")
GO_TEST_FOLDERS = ("outputdir", "gocoverdir", "fuzzcachedir", "artifacts")
GO_TEST_FILES = (
    "testlogfile", "coverprofile", "cpuprofile", "memprofile", "blockprofile", "mutexprofile", "trace",
)  # fmt: skip
CARGO_LEVELS = 6  # target/TRIPLE/PROFILE/deps/PROGRAM, or examples, or one level less
CARGO_TAG = "CACHEDIR.TAG"  # in a target folder
SYSTEM = (
    "/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libexec", "/libx32", "/proc",
    "/rescue", "/run", "/sbin", "/sys", "/usr", "/var",
)  # fmt: skip
"""Folders of another system that the host's of the same name must not cover."""


def view_for(request: Request) -> tuple[View, str]:
    """What to build, and the directory to start in.  Looks at the host's files."""
    foreign = request.root != "/"
    here = _here()
    scratch = _scratch(foreign)
    shares = (
        [] if foreign else [Share(path, path, writable=False) for path in KEPT_IN_RUN if os.path.exists(path)]
    )
    directory = request.directory or here
    if here and not (request.directory and foreign) and here not in (SYSTEM if foreign else ("/",)):
        if foreign or not _is_kernels(here):
            shares.append(Share(here, here, writable=True))
    elif not request.directory:
        directory = "/"
    program = _program(request, here)
    if program:
        of_cargo = _of_cargo(program, here)
        shares += of_cargo
        if not any(_is_below(program, share.target) for share in of_cargo):
            shares += _around(program, scratch, request.root, here)
    shares += _written_by_go_test(request.arguments)
    for path in request.read_only:
        if os.path.exists(path) and not foreign:
            shares.append(Share(path, path, writable=False))
    shares += request.shares
    if not foreign and os.path.isdir(RUN):
        scratch = (*scratch, RUN)
    terminal = any(_is_terminal(number) for number in (0, 1, 2))
    view = View(
        request.root,
        shares=tuple(shares),
        scratch=scratch,
        terminal=terminal,
        powerful=os.geteuid() == 0,
    )
    return view, directory


def _is_kernels(here: str) -> bool:
    """Whether the sandbox has a folder of its own at the place of the working directory."""
    return here == "/dev" or any(_is_below(here, folder) for folder in ("/proc", "/sys"))


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""


def _scratch(foreign: bool) -> tuple[str, ...]:
    folders = [path for path in TEMPORARY if foreign or (os.path.isdir(path) and not os.path.islink(path))]
    chosen = os.environ.get("TMPDIR", "")
    if os.path.isabs(chosen) and os.path.isdir(chosen):
        chosen = os.path.normpath(chosen) if foreign else os.path.realpath(chosen)
        if chosen not in SYSTEM and chosen not in folders and chosen != os.path.expanduser("~"):
            folders.append(chosen)
    return tuple(folders)


def _program(request: Request, here: str) -> str:
    """The host's file that was named as the program, or ""."""
    if "/" not in request.program:
        return ""
    path = os.path.join(here, request.program)
    return os.path.normpath(path) if os.path.exists(path) else ""


def _around(program: str, scratch: tuple[str, ...], root: str, here: str) -> list[Share]:
    """What must be shared so that a program in a temporary folder, or outside of a foreign root, is there."""
    for folder in scratch:
        if _is_below(program, folder):
            if here and _is_below(here, folder) and _is_below(program, here):
                return []
            topmost = os.path.join(folder, os.path.relpath(program, folder).split("/")[0])
            return [Share(topmost, topmost, writable=os.path.isdir(topmost))]
    if here and _is_below(program, here) and here != "/":
        return []
    if root == "/" and not _is_below(program, RUN):
        return []
    if os.path.exists(os.path.join(root, program.lstrip("/"))) and root != "/":
        return []
    return [Share(program, program, writable=False)]


def _of_cargo(program: str, here: str) -> list[Share]:
    """The workspace, to be read, and the target folder that holds the program: cargo names files in both
    to the tests that it starts (CARGO_BIN_EXE_*, CARGO_TARGET_TMPDIR, OUT_DIR).
    """
    package = os.environ.get("CARGO_MANIFEST_DIR", "")
    if not os.path.isabs(package):
        return []
    found = (
        (_holding("Cargo.lock", package), False),
        (_holding(CARGO_TAG, os.path.dirname(program)), True),
    )
    return [
        Share(folder, folder, writable=writable)
        for folder, writable in found
        if folder and not (here and _is_below(folder, here))
    ]


def _holding(name: str, folder: str) -> str:
    """The nearest of `folder` and those above it, within reason, that holds a file of that name; or ""."""
    for _ in range(CARGO_LEVELS):
        if folder in SYSTEM:
            break
        if os.path.isfile(os.path.join(folder, name)):
            return folder
        folder = os.path.dirname(folder)
    return ""


def _written_by_go_test(arguments: tuple[str, ...]) -> list[Share]:
    """The folders that `go test` tells its test programs to write to."""
    folders = []
    for word in arguments:
        if not word.startswith("-test."):
            continue
        name, _, path = word.removeprefix("-test.").partition("=")
        if name in GO_TEST_FILES:
            path = os.path.dirname(path)
        elif name not in GO_TEST_FOLDERS:
            continue
        if os.path.isabs(path) and os.path.isdir(path) and path not in SYSTEM:
            folders.append(path)
    return [Share(path, path, writable=True) for path in dict.fromkeys(folders)]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_terminal(number: int) -> bool:
    try:
        return os.isatty(number)
    except OSError:
        return False
