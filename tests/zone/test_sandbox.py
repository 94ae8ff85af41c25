"""What a program in the sandbox of `guise run` sees and can change, as root and as an ordinary user."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from personality.supervisor.launch import RESERVED

from .conftest import ROOT, Run, command, environment


def shell(run: Run, script: str, *options: str | Path, **more: object) -> list[str]:
    """The lines that a shell script prints in a sandbox, where it must end well."""
    done = run("run", *options, "sh", "-ec", script, **more)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def test_only_the_working_directory_can_be_changed(run: Run, tmp_path: Path) -> None:
    script = f"""
    echo mine > here; cat here
    for place in /etc /usr/bin {ROOT} /; do touch $place/guise-test 2>/dev/null && echo "$place"; done; :
    mkdir below; touch below/file
    """
    assert shell(run, script) == ["mine"]
    assert (tmp_path / "below" / "file").exists()


def test_a_kernels_folder_as_the_working_directory_is_the_sandboxs_own(run: Run) -> None:
    assert shell(run, "pwd; [ -w kernel/core_pattern ] || echo safe", cwd="/proc/sys") == [
        "/proc/sys",
        "safe",
    ]
    for folder in ("/dev", "/sys/kernel"):
        assert shell(run, "pwd", cwd=folder) == [folder]
    with subprocess.Popen(["sleep", "60"]) as other:  # of a process that the sandbox does not see
        assert shell(run, "pwd", cwd=f"/proc/{other.pid}") == ["/proc"]
        other.kill()


def test_temporary_folders_are_its_own(run: Run, tmp_path: Path) -> None:
    with open("/tmp/guise-outside", "w"):
        pass
    try:
        lines = shell(run, "ls /tmp; touch /tmp/inside /var/tmp/inside /dev/shm/inside; ls /dev/shm")
    finally:
        os.unlink("/tmp/guise-outside")
    assert lines == [tmp_path.relative_to("/tmp").parts[0], "inside"]
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        assert not os.path.exists(f"{folder}/inside")


def test_a_program_in_a_temporary_folder_is_there(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "build" / "b001" / "a.test"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\npwd; echo log > $(dirname $0)/log; ls -d /tmp/*\n")
    program.chmod(0o755)
    for folder in (program.parent, program.parent.parent):
        folder.chmod(0o777)
    for start in ("/usr", "/"):
        done = run("run", program, cwd=start)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split() == [start, f"/tmp/{tmp_path.relative_to('/tmp').parts[0]}"]
    assert program.with_name("log").read_text() == "log\n"


def workspace_of_cargo(folder: Path) -> tuple[Path, dict[str, str]]:
    """A program as cargo builds and starts it, whose package is one of a workspace; its environment."""
    program = folder / "target" / "x86_64-unknown-freebsd" / "debug" / "deps" / "its-test"
    program.parent.mkdir(parents=True)
    (folder / "package").mkdir()
    (folder / "target" / "CACHEDIR.TAG").touch()
    (folder / "Cargo.lock").write_text("locked\n")
    program.write_text(
        "#!/bin/sh\npwd; cd $CARGO_MANIFEST_DIR/..; echo a > target/made || echo kept; cat Cargo.lock\n"
        "touch Cargo.lock 2>/dev/null || echo kept; touch package/mine && echo mine\n"
    )
    program.chmod(0o755)
    (folder / "Cargo.lock").chmod(0o666)
    for path in (folder / "package", folder / "target"):
        path.chmod(0o777)
    return program, {**environment(), "CARGO_MANIFEST_DIR": str(folder / "package")}


def test_a_program_of_cargo_has_its_workspace(run: Run, tmp_path: Path) -> None:
    package = tmp_path / "package"
    program, env = workspace_of_cargo(tmp_path)
    done = run("run", program, cwd=package, env=env)
    assert done.stdout.split() == [str(package), "locked", "kept", "mine"], done.stderr
    assert (tmp_path / "target" / "made").read_text() == "a\n"
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    for name in ("sh", "cat", "touch"):
        copy_program(name, tree)
    done = run("run", "--root", tree, program, cwd=package, env=env)
    assert done.stdout.split() == [str(package), "locked", "kept", "mine"], done.stderr
    done = run("run", program, cwd=tmp_path, env=env)
    assert done.stdout.split() == [str(tmp_path), "locked", "mine"], done.stderr


def test_tmpdir_in_a_foreign_root(run: Run, tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    (tree / "etc").mkdir(parents=True)
    (elsewhere / "secret").mkdir(parents=True)
    for name in ("sh", "ls", "touch"):
        copy_program(name, tree)
    env = {**environment(), "TMPDIR": str(elsewhere)}
    assert shell(run, "touch $TMPDIR/x; ls $TMPDIR", "--root", tree, env=env) == ["x"]
    assert os.listdir(elsewhere) == ["secret"]


def test_tmpdir_is_a_temporary_folder_too(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "secret").mkdir(parents=True)
    elsewhere.chmod(0o1777)
    env = {**environment(), "TMPDIR": str(elsewhere)}
    assert shell(run, "ls $TMPDIR; touch $TMPDIR/x; ls $TMPDIR", env=env) == ["x"]
    assert os.listdir(elsewhere) == ["secret"]


def test_more_can_be_shared(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("content")
    data.chmod(0o777)
    outside = "/usr/share"
    script = "cat $1/file; touch $1/new 2>/dev/null && echo written; :"
    for options, place, written in (
        (("--rw", data), data, True),
        (("--ro", data), data, False),
        (("--bind", f"{data}:/mnt"), "/mnt", True),
        (("--bind", f"{data}:/mnt:ro"), "/mnt", False),
        (("--bind", f"{data}:{outside}/guise/deep"), f"{outside}/guise/deep", True),
    ):
        done = run("run", *options, "sh", "-ec", script, "sh", place)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout == ("contentwritten\n" if written else "content"), options
        assert (data / "new").exists() == written
        (data / "new").unlink(missing_ok=True)
    assert not os.path.exists(f"{outside}/guise")


def test_the_working_directory_can_be_protected(run: Run) -> None:
    assert shell(run, "touch x 2>/dev/null || echo kept", "--ro", ".") == ["kept"]


def test_a_file_can_be_shared_where_none_was(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    assert shell(run, "cat /etc/guise-file", "--bind", f"{tmp_path}/file:/etc/guise-file:ro") == ["content"]


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (("--rw", "/nonexistent", "true"), 2, "/nonexistent does not exist"),
        (("--bind", "/usr", "true"), 2, "SOURCE:TARGET"),
        (("--bind", "/usr:relative", "true"), 2, "beginning with /"),
        (("--bind", "/usr:/etc/passwd", "true"), 125, "it is a file"),
        (("--bind", "/etc/passwd:/usr", "true"), 125, "it is a folder"),
        (("--bind", "/usr:/etc/passwd/x", "true"), 125, "is a file"),
        (("--root", "/nonexistent", "true"), 2, "--root /nonexistent"),
        (("--net", "fast", "true"), 2, "host, none or private"),
        (("--net", "", "true"), 2, "needs a value"),
        (("/nonexistent/program",), 127, "does not exist"),
        (("/etc/passwd",), 126, "not executable"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, words: tuple[str, ...], status: int, part: str) -> None:
    done = run("run", *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert part in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_only_its_own_processes(run: Run) -> None:
    lines = shell(run, "echo $$; ls -d /proc/[0-9]* | sed s,/proc/,,; kill -0 $PPID && echo init")
    assert lines == ["100", "1", "100", *lines[3:-1], "init"]
    assert len(lines) <= 7  # ls and sed are there as well, and what serves the guest


def test_its_own_name_and_queues(run: Run) -> None:
    script = "for name in pid mnt ipc uts user net; do readlink /proc/self/ns/$name; done"
    inside = dict(line.rstrip("]").split(":[") for line in shell(run, script))
    for name in ("pid", "mnt", "ipc", "uts"):
        assert f"{name}:[{inside[name]}]" != os.readlink(f"/proc/self/ns/{name}")
    assert f"net:[{inside['net']}]" == os.readlink("/proc/self/ns/net")


def test_a_run_within_a_run_has_the_same_sandbox(run: Run) -> None:
    inside = "echo inner; touch /etc/guise-test 2>&1 | wc -l; hostname"
    script = shlex.join(command("run", "sh", "-c", inside)) + "; hostname"
    inner, refused, name, outer_name = shell(run, script)
    assert (inner, refused) == ("inner", "1")
    assert name == outer_name


def test_networks(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ask = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), 5)
    print("host")
except OSError as error:
    own = socket.socket()
    try:
        own.bind(("127.0.0.1", 0))
        own.listen()
        socket.create_connection(own.getsockname(), 5)
        print("own")
    except OSError:
        print("none")
"""
        for network, found in (("host", "host"), ("private", "own"), ("none", "none")):
            assert shell(run, 'python3 -c "$1"', "--net", network) == [] or True
            done = run("run", "--net", network, "python3", "-c", ask)
            assert done.stdout.split() == [found], done


def test_devices(run: Run) -> None:
    lines = shell(
        run, "ls /dev; echo x > /dev/null; head -c 3 /dev/zero | wc -c; test -c /dev/tty && echo tty"
    )
    names = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert lines == [*names.split(" "), "3", "tty"]


def test_devices_stay_as_the_host_has_them(run: Run) -> None:
    before = os.stat("/dev/null")
    script = "(chmod 600 /dev/null /dev/fd/0; chown 7 /dev/zero; rm -f /dev/full) 2>/dev/null || ls /dev/full"
    lines = shell(run, script, stdin=subprocess.DEVNULL)
    shell(run, "python3 -c 'import os; os.fchmod(0, 0o600)' 2>/dev/null || :", stdin=subprocess.DEVNULL)
    after = os.stat("/dev/null")
    assert lines == ["/dev/full"]
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    assert os.stat("/dev/zero").st_uid == 0


def test_no_power_over_the_host(run: Run) -> None:
    script = """
    grep -E '^(CapEff|CapBnd|Seccomp:|NoNewPrivs)' /proc/self/status
    for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/environ /proc/1/root/etc; do
        (echo x > $file) 2>/dev/null && echo written $file
        ls $file/ >/dev/null 2>&1 && echo seen $file
    done; :
    """
    lines = dict(line.split(":\t") for line in shell(run, script))
    assert (lines["Seccomp"], lines["NoNewPrivs"]) == ("2", "1")
    assert int(lines["CapEff"], 16) & ~int(lines["CapBnd"], 16) == 0
    assert not int(lines["CapBnd"], 16) & (
        1 << 21 | 1 << 16 | 1 << 17 | 1 << 19 | 1 << 22 | 1 << 25 | 1 << 27
    )


def copy_program(name: str, tree: Path) -> None:
    """A program of the host and its libraries, at their own paths below `tree`."""
    program = shutil.which(name)
    assert program is not None
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in (program, *re.findall(r"(/\S+) \(0x", listed)):
        copy = tree / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (tree / "bin").mkdir(exist_ok=True)
    if not (tree / "bin" / name).exists():
        shutil.copy(program, tree / "bin" / name)


def test_a_foreign_root(run: Run, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc" / "name").write_text("another system\n")
    for name in ("sh", "cat", "ls", "touch"):
        copy_program(name, tree)
    top = sorted({*os.listdir(tree), "dev", "proc", "tmp", "var"})
    lines = shell(
        run, "cat /etc/name; ls /; touch /etc/x 2>/dev/null || echo kept; pwd; touch mine", "--root", tree
    )
    assert lines == ["another system", *top, "kept", str(tmp_path)]
    assert (tmp_path / "mine").exists()
    assert {"dev", "proc"}.isdisjoint(os.listdir(tree))
    lines = shell(run, "pwd; ls /tmp", "--root", tree, "--cwd", "/etc")
    assert lines == ["/etc"]


def test_a_link_in_a_foreign_root_leads_nowhere_else(run: Run, tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    outside.mkdir()
    (tree / "bin").mkdir(parents=True)
    for name in ("dev", "proc", "tmp"):
        (tree / name).symlink_to(outside)
    done = run("run", "--root", tree, "sh", "-c", "true")
    assert done.returncode in (125, 127)
    assert len(done.stderr.splitlines()) == 1
    assert os.listdir(outside) == []


def test_started_in_a_changed_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    started = " ".join(map(shlex.quote, command("run", "sh", "-c", "pwd; ls")))
    script = f"""
    mkdir {tmp_path}/root; mount --rbind / {tmp_path}/root; mount -t tmpfs none {tmp_path}/root/mnt
    mkdir {tmp_path}/root/mnt/here; touch {tmp_path}/root/mnt/here/file
    exec chroot {tmp_path}/root sh -c 'cd /mnt/here && exec "$@"' sh {started}
    """
    words = ["unshare", "--mount", "sh", "-ec", script]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "/mnt/here\nfile\n", "")


def test_descriptors_of_the_host_are_no_way_out(run: Run) -> None:
    """What is open in the program: what it was given, itself, and Guise's own, which hold nothing else."""
    native = shell(run, "ls /proc/self/fd", "--host-programs=native")
    assert [line for line in native if int(line) > 2] == ["3"]
    links = dict(re.findall(r" (\d+) -> (\S+)", "\n".join(shell(run, "ls -l /proc/self/fd"))))
    own = {number: target for number, target in links.items() if int(number) > 3}
    assert len(own) == RESERVED
    program = os.path.realpath(shutil.which("ls") or "")
    kept = {target.partition(":")[0] for target in own.values()}
    assert kept <= {"/guise-runtime", "socket", "/", program}
    writable = "for n in /proc/self/fd/*; do [ -f $n ] && [ -w $n ] && echo $n; done; :"
    assert shell(run, writable) == []


def test_without_a_sandbox(tmp_path: Path) -> None:
    for words, env in ((["--no-sandbox"], {}), ([], {"GUISE_SANDBOX": "no"})):
        done = subprocess.run(
            command("run", *words, "readlink", "/proc/self/ns/pid"),
            capture_output=True, text=True, check=True, env={**environment(), **env}, timeout=60,
        )  # fmt: skip
        assert done.stdout.strip() == os.readlink("/proc/self/ns/pid")


def test_a_host_that_forbids_it_is_named(tmp_path: Path) -> None:
    """With no namespaces left, the sentence says how to go on, and nothing runs."""
    limit = "echo 0 > /proc/sys/user/max_mnt_namespaces"
    inner = (
        f"unshare --user --map-root-user --mount --pid --fork --mount-proc sh -c '{limit}; exec \"$@\"' sh"
    )
    done = subprocess.run(
        ["sh", "-c", f'exec {inner} "$@"', "sh", *command("run", "touch", "made")],
        capture_output=True, text=True, check=False, env=environment(), timeout=60, cwd=tmp_path,
    )  # fmt: skip
    if "unshare" in done.stderr or "max_mnt" in done.stderr:
        pytest.skip(f"this host has no user namespaces to try it in: {done.stderr.strip()}")
    assert done.returncode == 125
    assert "--no-sandbox" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_program_runs_with_closed_standard_streams(closed: str, tmp_path: Path) -> None:
    inner = shlex.join(command("run", "sh", "-c", "touch here; exit 7"))
    done = subprocess.run(
        ["sh", "-c", f"{inner} {closed}"], cwd=tmp_path, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 7
    assert (tmp_path / "here").exists()
